"""Makes up organisations: names from place, brand, trade and legal form, credit codes with right check digits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import Random

from plugins.crm_customers.demo.holders import Holder, draw_address, draw_landline
from plugins.crm_customers.demo.tables import County, trades, words

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_OWNERSHIPS = (
    "私营有限责任公司",
    "其他有限责任公司",
    "个体",
    "国有独资公司",
    "集体",
    "外商独资",
    "港澳台独资",
    "股份有限公司",
)
_OWNERSHIP_WEIGHTS = (55, 15, 10, 4, 4, 4, 3, 5)
_PUBLIC_BODIES = ("人民医院", "中心小学", "农业技术推广中心", "环境卫生管理所", "图书馆", "水务管理站")


def organisation_check_digit(body: str) -> str:
    """Returns the ninth character of an organisation code for its first eight (GB 11714)."""
    total = sum(int(char, 36) * weight for char, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def uscc_check_digit(body: str) -> str:
    """Returns the 18th character of a unified social credit code for its first 17 (GB 32100)."""
    total = sum(_USCC_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return _USCC_ALPHABET[(31 - total % 31) % 31]


class Companies:
    """Draws organisations of a portfolio; no two share a name or a credit code.

    Args:
        rng: The only source of chance.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._serial = count(1)
        self._names: set[str] = set()

    def draw(self, county: County) -> Holder:
        """Returns one organisation of the county; one in twenty is a public body."""
        rng = self._rng
        address, landline = draw_address(rng, county), draw_landline(rng)
        if rng.random() < 0.05:
            name = self._unused(lambda: self._public_name(county))
            uscc = self._uscc("12", county)
            return Holder(
                False, name, "", "统一社会信用代码", uscc, "", "", landline, address, county, "S91", "机关事业"
            )
        name, other, industry = self._company_name(county)
        ownership = rng.choices(_OWNERSHIPS, _OWNERSHIP_WEIGHTS)[0]
        uscc = self._uscc("92" if ownership == "个体" else "91", county)
        return Holder(
            False, name, other, "统一社会信用代码", uscc, "", "", landline, address, county, industry, ownership
        )

    def _company_name(self, county: County) -> tuple[str, str, str]:
        trade = self._rng.choice(trades())
        place = self._rng.choice(
            (f"嘉兴市{county.short}", f"嘉兴{county.short}", f"浙江{county.short}", county.name, "嘉兴")
        )
        name = self._unused(lambda: f"{place}{self._brand()}{trade.word}{self._form()}")
        # The same company as another clerk writes it: T9-9, one holder because the credit code is equal.
        other = name.replace("嘉兴市", "嘉兴") if "嘉兴市" in name else name.replace("嘉兴", "嘉兴市", 1)
        other = other.replace("有限公司", "有限责任公司") if "有限公司" in name else other
        return name, other if other != name else "", trade.section + trade.division

    def _brand(self) -> str:
        brands = words("company_words", "brand", "word")
        first = self._rng.choice(brands)
        # Two invented words together keep thousands of names apart.
        return first if self._rng.random() < 0.6 else first[:1] + self._rng.choice(brands)

    def _form(self) -> str:
        return self._rng.choices(("有限公司", "股份有限公司", "厂", "经营部", "（普通合伙）"), (76, 4, 10, 8, 2))[0]

    def _public_name(self, county: County) -> str:
        town = self._rng.choice(county.townships)[1]
        serial = self._rng.randint(1, 9)
        return f"{county.name}{town}第{'一二三四五六七八九'[serial - 1]}{self._rng.choice(_PUBLIC_BODIES)}"

    def _unused(self, draw: Callable[[], str]) -> str:
        name = draw()
        while name in self._names:
            name = draw()
        self._names.add(name)
        return name

    def _uscc(self, head: str, county: County) -> str:
        # MA opens the codes issued since 2015; the serial keeps them unique.
        inner = f"MA{next(self._serial):06d}"
        body = head + county.code + inner + organisation_check_digit(inner)
        return body + uscc_check_digit(body)
