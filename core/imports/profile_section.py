"""Read one table of a profile file strictly: typed values, unknown keys refused with the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import ImportFileError


def refuse(file: str, key: str, problem: str, cure: str = "") -> ImportFileError:
    """Return the error for one wrong key of a profile.

    Args:
        file: Name of the profile file.
        key: Path of the key, such as ``record[2].fields.sex.map``.
        problem: What is wrong, English.
        cure: What to write instead, English.
    """
    message = "Profile {file}, key {key}: {problem}."
    return ImportFileError("profile_invalid", message, "{advice}" if cure else "", file=file, key=key, problem=problem,
                           advice=cure)  # fmt: skip


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a cure that names the valid name closest to ``name``, or all of them where none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Possible here: {', '.join(names)}." if names else "Nothing is possible here."


class Section:
    """One TOML table together with the path that leads to it; every read key counts as known."""

    def __init__(self, file: str, path: str, content: object) -> None:
        if not isinstance(content, Mapping):
            raise refuse(file, path or "(file)", "a table is expected here", f"Write [{path}] and keys below it.")
        self.file = file
        self.path = path
        self.content: Mapping[str, Any] = content
        self._known: set[str] = set()

    def at(self, key: str) -> str:
        """Return the full path of ``key``."""
        return f"{self.path}.{key}" if self.path else key

    def error(self, key: str, problem: str, cure: str = "") -> ImportFileError:
        """Return the error for ``key`` of this table."""
        return refuse(self.file, self.at(key), problem, cure)

    def get(self, key: str) -> Any:
        """Return the raw value of ``key`` or none, and remember the key as known."""
        self._known.add(key)
        return self.content.get(key)

    def text(self, key: str) -> str | None:
        """Return a text, or none where the key is absent."""
        value: str | None = self._typed(key, str, "a text")
        return value

    def needed(self, key: str) -> str:
        """Return a text that must be there and not be empty."""
        value = self.text(key)
        if not value:
            raise self.error(key, "this text is missing", f'Add {key} = "…".')
        return value

    def choice(self, key: str, allowed: Iterable[str]) -> str | None:
        """Return a text out of ``allowed``, or none where the key is absent."""
        value = self.text(key)
        if value is not None and value not in (names := tuple(allowed)):
            raise self.error(key, f"{value} is not possible", nearest(value, names))
        return value

    def flag(self, key: str) -> bool | None:
        """Return true or false, or none where the key is absent."""
        value: bool | None = self._typed(key, bool, "true or false")
        return value

    def whole(self, key: str) -> int | None:
        """Return a whole number, or none where the key is absent."""
        value = self.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.error(key, "a whole number is expected")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one text or a list of texts as a tuple, empty where the key is absent."""
        value = self.get(key)
        items = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
            raise self.error(key, "a text or a list of texts is expected")
        return tuple(items)

    def mapping(self, key: str) -> dict[str, str]:
        """Return a table of texts, empty where the key is absent; numbers and flags are read as their text."""
        value = self.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or any(isinstance(item, (dict, list)) for item in value.values()):
            raise self.error(key, "a table of texts is expected")
        return {str(name): plain_text(item) for name, item in value.items()}

    def section(self, key: str) -> Section | None:
        """Return the table at ``key``, or none where it is absent."""
        value = self.get(key)
        return None if value is None else Section(self.file, self.at(key), value)

    def finish(self) -> None:
        """Refuse keys nobody read.

        Raises:
            ImportFileError: A key is unknown; the cure names the nearest valid one.
        """
        for key in self.content:
            if key not in self._known:
                raise self.error(key, "this key is not known", nearest(key, self._known))

    def _typed(self, key: str, kind: type[Any], expected: str) -> Any:
        value = self.get(key)
        if value is not None and not isinstance(value, kind):
            raise self.error(key, f"{expected} is expected")
        return value


def plain_text(value: object) -> str:
    """Return a TOML scalar as the text a cell would hold (``true``, ``12``, ``2020-01-31``)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
