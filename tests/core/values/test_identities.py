"""Numbers that identify persons, organisations and vehicles."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidValueError
from core.values import resident_id
from core.values.resident_id import read_resident_id
from core.values.uscc import check_character, organisation_code_check, read_uscc
from core.values.vin import read_vin


@pytest.mark.parametrize(
    ("raw", "birth_on", "sex"),
    [
        ("11010519491231002X", dt.date(1949, 12, 31), "female"),
        ("330402199003071237", dt.date(1990, 3, 7), "male"),
        ("330402200002294565", dt.date(2000, 2, 29), "female"),
        ("330402196704010011", dt.date(1967, 4, 1), "male"),
    ],
)
def test_a_genuine_resident_id_gives_birthday_and_sex(raw, birth_on, sex):
    card = read_resident_id(raw)

    assert card is not None
    assert (card.number, card.valid, card.problem, card.birth_on, card.sex) == (raw, True, None, birth_on, sex)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("330402199003071230", "check_digit"),
        ("33040219900230123X", "birth_date"),
        ("999999199003071234", "area"),
        ("33040219900307123", "length"),
        ("3304021990030712AB", "characters"),
        ("330402670431001", "birth_date"),
        ("张三", "length"),
    ],
)
def test_a_wrong_resident_id_is_kept_and_named(raw, problem):
    card = read_resident_id(raw)

    assert card is not None
    assert not card.valid
    assert card.problem == problem


def test_a_wrong_check_digit_keeps_the_number_as_written():
    card = read_resident_id("330402199003071230")

    assert card is not None
    assert card.number == "330402199003071230"


def test_t9_19_the_15_digit_number_is_the_same_person_as_the_18_digit_one():
    assert read_resident_id("330402670401001") == read_resident_id("330402196704010011")


@pytest.mark.parametrize("raw", ["'11010519491231002x", "110105 19491231 002X", "１１０１０５１９４９１２３１００２Ｘ"])
def test_t9_11_quote_and_spaces_are_taken_away_and_x_is_upper_case(raw):
    card = read_resident_id(raw)

    assert card is not None
    assert (card.number, card.valid) == ("11010519491231002X", True)


@pytest.mark.parametrize("area", ["330402", "330481", "330482", "330421", "330102", "310103", "522101"])
def test_districts_younger_than_the_person_or_abolished_are_genuine(area):
    body = f"{area}19350101001"

    card = read_resident_id(body + resident_id.check_character(body))

    assert card is not None
    assert card.valid


def test_a_permanent_residence_card_of_the_2023_design_is_valid():
    body = "93384019800101001"

    card = read_resident_id(body + resident_id.check_character(body))

    assert card is not None
    assert card.valid


def test_t9_10_a_resident_id_from_a_float_cell_is_refused():
    with pytest.raises(InvalidValueError, match="lost digits"):
        read_resident_id("3.30402E+17")


@given(st.dates(dt.date(1900, 1, 1), dt.date(2030, 1, 1)), st.integers(0, 999), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(birth_on, order, place, shift):
    body = f"330402{birth_on:%Y%m%d}{order:03}"
    number = body + resident_id.check_character(body)
    digit = number[place]
    other = str((int(digit) + shift) % 10) if digit != "X" else str(shift)

    card = read_resident_id(number)
    wrong = read_resident_id(number[:place] + other + number[place + 1 :])

    assert card is not None
    assert card.valid
    assert wrong is not None
    assert not wrong.valid


@pytest.mark.parametrize("raw", ["91440300708461136T", "91330402MA2B00019E", " 91330402-ma2b00019e "])
def test_a_genuine_uscc_is_valid(raw):
    code = read_uscc(raw)

    assert code is not None
    assert (code.valid, code.warning, code.problem) == (True, None, None)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("91440300708461136A", "check_digit"),
        ("9144030070846113", "length"),
        ("91440300708461136I", "characters"),
        ("SV440300708461136T", "characters"),
    ],
)
def test_a_uscc_with_a_wrong_outer_digit_or_form_is_not_valid(raw, problem):
    code = read_uscc(raw)

    assert code is not None
    assert (code.valid, code.problem) == (False, problem)


def test_a_wrong_inner_organisation_digit_only_warns():
    code = read_uscc("91330400MA2CABCDE1")

    assert code is not None
    assert (code.valid, code.warning) == (True, "organisation_check_digit")
    assert organisation_code_check("MA2CABCD") == "9"


@pytest.mark.parametrize(("body", "check"), [("70846113", "6"), ("MA2B0001", "9")])
def test_organisation_codes_have_their_check_digit(body, check):
    assert organisation_code_check(body) == check


def test_the_uscc_check_agrees_with_python_stdnum():
    from stdnum.cn import uscc

    bodies = [f"9133040{area}MA2B{serial:05}"[:17] for area in range(5) for serial in range(0, 90000, 9001)]

    assert [check_character(body) for body in bodies] == [uscc.calc_check_digit(body) for body in bodies]


@pytest.mark.parametrize("raw", ["1M8GDM9AXKP042788", "LVSHCAMB1CE054249", "lvshcamb1ce054249 "])
def test_a_vin_with_the_right_digit_is_clean(raw):
    vin = read_vin(raw)

    assert vin is not None
    assert (vin.number, vin.valid_form, vin.check_digit_ok) == (raw.strip().upper(), True, True)


def test_a_vin_with_a_wrong_digit_only_warns():
    vin = read_vin("LFV2A21K5D4000001")

    assert vin is not None
    assert (vin.valid_form, vin.check_digit_ok) == (True, False)


@pytest.mark.parametrize("raw", ["LFV2A21K5D400000", "LFV2A21K5D400000O", "LFV2A21K5D400000I", "LFV2A21K5D400000Q"])
def test_a_vin_of_another_form_is_marked(raw):
    vin = read_vin(raw)

    assert vin is not None
    assert not vin.valid_form


@pytest.mark.parametrize("read", [read_resident_id, read_uscc, read_vin])
def test_an_empty_marker_is_no_identity(read):
    assert read("--") is None
    assert read("") is None
