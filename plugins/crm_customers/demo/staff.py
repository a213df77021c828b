"""Makes up account managers and intermediaries of the county branches."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from plugins.crm_customers.demo.people import draw_name
from plugins.crm_customers.demo.tables import County

CLERKS = 2
"""Account managers of a branch who can sign in."""


@dataclass(frozen=True, slots=True)
class Intermediary:
    """An intermediary; fee rates in per mille of the premium, the first for compulsory motor (at most 40).

    ``weight`` says how often it sells against the others.
    """

    code: str
    name: str
    kind: str
    compulsory_rate: int
    other_rate: int
    weight: int


# Letter, kind, how many a county, how often one sells against the others, name ending; kinds as in 保险法 §117-118.
_KINDS = (
    ("Z", "专业代理", 2, 6, "保险代理有限公司"),
    ("J", "兼业代理", 4, 8, "汽车销售服务有限公司"),
    ("B", "兼业代理", 1, 4, "农村商业银行"),
    ("G", "个人代理", 9, 1, ""),
    ("K", "经纪", 1, 6, "保险经纪有限公司"),
)


def clerks(county: County) -> list[tuple[str, str]]:
    """Returns staff code and name of the account managers who can sign in: known before a portfolio is drawn."""
    rng = Random(county.code)  # noqa: S311 -- made-up names, nothing secret
    return [(_staff_code(county, serial), draw_name(rng, rng.choice("mf"))) for serial in range(1, CLERKS + 1)]


def draw_managers(rng: Random, county: County, number: int) -> list[str]:
    """Returns account managers as "staff code + name" (T9-17), the clerks first; two of a county may share a name."""
    names = [draw_name(rng, "m") for _ in range(number)]
    names[:CLERKS] = [name for _, name in clerks(county)]
    return [_staff_code(county, serial) + name for serial, name in enumerate(names, 1)]


def _staff_code(county: County, serial: int) -> str:
    return f"2{county.code[2:]}{serial:04d}"


def draw_intermediaries(rng: Random, county: County) -> list[Intermediary]:
    """Returns the county's intermediaries of all kinds that sell insurance."""
    found = []
    for letter, kind, number, weight, ending in _KINDS:
        for serial in range(1, number + 1):
            brand = "".join(rng.sample("安达顺通盛和瑞丰泰信", 2))
            name = f"嘉兴{county.short}{brand}{ending}" if ending else draw_name(rng, "f")
            code = f"{letter}{county.code}{serial:03d}"
            found.append(Intermediary(code, name, kind, rng.choice((30, 35, 40)), rng.randint(80, 200), weight))
    return found
