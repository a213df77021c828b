"""Find the encoding of a text file, and refuse text that has already lost characters."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import IO

from core.errors import ImportFileError

OpenStream = Callable[[], IO[bytes]]

BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOJIBAKE = ("锟斤拷", "\ufffd")


def detect_encoding(open_stream: OpenStream, wanted: str | None = None) -> str:
    """Return the encoding of a text: byte order mark, strict UTF-8, strict GB18030, then chardet.

    The whole text is read once, so that nothing can fail to decode later.

    Args:
        open_stream: Opens the bytes from the start.
        wanted: Encoding the profile or the user asks for; it is only checked.

    Raises:
        ImportFileError: ``encoding_unknown``, ``not_text`` (NUL characters), ``mojibake`` (domain facts T9-12).
    """
    with open_stream() as stream:
        head = stream.read(4096)
    if wanted is not None:
        return _checked(open_stream, wanted)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return _checked(open_stream, name)
    if (wide := _wide(head)) is not None:
        return _checked(open_stream, wide)
    for name in ("utf-8", "gb18030"):
        if decodes(open_stream, name):
            return name
    return _guessed(open_stream)


def decodes(open_stream: OpenStream, encoding: str) -> bool:
    """Tell whether the bytes are strictly valid in ``encoding``.

    Raises:
        ImportFileError: They are, but hold NUL or replacement characters.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    tail = ""
    with open_stream() as stream:
        while True:
            block = stream.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError:
                return False
            _refuse_damage(tail + text)
            if not block:
                return True
            tail = text[-2:]


def _checked(open_stream: OpenStream, encoding: str) -> str:
    if decodes(open_stream, encoding):
        return encoding
    raise ImportFileError(
        "encoding_unknown",
        "The file cannot be read as {encoding}.",
        "Choose another encoding, or save the file as UTF-8.",
        encoding=encoding,
    )


def _wide(head: bytes) -> str | None:
    """Guess UTF-16 without a mark: every second byte of plain digits and separators is zero."""
    half = len(head) // 2
    if half < 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd * 5 >= half and even * 20 < odd:
        return "utf-16-le"
    return "utf-16-be" if even * 5 >= half and odd * 20 < even else None


def _guessed(open_stream: OpenStream) -> str:
    import chardet

    with open_stream() as stream:
        name = chardet.detect(stream.read(BLOCK // 4)).get("encoding")
    if isinstance(name, str) and decodes(open_stream, name):
        return codecs.lookup(name).name
    raise ImportFileError(
        "encoding_unknown", "The encoding of the file cannot be found out.", "Save the file as UTF-8 and try again."
    )


def _refuse_damage(text: str) -> None:
    if "\0" in text:
        raise ImportFileError(
            "not_text",
            "The file holds NUL characters: it is damaged or not a table.",
            "Export it again as CSV or XLSX.",
        )
    for sign in _MOJIBAKE:
        if sign in text:
            raise ImportFileError(
                "mojibake",
                "The text was damaged by an earlier conversion ({sign}): characters are lost.",
                "Export the file again from the source system.",
                sign=sign,
            )
