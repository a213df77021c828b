"""Number plates of vehicles (号牌号码)."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from core.values.text import is_empty, narrow

PlateKind = Literal["ordinary", "new_energy_small", "new_energy_large", "other", "invalid"]
PROVINCE_SIGNS: Final = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_LETTER: Final = "[A-HJ-NP-Z]"
_SIGN: Final = "[A-HJ-NP-Z0-9]"
_PLATE: Final = re.compile(
    f"[{PROVINCE_SIGNS}]{_LETTER}(?:"
    f"(?P<ordinary>{_SIGN}{{4}}(?:{_SIGN}|[挂学警港澳]))"
    f"|(?P<new_energy_small>[A-HJK]{_SIGN}[0-9]{{4}})"
    "|(?P<new_energy_large>[0-9]{5}[A-HJK]))"
).fullmatch
_OTHER: Final = re.compile(
    f"[{PROVINCE_SIGNS}][A-Z](?:[A-Z0-9]{{3,5}}[警领试超临]|临[A-Z0-9]{{4,6}}|[A-Z0-9]{{4,5}}应急)"
    f"|临[{PROVINCE_SIGNS}]?[A-Z]?[A-Z0-9]{{4,6}}"
    f"|[{PROVINCE_SIGNS}]O[A-Z0-9]{{5}}"  # police before 2013
    "|使[0-9]{6}|[0-9]{6}使|[0-9]{3,6}领"  # embassies and consulates
    f"|WJ[{PROVINCE_SIGNS}]?[A-Z0-9]{{4,6}}|[A-Z]{{2}}[0-9]{{5}}|军[A-Z][A-Z0-9]{{5}}"  # armed police, armed forces
    "|民航[A-Z0-9]{5}"
    f"|[{PROVINCE_SIGNS}][0-9]{{2}}[A-Z0-9]{{5}}"  # tractors
).fullmatch
_UNREGISTERED: Final = frozenset(
    {"暂未上牌", "未上牌", "待上牌", "尚未上牌", "上牌中", "新车", "新车未上牌", "未挂牌", "*", "**"}
    | {"无牌", "无牌照", "无号牌", "无车牌", "暂无牌照", "暂无号牌", "暂无车牌"}
)
_SEPARATORS: Final = re.compile(r"[\s·•・‧∙.\-_—]+")


class Plate(NamedTuple):
    """A number plate as read.

    Attributes:
        text: Canonical form: upper case, no separators.
        kind: ``ordinary``, ``new_energy_small``, ``new_energy_large``, ``other`` (police, embassy, forces, temporary,
            tractor: nothing may be inferred from it) or ``invalid``.
        problem: None, or ``pattern`` for an invalid plate.
    """

    text: str
    kind: PlateKind
    problem: str | None


def read_plate(raw: str) -> Plate | None:
    """Read a number plate.

    Args:
        raw: Text as delivered; ``浙Ｆ·12345``, ``浙f-12345`` and ``浙F 12345`` are one plate.

    Returns:
        What was read, or None when there is none (empty, 暂未上牌 and the like): the key is then the VIN.

    Source: GA 36, domain facts section 3, T9-8.
    """
    match = _PLATE(raw)
    if match is None:
        raw = _SEPARATORS.sub("", narrow(raw)).upper()
        if is_empty(raw) or raw in _UNREGISTERED:
            return None
        match = _PLATE(raw)
    if match is not None:
        return Plate(raw, match.lastgroup, None)  # type: ignore[arg-type] # the group names are the kinds
    return Plate(raw, "other", None) if _OTHER(raw) else Plate(raw, "invalid", "pattern")
