"""Number plates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.values.plates import PROVINCE_SIGNS, read_plate


@pytest.mark.parametrize("raw", ["浙Ｆ·12345", "浙f-12345", "浙F 12345", "浙F12345", " 浙F•12345 ", "浙Ｆ－１２３４５"])
def test_t9_8_every_spelling_of_a_plate_is_that_plate(raw):
    assert read_plate(raw) == ("浙F12345", "ordinary", None)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("浙F12345", "ordinary"),
        ("浙F1234挂", "ordinary"),
        ("粤Z1234港", "ordinary"),
        ("浙FABCDE", "ordinary"),
        ("浙F1234学", "ordinary"),
        ("浙FD12345", "new_energy_small"),
        ("浙FA12345", "new_energy_small"),
        ("浙FDF1234", "new_energy_small"),
        ("浙F12345D", "new_energy_large"),
        ("浙O1234警", "other"),
        ("浙F1234警", "ordinary"),
        ("浙O12345", "other"),
        ("使123456", "other"),
        ("沪A1234领", "other"),
        ("浙F临12345", "other"),
        ("临浙F12345", "other"),
        ("WJ浙1234X", "other"),
        ("VA12345", "other"),
        ("浙F1234应急", "other"),
        ("浙04·12345", "other"),
        ("浙FI2345", "invalid"),
        ("浙F123456", "invalid"),
        ("浙FL12345", "invalid"),
        ("F12345", "invalid"),
        ("浙F1234", "invalid"),
        ("见行驶证", "invalid"),
    ],
)
def test_the_kind_of_a_plate_follows_its_pattern(raw, kind):
    plate = read_plate(raw)

    assert plate is not None
    assert plate.kind == kind
    assert plate.problem == ("pattern" if kind == "invalid" else None)


@pytest.mark.parametrize("raw", ["", "--", "暂未上牌", "未上牌", "新车", "无牌", "*-*"])
def test_a_vehicle_without_a_plate_has_none(raw):
    assert read_plate(raw) is None


@given(
    st.sampled_from(PROVINCE_SIGNS),
    st.from_regex(r"[A-HJ-NP-Z][A-HJ-NP-Z0-9]{5}", fullmatch=True),
    st.sampled_from([" ", "·", "-", "•"]),
)
def test_every_ordinary_plate_survives_separators_and_case(sign, rest, separator):
    plate = read_plate(f"{sign}{rest[0].lower()}{separator}{rest[1:].lower()}")

    assert plate == (sign + rest, "ordinary", None)
