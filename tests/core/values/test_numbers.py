"""Numbers, booleans and identifiers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidValueError
from core.values.numbers import parse_boolean, parse_decimal, parse_identifier, parse_integer


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("5", 5), ("5.0", 5), ("1,234", 1234), ("５", 5), ("-3", -3), ("", None), ("--", None), ("007", 7)],
)
def test_a_whole_number_is_read(raw, expected):
    assert parse_integer(raw) == expected


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("5.5", "invalid_integer"),
        ("9" * 19, "invalid_integer"),
        ("abc", "invalid_number"),
        ("1E+5", "precision_lost"),
        ("1234567890123456.0", "precision_lost"),
    ],
)
def test_what_is_no_whole_number_is_refused(raw, code):
    with pytest.raises(InvalidValueError) as caught:
        parse_integer(raw)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("raw", "expected"), [("1.50", "1.50"), ("-1,234.5", "-1234.5"), ("1e-05", "0.00001"), (".5", "0.5")]
)
def test_a_decimal_is_read_exactly(raw, expected):
    assert parse_decimal(raw) == Decimal(expected)


def test_a_decimal_may_use_the_comma():
    assert parse_decimal("1.234,5", decimal=",") == Decimal("1234.5")


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("是", "否"),
        ("Y", "N"),
        ("1", "0"),
        ("TRUE", "FALSE"),
        ("有", "无"),
        ("yes", "No"),
        ("Ｙ", " n "),
        ("True", "0.0"),
    ],
)
def test_t9_16_booleans(yes, no):
    assert parse_boolean(yes) is True
    assert parse_boolean(no) is False


def test_an_empty_boolean_is_no_value_and_another_word_is_refused():
    assert parse_boolean("--") is None
    with pytest.raises(InvalidValueError, match="neither yes nor no"):
        parse_boolean("也许")


@pytest.mark.parametrize(
    "raw", ["6.1021E+21", "6.10210E+21", "6.1e21", "6E+21", "123456789012345680.0", "330402199003071200.00"]
)
def test_t9_10_an_identifier_that_was_a_float_is_refused(raw):
    with pytest.raises(InvalidValueError) as caught:
        parse_identifier(raw)

    assert caught.value.code == "precision_lost"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("6102101030120240000001", "6102101030120240000001"),
        ("'11010519491231002x", "11010519491231002x"),
        ("110105 19491231 002X", "11010519491231002X"),
        ('="00123"', "00123"),
        ("\t00123 ", "00123"),
        ("‘00123", "00123"),
        ("００１２３", "00123"),
        ("200040001.0", "200040001"),
        ("1000113.100b", "1000113.100b"),
        ("PDAA-2024/001", "PDAA-2024/001"),
        ("1E5", "1E5"),
        ("--", None),
        ("NULL", None),
        ("", None),
    ],
)
def test_t9_11_an_identifier_stays_text_without_quote_and_spaces(raw, expected):
    assert parse_identifier(raw) == expected


@given(st.from_regex(r"[0-9]{1,30}|[A-Z0-9]{2,20}[A-Z]{2}", fullmatch=True))
def test_every_code_survives_spaces_and_a_quote(code):
    assert parse_identifier(f"' {code[:3]} {code[3:]}\t") == parse_identifier(code)
