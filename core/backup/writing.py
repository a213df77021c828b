"""Making a backup: a snapshot of the database, the stored files, and a manifest, in one file."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import make_url, text

from core import __version__
from core.backup import postgres
from core.backup.manifest import NAME, Manifest
from core.backup.sums import Sums, postgres_sums, sqlite_sums
from core.db.base import utc_now
from core.db.migrate import current
from core.db.row_security import name_all
from core.errors import ConfigError, ConflictError

if TYPE_CHECKING:
    from core.app import Suite
    from core.crypto import Vault

FOLDERS = ("files", "profiles", "rejects")
"""Folders of the data folder that are part of a backup; the others are caches, keys and backups."""
PIECE = 1 << 20
KEY_MARK = "core.backup"


def write_backup(suite: Suite, target: Path, *, files: bool = True) -> Manifest:
    """Make a backup while the installation serves; the keys are not part of it.

    The file appears under its name only when it is whole and on the disk.

    Args:
        suite: The installation.
        target: The file to write; must not exist.
        files: Whether the stored files are part of it, besides the database.

    Raises:
        ConfigError: The file cannot be written, or the keys are missing.
        ConflictError: The file exists.
        DatabaseStateError: PostgreSQL's programs are missing or failed.
    """
    if target.exists():
        raise ConflictError("backup_exists", "The file {file} exists.", "Choose another name.", file=str(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
            whole = Path(folder) / "whole"
            manifest = _pack(suite, Path(folder), whole, files=files)
            _to_disk(whole)
            whole.replace(target)
    except OSError as error:
        raise ConfigError(
            "backup_unwritable",
            "The backup {file} cannot be written: {problem}.",
            "Choose a folder with enough space.",
            file=str(target),
            problem=error.strerror or type(error).__name__,
        ) from error
    return manifest


def key_mark(vault: Vault) -> str:
    """Return a mark of keys that tells nothing about them."""
    return vault.index(KEY_MARK, KEY_MARK).hex()


def backup_name(moment: datetime, reason: str = "banyan") -> str:
    """Return the file name of a backup."""
    return f"{reason}-{moment:%Y%m%d-%H%M%S}.zip"


@contextmanager
def plain_sqlite(file: Path, *, immutable: bool = False) -> Iterator[Any]:
    """Give a plain connection of the driver to an SQLite file that exists.

    Args:
        file: The file.
        immutable: Nobody writes it now; needs no write-ahead log beside it.
    """
    from core.db.sqlite import dbapi2

    mode = "mode=ro&immutable=1" if immutable else "mode=rw"
    with closing(dbapi2.connect(f"{file.resolve().as_uri()}?{mode}", uri=True)) as database:
        database.isolation_level = None
        yield database


def _pack(suite: Suite, folder: Path, whole: Path, *, files: bool) -> Manifest:
    is_sqlite = suite.database.is_sqlite
    image = folder / "image"
    tables = _sqlite_image(suite, image) if is_sqlite else _postgres_image(suite, image)
    facts: dict[str, Any] = {
        "made_at": utc_now().isoformat(timespec="seconds"),
        "version": __version__,
        "kind": "sqlite" if is_sqlite else "postgresql",
        "server": _server(suite),
        "revisions": current(suite.database),
        "plugins": {each.id: str(each.version) for each in suite.plugins.ready()},
        "keys": key_mark(suite.vault),
        "tables": tables,
        "parts": {},
    }
    manifest = Manifest.model_validate(facts)
    with ZipFile(whole, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        manifest.parts[manifest.database] = _add(archive, image, manifest.database)
        for file in _stored(suite.settings.data.folder) if files else ():
            name = file.relative_to(suite.settings.data.folder).as_posix()
            manifest.parts[name] = _add(archive, file, name)
        archive.writestr(NAME, manifest.model_dump_json(indent=1))
    return manifest


def _sqlite_image(suite: Suite, image: Path) -> Sums:
    from core.db.sqlite import dbapi2

    file = Path(make_url(suite.database.url).database or "")
    with plain_sqlite(file) as source, closing(dbapi2.connect(image)) as copy:
        source.backup(copy)
        # One file without a log beside it, which could be lost on the way.
        copy.execute("PRAGMA journal_mode=DELETE")
    with plain_sqlite(image, immutable=True) as copy:
        return sqlite_sums(copy)


def _postgres_image(suite: Suite, image: Path) -> Sums:
    engine = suite.database.reader.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        name_all(connection)
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        tables = postgres_sums(connection)
        postgres.dump(suite.database.owner_url, snapshot, image)
    return tables


def _server(suite: Suite) -> str:
    question = "SELECT sqlite_version()" if suite.database.is_sqlite else "SHOW server_version"
    with suite.database.reader.connect() as connection:
        return str(connection.exec_driver_sql(question).scalar())


def _stored(folder: Path) -> Iterator[Path]:
    for name in FOLDERS:
        # Names with a dot and digits behind are files that a process is still writing.
        yield from (each for each in sorted((folder / name).rglob("*")) if each.is_file() and not _unfinished(each))


def _unfinished(file: Path) -> bool:
    return file.suffix[1:].isdigit()


def _add(archive: ZipFile, file: Path, name: str) -> str:
    """Add a file and return the SHA-256 of what was added."""
    digest = hashlib.sha256()
    with file.open("rb") as source, archive.open(name, "w", force_zip64=True) as member:
        while piece := source.read(PIECE):
            digest.update(piece)
            member.write(piece)
    return digest.hexdigest()


def _to_disk(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
