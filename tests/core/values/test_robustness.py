"""No delivered text breaks a reader or keeps it busy."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidValueError
from core.values.amounts import parse_amount, parse_ratio
from core.values.dates import parse_date, parse_datetime
from core.values.masks import MASKS
from core.values.names import pinyin_initials, pinyin_key
from core.values.numbers import parse_boolean, parse_decimal, parse_identifier, parse_integer
from core.values.phones import read_phones
from core.values.plates import read_plate
from core.values.resident_id import read_resident_id
from core.values.text import clean_text, fold
from core.values.uscc import read_uscc
from core.values.vin import read_vin

READERS = [
    parse_amount,
    parse_ratio,
    parse_date,
    parse_datetime,
    parse_boolean,
    parse_decimal,
    parse_identifier,
    parse_integer,
]
READERS += [
    read_phones,
    read_plate,
    read_resident_id,
    read_uscc,
    read_vin,
    clean_text,
    fold,
    pinyin_key,
    pinyin_initials,
]
READERS += list(MASKS.values())
NEARLY = st.text(alphabet="0123456789.,-+/ :eE年月日时万元%()（）￥TZX浙F京路区市县'\u3000\uff11\u0661²", max_size=24)


def refused(read, raw):
    try:
        read(raw)
    except InvalidValueError as error:
        return error
    return None


@pytest.mark.parametrize("read", READERS)
@settings(deadline=None)  # the first call of some readers loads a table
@given(raw=st.one_of(NEARLY, st.text(max_size=30)))
def test_any_text_is_read_or_refused_with_a_reason(read, raw):
    refusal = refused(read, raw)

    assert refusal is None or str(refusal)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "raw",
    [
        "1" + " " * 50_000 + "x",
        "(" * 50_000,
        "2020-01-01" + " " * 50_000 + "x",
        "浙" * 50_000,
        "1," * 25_000,
        "0573-" * 9_000,
    ],
)
def test_a_hostile_cell_takes_no_noticeable_time(read, raw):
    began = time.process_time()

    refused(read, raw)

    assert time.process_time() - began < 1


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_an_amount_written_plainly_is_read_exactly(amount):
    assert parse_amount(f"{amount:f}") == Decimal(amount)
