"""Static files of the core and plugins: read once, addressed by a digest, cached for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

FOREVER = "public, max-age=31536000, immutable"
WORTH_PACKING = 500
"""Bytes from which packing pays."""


@dataclass(frozen=True)
class _File:
    content: bytes
    packed: bytes | None
    kind: str


class StaticFiles:
    """All static files in memory, by owner; the digest in the address covers all files of the owner.

    One digest per owner, in the path, keeps relative addresses inside style sheets valid.

    Args:
        folders: Folder of each owner, ``core`` or a plugin id.
    """

    def __init__(self, folders: dict[str, Path]) -> None:
        self._files: dict[str, _File] = {}
        self._digests: dict[str, str] = {}
        for owner, folder in folders.items():
            if folder.is_dir():
                self._read(owner, folder)

    def url(self, path: str, owner: str = "core") -> str:
        """Return the address of a file.

        Raises:
            KeyError: There is no such file: a wrong template, found by its first test.
        """
        address = f"/static/{owner}/{self._digests[owner]}/{path}"
        return address if address in self._files else self._missing(path, owner)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        file = self._files.get(scope["path"])
        response: Response = PlainTextResponse("Not found", 404)
        if scope["method"] not in {"GET", "HEAD"}:
            response = PlainTextResponse("Method not allowed", 405, headers={"Allow": "GET, HEAD"})
        elif file is not None:
            packs = b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"")
            headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
            content = file.content
            if packs and file.packed is not None:
                content, headers["Content-Encoding"] = file.packed, "gzip"
            response = Response(content, headers=headers, media_type=file.kind)
        await response(scope, receive, send)

    def _missing(self, path: str, owner: str) -> str:
        raise KeyError(f"no static file {path} of {owner}")

    def _read(self, owner: str, folder: Path) -> None:
        found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        digest = hashlib.sha256()
        for name in sorted(found):
            digest.update(name.encode() + b"\0" + hashlib.sha256(found[name]).digest())
        self._digests[owner] = digest.hexdigest()[:12]
        for name, content in found.items():
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith("javascript") else ""
            packed = gzip.compress(content, 9, mtime=0) if len(content) > WORTH_PACKING else None
            self._files[f"/static/{owner}/{self._digests[owner]}/{name}"] = _File(content, packed, kind + charset)
