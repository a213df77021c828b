"""Look into a file before importing it: kind, encoding, header, the profile that fits best, a preview."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import ImportFileError
from core.imports.child import run_in_child
from core.imports.conversions import Cell, cell_text
from core.imports.headers import HEADER_ROWS, Header, count_hits, find_header
from core.imports.options import StageOptions
from core.imports.profiles import FileRules, Profile
from core.imports.reading import Source, known_headers, open_source
from core.imports.requests import InspectRequest
from core.imports.rows import RowPlan
from core.imports.stage import DEFAULT_OPTIONS

PREVIEW_ROWS = 20
NAME_SCORE = 0.25
"""Weight of a fitting file name beside the share of the file's headers a profile knows (at most 1)."""


@dataclass(frozen=True)
class Inspection:
    """What a look at the first rows shows.

    Args:
        kind: ``text``, ``xlsx`` or ``xls``.
        sha256: Of the file as delivered.
        encoding: Of text, else none.
        delimiter: Of text, else none.
        sheets: Visible sheets; one without a name for text.
        sheet: The sheet shown.
        header_line: 1-based line of the header, 0 where none was found.
        headers: Headers of that line.
        profile: Id of the best profile that can read the file, or none.
        scores: Profile id -> score, best first; 0 where a required column is missing.
        problems: Profile id -> why it cannot read the file.
        mapped: Header -> what it feeds, by the best profile.
        unmapped: Headers the best profile does not use.
        preview: First data rows as texts.
    """

    kind: str
    sha256: str
    encoding: str | None
    delimiter: str | None
    sheets: list[str]
    sheet: str
    header_line: int
    headers: list[str]
    profile: str | None
    scores: dict[str, float]
    problems: dict[str, str]
    mapped: dict[str, list[str]]
    unmapped: list[str]
    preview: list[list[str]]


def inspect_file(file: Path, profiles: Sequence[Profile], options: StageOptions = DEFAULT_OPTIONS) -> Inspection:
    """Inspect a file in the limited child process.

    Args:
        file: The stored file.
        profiles: Profiles to choose from; those with most headers win, then those whose name pattern fits.
        options: The file's name and the user's wishes.

    Raises:
        ImportFileError: The file cannot be read at all.
    """
    return Inspection(**run_in_child(InspectRequest(file, tuple(profiles), options)))


def inspect_here(file: Path, profiles: Sequence[Profile], options: StageOptions) -> dict[str, Any]:
    """Do the work of :func:`inspect_file` in this process; the child calls it and sends the result as JSON."""
    wanted = known_headers(profiles)
    source = open_source(file, options, FileRules(), wanted)
    sheet, rows = _best_sheet(source, wanted)
    name = options.name or file.name
    problems: dict[str, str] = {}
    scores = {profile.id: _score(profile, name, rows, problems) for profile in profiles}
    scores = dict(sorted(scores.items(), key=lambda item: -item[1]))
    best = next((profile for profile in profiles if scores[profile.id] and profile.id == next(iter(scores))), None)
    at, header = _header(best, rows) if best else _likely_header(profiles, rows, wanted)
    plan = RowPlan(best, header, options.zone) if best else None
    return {
        "kind": source.kind,
        "sha256": _sha256(file),
        "encoding": source.encoding,
        "delimiter": source.delimiter,
        "sheets": source.sheet_names(),
        "sheet": sheet,
        "header_line": header.line,
        "headers": list(header.names),
        "profile": best.id if best else None,
        "scores": scores,
        "problems": problems,
        "mapped": plan.mapping() if plan else {},
        "unmapped": plan.unmapped if plan else [],
        "preview": [[cell_text(cell) for cell in cells] for _, cells in rows[at + 1 : at + 1 + PREVIEW_ROWS]],
    }


Rows = list[tuple[int, list[Cell]]]


def _best_sheet(source: Source, wanted: frozenset[str]) -> tuple[str, Rows]:
    best: tuple[int, str, Rows] = (-1, "", [])
    for sheet in source.sheets():
        rows = list(islice(sheet.rows, HEADER_ROWS + PREVIEW_ROWS))
        found = find_header(rows, wanted)
        hits = count_hits(found[1].names, wanted) if found else 0
        if hits > best[0]:
            best = (hits, sheet.name, rows)
    return best[1], best[2]


def _header(profile: Profile, rows: Rows) -> tuple[int, Header]:
    if not profile.file.header:
        return -1, Header(0, profile.file.columns)
    return find_header(rows, known_headers([profile]), profile.file.header_line) or (-1, Header(0, ()))


def _likely_header(profiles: Sequence[Profile], rows: Rows, wanted: frozenset[str]) -> tuple[int, Header]:
    """Return the header where no profile can read the file: where the only profile says, by names, else the fullest.

    A list whose headers nobody knows yet is mapped on screen from there.
    """
    line = profiles[0].file.header_line if len(profiles) == 1 else None
    found = find_header(rows, wanted, line)
    if found is None and rows:
        fullest, _cells = max(rows[:HEADER_ROWS], key=lambda row: sum(1 for cell in row[1] if cell_text(cell).strip()))
        found = find_header(rows, wanted, fullest)
    return found or (-1, Header(0, ()))


def _score(profile: Profile, name: str, rows: Rows, problems: dict[str, str]) -> float:
    """Return the share of the file's headers the profile knows, plus a bonus for a fitting name; 0 if unreadable."""
    lower = name.lower()
    fits = any(fnmatchcase(lower, glob.lower()) for glob in profile.file.names)
    _, header = _header(profile, rows)
    try:
        RowPlan(profile, header)
    except ImportFileError as problem:
        problems[profile.id] = str(problem)
        return 0.0
    if not profile.file.header:
        widths = {len(cells) for _, cells in rows}
        return NAME_SCORE if fits and widths == {len(profile.file.columns)} else 0.0
    filled = sum(1 for text in header.names if text)
    hits = count_hits(header.names, known_headers([profile]))
    return round(hits / max(filled, 1) + NAME_SCORE * fits, 4)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
