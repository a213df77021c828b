"""The rows of a generated list as markup: one format per list, one escape per column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

_CELL = "\x1f"
"""Unit separator (ASCII 31): `escape` leaves it alone; in a stored text it becomes a space."""


@dataclass(frozen=True)
class Shown:
    """One column of the page: its head, and its cells as texts in row order.

    Args:
        label: Head of the column, repeated beside the figure on a phone.
        css: Class of the cell, empty for none.
        cells: Texts.
        phone: ``figure`` or ``badge`` where a phone shows the column, empty where it does not.
        draw: Gives the markup of a cell instead, for badges and the like; called once per different text.
    """

    label: str
    css: str
    cells: Sequence[Any]
    phone: str = "figure"
    draw: Callable[[Any], Markup] | None = None


def table_rows(ids: Sequence[int], urls: Sequence[str], columns: Sequence[Shown], pick: str) -> Markup:
    """Return the rows of the table body.

    Args:
        ids: Identities of the rows.
        urls: Addresses of the rows.
        columns: The columns; the first one is the link.
        pick: Label of the checkboxes with ``%(num)s`` for the place of the row; empty for none.
    """
    if not ids:
        return Markup("")
    form = _row_form(columns, pick)
    parts: list[Sequence[Any]] = [ids, range(1, len(ids) + 1)] if pick else []
    parts += [_escaped(urls), *(_markup(column) for column in columns)]
    return Markup("\n".join(form % row for row in zip(*parts, strict=True)))  # noqa: S704 -- every part is escaped above or drawn by a template


def _markup(column: Shown) -> Sequence[Any]:
    if column.draw is None:
        return _escaped(column.cells)
    drawn = {value: column.draw(value) for value in set(column.cells)}
    return [drawn[value] for value in column.cells]


def _escaped(texts: Sequence[str]) -> list[str]:
    clean = [text.replace(_CELL, " ") if _CELL in text else text for text in texts]
    return str(escape(_CELL.join(clean))).split(_CELL)


def _row_form(columns: Sequence[Shown], pick: str) -> str:
    box = '<td class="pick"><input type="checkbox" name="ids" value="%d" form="bulk" aria-label="{}"></td>'
    label = "%d".join(_plain(part) for part in pick.split("%(num)s")) if pick else ""
    form = "<tr>" + (box.format(label) if pick else "")
    form += '<th scope="row" data-phone="title"><a class="row-link" href="%s">%s</a></th>'
    for column in columns[1:]:
        css = f' class="{_plain(column.css)}"' if column.css else ""
        phone = f' data-phone="{column.phone}" data-label="{_plain(column.label)}"' if column.phone else ""
        form += f"<td{css}{phone}>%s</td>"
    return form + "</tr>"


def _plain(text: str) -> str:
    return str(escape(text)).replace("%", "%%")
