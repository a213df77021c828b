"""Amounts of money and ratios."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidValueError
from core.values.amounts import parse_amount, parse_ratio, to_cents


@pytest.mark.parametrize(
    "raw",
    [
        "1,234.50",
        "￥1,234.50元",
        "¥1234.5",
        "１２３４.５０",
        "１，２３４．５０",
        "1234.5",
        "+1234.50",
        "1 234.50",
        "RMB 1,234.50",
        "人民币1234.50元整",
    ],
)
def test_t9_3_every_spelling_of_an_amount_is_that_amount(raw):
    assert parse_amount(raw) == Decimal("1234.50")


@pytest.mark.parametrize(
    "raw",
    [
        "(1,234.50)",
        "（1,234.50）",
        "-1234.5",
        "1,234.50-",
        "−1234.50",
        "-￥1,234.50",
        "￥-1,234.50元",
        "(￥1,234.50元)",
    ],
)
def test_t9_4_every_spelling_of_a_negative_amount_is_negative(raw):
    assert parse_amount(raw) == Decimal("-1234.50")


def test_t9_5_ten_thousands_are_read_from_the_cell_or_from_the_sheet():
    assert parse_amount("1.2万") == Decimal("12000.00")
    assert parse_amount("1.2万元") == Decimal(12000)
    assert parse_amount("1.2", unit=Decimal(10000)) == Decimal("12000.00")
    assert parse_amount("12000元", unit=Decimal(10000)) == Decimal(12000)
    assert parse_amount("1.5亿元") == Decimal(150_000_000)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1.234,50", "1234.50"),
        ("1234,5", "1234.5"),
        ("1 234,50", "1234.50"),
        ("-0,05", "-0.05"),
        ("1.234", "1234"),
        ("12", "12"),
    ],
)
def test_a_decimal_comma_is_read_when_the_profile_says_so(raw, expected):
    assert parse_amount(raw, decimal=",") == Decimal(expected)


@pytest.mark.parametrize("raw", ["", "--", "-", "空", "NULL", " "])
def test_an_empty_marker_is_no_amount(raw):
    assert parse_amount(raw) is None


@pytest.mark.parametrize("raw", ["6.1E+21", "1e5", "-1.5E-7"])
def test_a_number_in_exponent_form_is_refused(raw):
    with pytest.raises(InvalidValueError) as caught:
        parse_amount(raw)

    assert caught.value.code == "exponent"


@pytest.mark.parametrize(
    "raw",
    ["1,5", "1,23,4", "12.34.56", "abc", "(-5)", "--5", "(5", "5)", "$5", "1.2.", "1,2345", "合计", "5%", "5万万"],
)
def test_what_is_no_amount_is_refused(raw):
    with pytest.raises(InvalidValueError) as caught:
        parse_amount(raw)

    assert caught.value.code == "invalid_amount"


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("1234.50", 123450), ("0.005", 1), ("-0.005", -1), ("2.345", 235), ("0.0049999", 0), ("1E+3", 100000)],
)
def test_cents_are_rounded_half_up(amount, cents):
    assert to_cents(Decimal(amount)) == cents


def test_an_amount_beyond_64_bits_is_refused():
    with pytest.raises(InvalidValueError, match="too large"):
        to_cents(Decimal(10) ** 18)


@pytest.mark.parametrize(
    ("raw", "expected"), [("30%", "0.3"), ("30％", "0.3"), ("0.3", "0.3"), ("5‰", "0.005"), ("-2.5 %", "-0.025")]
)
def test_a_ratio_is_a_fraction(raw, expected):
    assert parse_ratio(raw) == Decimal(expected)


def test_a_ratio_column_may_be_in_percent():
    assert parse_ratio("30", percent=True) == Decimal("0.30")
    assert parse_ratio("30%", percent=True) == Decimal("0.30")
    assert parse_ratio("--") is None


@given(st.integers(-(10**15), 10**15))
def test_every_whole_cent_survives_formatting(cents):
    amount = Decimal(cents).scaleb(-2)

    for raw in (f"{amount:.2f}", f"{amount:,.2f}", f"￥{abs(amount):,.2f}元" + ("-" if cents < 0 else "")):
        parsed = parse_amount(raw)
        assert parsed is not None
        assert to_cents(parsed) == cents
