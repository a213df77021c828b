"""The programs of PostgreSQL that write and read a dump; without them there is a clear message."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import make_url

from core.errors import DatabaseStateError

SECONDS = 6 * 3600
"""Longest run of one of the programs."""
TOLD = 300
"""Characters of a program's complaint that are shown."""


def dump(url: str, snapshot: str, target: Path) -> None:
    """Write the schema ``public`` as of a snapshot.

    Args:
        url: SQLAlchemy address.
        snapshot: Name that ``pg_export_snapshot`` gave; its transaction must stay open.
        target: The file to write.

    Raises:
        DatabaseStateError: The program is missing or failed.
    """
    options = ["--format=custom", "--schema=public", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    _run("pg_dump", url, [*options, f"--file={target}"])


def contents(dump_file: Path) -> str:
    """Return the list of contents of a dump.

    Raises:
        DatabaseStateError: The program is missing, or the file is no dump.
    """
    return _call("pg_restore", ["--list", str(dump_file)], {})


def load(url: str, dump_file: Path, work: Path, set_aside: str) -> None:
    """Replace the schema ``public`` by that of a dump, in one transaction: all of it or nothing.

    Args:
        url: SQLAlchemy address.
        dump_file: The dump.
        work: Folder for the statements in between, as large as the data.
        set_aside: The schema that the present tables move to; empty drops them.

    Raises:
        DatabaseStateError: A program is missing or failed; the database is as it was.
    """
    script, chosen = work / "restore.sql", work / "restore.list"
    listed = contents(dump_file).splitlines()
    chosen.write_text("\n".join(line for line in listed if "SCHEMA" not in line), "utf-8")
    options = ["--no-owner", "--no-privileges", f"--use-list={chosen}", f"--file={script}"]
    _call("pg_restore", [*options, str(dump_file)], {})
    away = f"ALTER SCHEMA public RENAME TO {set_aside}" if set_aside else "DROP SCHEMA public CASCADE"
    quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    _run("psql", url, [*quiet, f"--command={away}", "--command=CREATE SCHEMA public", f"--file={script}"])


def _run(program: str, url: str, options: list[str]) -> None:
    address = make_url(url)
    # The password goes by the environment: every user of the machine can read a process's arguments.
    secret = {"PGPASSWORD": str(address.password)} if address.password else {}
    place = address.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    _call(program, [f"--dbname={place}", *options], secret)


def _call(program: str, options: list[str], secret: dict[str, str]) -> str:
    found = shutil.which(program)
    if found is None:
        raise DatabaseStateError(
            "program_missing",
            "The program {program} of PostgreSQL is not installed here.",
            "Install PostgreSQL's client programs in the version of the server, and try again.",
            program=program,
        )
    environment = {**os.environ, **secret}
    done = subprocess.run(  # noqa: S603 -- a program of PostgreSQL, arguments without a shell
        [found, *options], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise DatabaseStateError(
            "program_failed",
            "{program} failed: {problem}.",
            "The database is as it was.",
            program=program,
            problem=done.stderr.strip()[:TOLD].rstrip("."),
        )
    return done.stdout
