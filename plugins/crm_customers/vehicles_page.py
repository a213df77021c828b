"""Registered vehicles by township: with us, elsewhere, not insured, penetration (CU-06)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlalchemy import case, func, select

from core.api import ScopedSession
from plugins.crm_customers.models import RegistryVehicle
from plugins.crm_customers.models.options import INSURED_STATES
from plugins.crm_customers.profile_tables import Reader

LIST = "/crm_customers/registry_vehicles"
STATES = tuple(option.code for option in INSURED_STATES)
MOST_BARS = 12

_BY_TOWNSHIP = (
    select(
        RegistryVehicle.county,
        RegistryVehicle.township,
        func.count(RegistryVehicle.id).label("registered"),
        *(func.sum(case((RegistryVehicle.insured_state == state, 1), else_=0)).label(state) for state in STATES),
    )
    .group_by(RegistryVehicle.county, RegistryVehicle.township)
    .order_by(RegistryVehicle.county, RegistryVehicle.township)
)


def penetration_page(session: ScopedSession, reader: Reader, county: str) -> dict[str, Any]:
    """Return the table of townships, one statement.

    Args:
        session: Session of the reader; only vehicles of the reader's branches are counted.
        reader: Language and permissions.
        county: Only this county; empty for all.

    Returns:
        ``rows`` per township and ``total`` with counts and penetration = insured with us ÷ registered, as a fraction;
        ``counties`` to choose from, ``bars`` of the townships with most vehicles not with us.
    """
    found = session.execute(_BY_TOWNSHIP).all()
    counties = sorted({row.county for row in found if row.county})
    county = county if county in counties else ""
    rows = [_row(row._mapping) for row in found if not county or row.county == county]
    total = _row({"county": county, "township": None, **_sums(rows)}, whole=True)
    return {
        "rows": rows,
        "total": total,
        "county": county,
        "segments": _segments(reader, counties, county),
        "bars": _bars(rows),
        "list_url": LIST,
    }


def _sums(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("registered", *STATES)}


def _row(values: Any, *, whole: bool = False) -> dict[str, Any]:
    numbers = {name: int(values[name] or 0) for name in ("registered", *STATES)}
    share = numbers["ours"] / numbers["registered"] if numbers["registered"] else None
    conditions = [] if whole else [_is("township", values["township"])]
    if values["county"] or not whole:
        conditions.insert(0, _is("county", values["county"]))
    urls = {state: f"{LIST}?{urlencode({'q': ' '.join([*conditions, f'insured_state:{state}'])})}" for state in STATES}
    urls["registered"] = f"{LIST}?{urlencode({'q': ' '.join(conditions)})}"
    return {"county": values["county"], "township": values["township"], **numbers, "penetration": share, "urls": urls}


def _is(name: str, value: str | None) -> str:
    """Write the condition that a text is exactly this one; see the filter language."""
    return f'{name}:="{value}"' if value else f"{name}:empty"


def _segments(reader: Reader, counties: list[str], now: str) -> list[dict[str, Any]]:
    every = {
        "label": reader.words("All counties"),
        "url": "/crm_customers/penetration",
        "active": not now,
        "number": None,
    }
    return [every] + [
        {
            "label": name,
            "url": f"/crm_customers/penetration?{urlencode({'county': name})}",
            "active": name == now,
            "number": None,
        }
        for name in counties
    ]


def _bars(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the townships with most vehicles that are not with us: where there is most to win."""
    named = sorted((row for row in rows if row["township"]), key=lambda row: row["ours"] - row["registered"])
    return [
        {
            "label": row["township"],
            "value": row["registered"],
            "second": row["ours"],
            "shown": f"{row['penetration'] * 100:.0f}%",
            "url": row["urls"]["registered"],
        }
        for row in named[:MOST_BARS]
    ]
