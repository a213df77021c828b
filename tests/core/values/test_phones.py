"""Telephone numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.values.phones import Phone, read_phones

LANDLINE = Phone("landline", "0573-82123456")
MOBILE = Phone("mobile", "13812345678")


@pytest.mark.parametrize(
    "raw",
    [
        "１３８１２３４５６７８",
        "+86 138-1234-5678",
        "013812345678",
        "13812345678",
        "0086-13812345678",
        "8613812345678",
        "138 1234 5678",
        "138-123-456-78",
        "手机：13812345678",
        "13812345678（王某）",
    ],
)
def test_t9_6_every_spelling_of_a_mobile_number_is_that_number(raw):
    assert read_phones(raw) == [MOBILE]


@pytest.mark.parametrize(
    "raw",
    [
        "0573-82123456",
        "(0573)82123456",
        "（0573）82123456",
        "057382123456",
        "0573 82123456",
        "0573-8212 3456",
        "+86 573 82123456",
        "+86-0573-82123456",
        "82123456",
        "8212-3456",
    ],
)
def test_t9_7_every_spelling_of_a_land_line_is_that_line(raw):
    assert read_phones(raw, "0573") == [LANDLINE]


@pytest.mark.parametrize(
    "raw", ["0573 82123456-801", "0573-82123456转801", "0573-82123456 ext.801", "0573-82123456#801", "82123456-801"]
)
def test_t9_7_the_extension_is_kept_apart(raw):
    assert read_phones(raw, "0573") == [Phone("landline", "0573-82123456", "801")]


@pytest.mark.parametrize(
    "raw",
    [
        "13812345678/0573-82123456",
        "13812345678、0573-82123456",
        "13812345678;82123456",
        "13812345678 0573-82123456",
        "13812345678,0573-82123456",
        "13812345678/13812345678/82123456",
        "13812345678\n82123456",
    ],
)
def test_t9_7_two_numbers_in_a_cell_are_split_and_each_kept_once(raw):
    assert read_phones(raw, "0573") == [MOBILE, LANDLINE]


def test_cu_17_spaced_numbers_have_one_canonical_form():
    assert read_phones("0573-8888 1234") == [Phone("landline", "0573-88881234")]


@pytest.mark.parametrize("raw", ["95585", "955850", "4008123456", "400-812-3456", "10086", "12378"])
def test_service_numbers_are_told_apart(raw):
    assert [phone.kind for phone in read_phones(raw)] == ["service"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("14412345678", "unassigned_range"),
        ("19212345678", None),
        ("13812345678", None),
        ("17712345678", None),
        ("19912345678", None),
    ],
)
def test_a_mobile_number_of_an_unassigned_range_is_marked(raw, problem):
    assert read_phones(raw) == [Phone("mobile", raw, "", problem)]


@pytest.mark.parametrize("raw", ["1-800-FLOWERS", "138ABCD5678", "王某", "138****5678"])
def test_letters_are_never_read_as_digits(raw):
    assert [(phone.kind, phone.problem) for phone in read_phones(raw)] == [("unknown", "characters")]


@pytest.mark.parametrize("raw", ["1381234567", "138123456789", "12345678901", "0573-123"])
def test_numbers_of_no_known_pattern_are_kept_as_written(raw):
    assert read_phones(raw) == [Phone("unknown", raw, "", "pattern")]


def test_a_number_abroad_is_kept_in_international_form():
    assert read_phones("+852 2123 4567") == [Phone("unknown", "+85221234567", "", "foreign")]


def test_a_local_number_without_area_code_is_marked():
    assert read_phones("82123456") == [Phone("landline", "82123456", "", "area_code_missing")]


@pytest.mark.parametrize("raw", ["", "--", "无", "\u3000"])
def test_an_empty_marker_is_no_number(raw):
    assert read_phones(raw) == []


def test_the_personal_ranges_agree_with_phonenumbers():
    import phonenumbers

    for prefix in range(130, 200):
        number = f"{prefix}12345678"
        valid = phonenumbers.is_valid_number(phonenumbers.parse(number, "CN"))
        assert (read_phones(number)[0].problem is None) == valid, number


@given(st.from_regex(r"13[0-9]{9}", fullmatch=True), st.sampled_from(["+86 ", "0086", "0", ""]))
def test_every_mobile_number_survives_its_spellings(number, prefix):
    assert read_phones(f"{prefix}{number[:3]}-{number[3:7]} {number[7:]}") == [Phone("mobile", number)]


@given(st.text(max_size=40))
def test_nothing_delivered_is_ever_dropped_or_breaks(raw):
    assert all(phone.number for phone in read_phones(raw))
