"""Numbers, days and plain cells as markup (docs/design.md, "Numbers and dates"): a tenth of what macros cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

DASH = Markup('<span class="none">—</span>')
NUMBERS = frozenset({"money", "count", "ratio", "days"})
"""Kinds of cells that stand at the right."""


def money(value: Decimal | int | None, sign: bool = False) -> Markup:
    """Return an amount in yuan; ``sign`` puts the yuan sign on a lone total. No value is a dash, never 0."""
    return _figure(value, "{:,.2f}", "¥" if sign else "")


def count(value: int | None) -> Markup:
    """Return a whole number."""
    return _figure(value, "{:,}")


def ratio(value: Decimal | None, unit: bool = True) -> Markup:
    """Return a fraction in percent: 0.8864 gives 88.64%."""
    return _figure(None if value is None else value * 100, "{:,.2f}%" if unit else "{:,.2f}")


def civil(value: Any) -> Markup:
    """Return a civil day, a date or its ISO text."""
    if value is None:
        return DASH
    day = escape(value)
    return Markup(f'<time class="figure" datetime="{day}">{day}</time>')  # noqa: S704 -- escaped above


def plain(cell: Mapping[str, Any]) -> Markup | None:
    """Return a cell of ui/cells.html that is a text, number or day and nothing else; nothing for all others."""
    draw = _PLAIN.get(cell["kind"])
    if draw is None or cell.get("tone") or cell.get("url") or cell.get("hint"):
        return None
    value = cell["value"]
    return DASH if value is None or value == "" else draw(value)


def _figure(value: Decimal | int | None, form: str, sign: str = "") -> Markup:
    if value is None:
        return DASH
    minus = "−" if value < 0 else ""
    return Markup(f'<span class="figure">{minus}{sign}{form.format(abs(value))}</span>')  # noqa: S704 -- a number


_PLAIN: dict[str, Callable[[Any], Markup]] = {
    "text": escape,
    "title": escape,
    "money": money,
    "count": count,
    "ratio": lambda value: ratio(value, unit=False),
    "date": civil,
}
