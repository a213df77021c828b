"""What file rows say of covers, losses and vehicles, worked out while the file is read: no database, no keys."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.values.dates import add_years, last_day_of_cover
from core.values.plates import read_plate
from core.values.vin import read_vin
from plugins.crm_customers.search import vehicle_tokens

_CHINA = ZoneInfo("Asia/Shanghai")


@lru_cache(maxsize=10_000)
def last_day(start_on: str | None, end_on: str | None) -> tuple[str | None]:
    """Turn the end of a cover into its last day: the same day a year later is exclusive, a missing end is one year.

    Source: domain facts 5.2 (T5-3), 11 rows 4 and 5.

    Raises:
        InvalidValueError: The end is before the start.
    """
    if start_on is None:
        return (end_on,)
    start = date.fromisoformat(start_on)
    if end_on is None:
        return ((add_years(start, 1) - timedelta(days=1)).isoformat(),)
    return (last_day_of_cover(start, date.fromisoformat(end_on)).isoformat(),)


def loss_day(loss_on: str | None, loss_at: str | None) -> tuple[str | None]:
    """Return the civil day of a loss, from its instant where the file gives no day."""
    if loss_on is not None or not loss_at:
        return (loss_on,)
    return (datetime.fromisoformat(loss_at).replace(tzinfo=UTC).astimezone(_CHINA).date().isoformat(),)


def vehicle(
    vin: str | None, plate: str | None, plate_kind: str | None
) -> tuple[str | None, str | None, str | None, str]:
    """Read a vehicle's numbers: plate as it is kept, identity key, plate where it is valid, search tokens.

    The identity is the VIN, else plate and plate kind (domain facts 9.2); a wrong VIN is kept but is no key.
    """
    found, worn = read_vin(vin or ""), read_plate(plate or "")
    valid = worn.text if worn is not None and worn.kind != "invalid" else None
    identity = None if valid is None else f"plate:{valid}|{plate_kind or ''}"
    if found is not None and found.valid_form:
        identity = f"vin:{found.number}"
    shown = valid or plate
    return shown, identity, valid, vehicle_tokens(shown, vin)
