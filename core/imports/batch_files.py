"""Files of imports in the data folder: originals by content, staging files, rejects files."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from core.errors import ImportFileError


class BatchFiles:
    """Knows where the files of imports are.

    Args:
        folder: The data folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, file: Path) -> tuple[str, Path]:
        """Copy a file into the store, named by its content.

        Returns:
            Its SHA-256 and where it is kept.

        Raises:
            ImportFileError: The file cannot be read.
        """
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            kept = self.kept(digest)
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                waiting = kept.with_suffix(f".{os.getpid()}")
                shutil.copyfile(file, waiting)
                waiting.replace(kept)
        except OSError as error:
            raise ImportFileError(
                "file_unreadable",
                "The file {file} cannot be read: {problem}.",
                "Check the path and that you may read it.",
                file=str(file),
                problem=error.strerror or type(error).__name__,
            ) from error
        return digest, kept

    def kept(self, digest: str) -> Path:
        """Return where the original with this SHA-256 is."""
        return self.folder / "files" / digest[:2] / digest

    def staging(self, batch_id: int) -> Path:
        """Return where the staging file of a batch is."""
        return self.folder / "staging" / f"{batch_id}.db"

    def waiting(self, name: str) -> Path:
        """Return a place of this process for a staging file that is not finished; its folder is made."""
        place = self.folder / "staging" / f"{name}.{os.getpid()}"
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def rejects(self, batch_id: int) -> Path:
        """Return where the rejects file of a batch is; its folder is made."""
        place = self.folder / "rejects" / f"{batch_id}.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
