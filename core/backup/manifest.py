"""The manifest of a backup: what it holds, of which versions, with a checksum of every part."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import ConfigError

NAME = "manifest.json"
FORMAT = 1
"""Raised when older programs could not read a backup any more."""


class Manifest(BaseModel):
    """What stands in a backup.

    ``parts`` maps the name of each further member to its SHA-256; ``tables`` has the checksums of `core.backup.sums`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    made_at: str
    version: str
    kind: str
    server: str
    revisions: dict[str, str]
    plugins: dict[str, str]
    keys: str
    tables: dict[str, str]
    parts: dict[str, str]

    @property
    def database(self) -> str:
        """Name of the member with the database."""
        return "database.db" if self.kind == "sqlite" else "database.dump"


def read_manifest(text: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ConfigError: It is none, or of a newer format.
    """
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ConfigError(
            "backup_manifest", "The manifest of the backup cannot be read.", "Take another backup."
        ) from error
    if found.format > FORMAT:
        raise ConfigError("backup_newer", "The backup was made by a newer program.", "Install that version first.")
    return found
