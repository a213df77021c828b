"""Shares of a policy carried by other insurers: never above the whole, and what premium stays with us (CU-08)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import Connection, event, func, select
from sqlalchemy.orm import Mapper

from core.api import InvalidInputError, InvalidValueError
from plugins.crm_customers.models import ReinsuranceShare

WHOLE = Decimal(1)
CENT = Decimal("0.01")
COINSURANCE = frozenset({"coinsurance_lead", "coinsurance_follow"})
"""Co-insurers carry their part of the risk itself; reinsurers carry a part of ours."""


@dataclass(frozen=True)
class Retention:
    """What stays with us.

    Args:
        own: Our part of the risk after coinsurance, as a fraction.
        retained: Our part after reinsurance, as a fraction.
        premium: Retained premium, yuan, half up.
    """

    own: Decimal
    retained: Decimal
    premium: Decimal


def retention(premium: Decimal, shares: Iterable[tuple[str, Decimal]]) -> Retention:
    """Return the retained part of a policy.

    Coinsurance comes off first; surplus and facultative shares are parts of the whole sum insured, as T8-1 counts them.

    Args:
        premium: Premium of the whole policy (100 %), yuan.
        shares: (kind, share as a fraction) of the other insurers.
    """
    given = list(shares)
    coinsured = sum((share for kind, share in given if kind in COINSURANCE), Decimal(0))
    ceded = sum((share for kind, share in given if kind not in COINSURANCE), Decimal(0))
    own = WHOLE - coinsured
    retained = max(own - ceded, Decimal(0))
    return Retention(own, retained, (premium * retained).quantize(CENT, rounding=ROUND_HALF_UP))


@event.listens_for(ReinsuranceShare, "before_insert")
@event.listens_for(ReinsuranceShare, "before_update")
def refuse_more_than_whole(_mapper: Mapper[Any], connection: Connection, share: ReinsuranceShare) -> None:
    """Refuse a share outside 0 to 100 %, or one that brings the shares of its policy above 100 %.

    It stands at the mapper, so that form, JSON interface and import are held to it alike.

    Raises:
        InvalidInputError: ``share_range`` or ``shares_above_whole``, at the field ``share``.
    """
    if not 0 < share.share <= WHOLE:
        raise InvalidInputError(
            {"share": InvalidValueError("share_range", "A share lies above 0 and up to 100 %.", "Write 25 for 25 %.")}
        )
    others = select(func.coalesce(func.sum(ReinsuranceShare.share), 0)).where(
        ReinsuranceShare.policy_id == share.policy_id, ReinsuranceShare.id != (share.id or 0)
    )
    taken = Decimal(str(connection.execute(others).scalar_one()))
    if taken + share.share > WHOLE:
        problem = InvalidValueError(
            "shares_above_whole",
            "The shares of this policy would come to {sum} %.",
            "At most {left} % are left.",
            sum=f"{(taken + share.share) * 100:.2f}",
            left=f"{(WHOLE - taken) * 100:.2f}",
        )
        raise InvalidInputError({"share": problem})
