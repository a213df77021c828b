"""Restoring a backup: everything is checked before anything is touched, and what was there is set aside."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from sqlalchemy import func, inspect, make_url, select, text

from core.backup import postgres
from core.backup.manifest import NAME, Manifest, read_manifest
from core.backup.sums import Sums, postgres_sums, sqlite_sums
from core.backup.writing import FOLDERS, PIECE, key_mark, plain_sqlite
from core.crypto import Vault
from core.db.base import utc_now
from core.db.migrate import sources
from core.db.row_security import name_all
from core.errors import ConfigError, ConflictError, DatabaseStateError, InvalidValueError
from core.security.actors import system_actor
from core.security.models import User

if TYPE_CHECKING:
    from core.app import Suite

UNREADABLE = (OSError, BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error)
"""What reading a damaged archive raises."""


@dataclass(frozen=True)
class Restored:
    """What a restore did; ``set_aside`` says where the former state is, empty when there was none."""

    manifest: Manifest
    tables: Sums
    set_aside: str


@contextmanager
def checked_backup(file: Path, work: Path) -> Iterator[tuple[Manifest, Path]]:
    """Unpack a backup into a folder of its own and compare every part with the manifest.

    Args:
        file: The backup.
        work: Folder with enough space.

    Yields:
        The manifest, and the folder with all parts; it goes away afterwards.

    Raises:
        ConfigError: The file cannot be read, a part is missing, damaged or not in the manifest.
    """
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=work) as folder:
        try:
            with ZipFile(file) as archive:
                manifest = read_manifest(archive.read(NAME))
                _unpack(archive, manifest, Path(folder))
        except UNREADABLE as error:
            raise _damaged(file, str(error) or type(error).__name__) from error
        _check_database(manifest, Path(folder) / manifest.database, file)
        yield manifest, Path(folder)


def restore(suite: Suite, file: Path, *, keys: Path | None, replace: str | None) -> Restored:
    """Put a backup in the place of this installation's data.

    Args:
        suite: The installation, whose tables may be missing; nothing else may use it now.
        file: The backup.
        keys: The copy of the key file; none if the installation has these keys already.
        replace: Name of the installation, typed by a person, where it has people in it already; see `name_of`.

    Raises:
        ConfigError: The backup is damaged, or the keys are missing or others.
        ConflictError: The installation is in use or not empty, and ``replace`` is not its name.
        DatabaseStateError: The backup is of another kind of database or of newer tables, or PostgreSQL refused it.
        InvalidValueError: The name typed is not that of the installation.
    """
    _refuse_unless_free(suite, replace)
    with checked_backup(file, suite.settings.data.folder) as (manifest, parts):
        _refuse_unless_fitting(suite, manifest)
        _check_keys(suite, keys, manifest)
        stamp = f"replaced_{utc_now():%Y%m%d_%H%M%S}"
        beside = suite.settings.data.folder / "backups" / stamp
        beside.mkdir(parents=True)
        place = _place_sqlite if suite.database.is_sqlite else _place_postgres
        tables, former = place(suite, manifest, parts, beside)
        _place_files(suite.settings.data.folder, parts, beside)
        _place_keys(suite, keys, beside)
    if not any(beside.iterdir()):
        beside.rmdir()
        return Restored(manifest, tables, former)
    return Restored(manifest, tables, " ".join(filter(None, (str(beside), former))))


def name_of(suite: Suite) -> str:
    """Return what must be typed to replace an installation: its data folder's or its PostgreSQL database's name."""
    if suite.database.is_sqlite:
        return suite.settings.data.folder.resolve().name
    return make_url(suite.database.url).database or ""


def _unpack(archive: ZipFile, manifest: Manifest, folder: Path) -> None:
    names = [name for name in archive.namelist() if name != NAME]
    if sorted(names) != sorted(manifest.parts) or manifest.database not in manifest.parts:
        raise ValueError("parts")
    for name, expected in manifest.parts.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or (name != manifest.database and path.parts[0] not in FOLDERS):
            raise ValueError("path")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with archive.open(name) as source, target.open("xb") as copy:
            while piece := source.read(PIECE):
                digest.update(piece)
                copy.write(piece)
        if digest.hexdigest() != expected:
            raise ValueError(name)


def _check_database(manifest: Manifest, image: Path, file: Path) -> None:
    if manifest.kind != "sqlite":
        postgres.contents(image)
        return
    with plain_sqlite(image, immutable=True) as database:
        sound = database.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        if not sound or sqlite_sums(database) != manifest.tables:
            raise _damaged(file, manifest.database)


def _refuse_unless_free(suite: Suite, replace: str | None) -> None:
    if replace is not None and replace != name_of(suite):
        raise InvalidValueError("not_the_name", "This is not the name of the installation; nothing was changed.")
    if _people(suite) and replace is None:
        raise ConflictError(
            "not_empty",
            "This installation has people in it.",
            "Restore into an empty one, or give --replace and type its name.",
        )
    if not suite.database.is_sqlite and _others(suite):
        raise _in_use()


def _people(suite: Suite) -> int:
    suite.database.dispose()
    if suite.database.is_sqlite and not _sqlite_file(suite).exists():
        return 0
    if not inspect(suite.database.reader).has_table(User.__tablename__):
        return 0
    with suite.database.read(system_actor("restore a backup")) as session:
        return int(session.scalar(select(func.count()).select_from(User)) or 0)


def _others(suite: Suite) -> int:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    suite.database.dispose()
    with suite.database.reader.connect() as connection:
        return int(connection.scalar(text(query)) or 0)


def _refuse_unless_fitting(suite: Suite, manifest: Manifest) -> None:
    kind = "sqlite" if suite.database.is_sqlite else "postgresql"
    if manifest.kind != kind:
        raise DatabaseStateError(
            "backup_of_other_kind",
            "The backup is of {other}, this installation uses {kind}.",
            "Set [database] url to the kind of the backup.",
            other=manifest.kind,
            kind=kind,
        )
    known = {source.owner: source.revisions for source in sources(suite.plugins)}
    for owner, revision in manifest.revisions.items():
        if owner in known and revision not in known[owner]:
            raise DatabaseStateError(
                "backup_too_new",
                "The tables of {owner} in the backup are at {version}, which this code does not know.",
                "Install the version that made the backup.",
                owner=owner,
                version=revision,
            )


def _check_keys(suite: Suite, keys: Path | None, manifest: Manifest) -> None:
    file = keys or suite.vault.file
    if not file.exists() or key_mark(Vault(file)) != manifest.keys:
        raise ConfigError(
            "backup_keys",
            "The keys of this backup are missing: {file} does not have them.",
            "Give the copy of the key file by --keys.",
            file=str(file),
        )


def _place_sqlite(suite: Suite, manifest: Manifest, parts: Path, beside: Path) -> tuple[Sums, str]:
    from core.db.sqlite import dbapi2

    file = _sqlite_file(suite)
    suite.database.dispose()
    if file.exists():
        try:
            # Leaving the write-ahead log needs the file for oneself: any other connection makes this fail.
            with plain_sqlite(file) as database:
                database.execute("PRAGMA busy_timeout=2000")
                database.execute("PRAGMA journal_mode=DELETE")
        except dbapi2.OperationalError as error:
            raise _in_use() from error
        file.rename(beside / file.name)
    shutil.move(parts / manifest.database, file)
    file.chmod(0o600)
    with plain_sqlite(file, immutable=True) as database:
        return sqlite_sums(database), ""


def _place_postgres(suite: Suite, manifest: Manifest, parts: Path, beside: Path) -> tuple[Sums, str]:
    with suite.database.reader.connect() as connection:
        former = beside.name if inspect(connection).get_table_names(schema="public") else ""
    suite.database.dispose()
    postgres.load(suite.database.owner_url, parts / manifest.database, parts, former)
    with suite.database.reader.connect() as connection:
        name_all(connection)
        tables = postgres_sums(connection)
    if tables != manifest.tables:
        raise DatabaseStateError(
            "restored_otherwise",
            "The restored tables differ from the backup.",
            "The former tables are in the schema {schema}.",
            schema=former or "-",
        )
    return tables, former


def _place_files(folder: Path, parts: Path, beside: Path) -> None:
    for name in FOLDERS:
        if not (parts / name).exists():
            continue
        if (folder / name).exists() and any((folder / name).iterdir()):
            (folder / name).rename(beside / name)
        elif (folder / name).exists():
            (folder / name).rmdir()
        shutil.move(parts / name, folder / name)


def _place_keys(suite: Suite, keys: Path | None, beside: Path) -> None:
    own = suite.vault.file
    if keys is None or (own.exists() and own.read_bytes() == keys.read_bytes()):
        return
    own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if own.exists():
        own.rename(beside / own.name)
    shutil.copyfile(keys, own)
    own.chmod(0o600)


def _sqlite_file(suite: Suite) -> Path:
    return Path(make_url(suite.database.url).database or "")


def _in_use() -> ConflictError:
    return ConflictError("installation_in_use", "The installation is in use.", "Stop server and workers first.")


def _damaged(file: Path, problem: str) -> ConfigError:
    return ConfigError(
        "backup_damaged",
        "The backup {file} is damaged or is none: {problem}.",
        "Nothing was changed. Take another backup.",
        file=str(file),
        problem=problem,
    )
