"""Free text, empty markers and folding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.values.text import clean_text, fold, is_empty


@pytest.mark.parametrize("raw", ["", "  ", "--", "空", "NULL", "N/A", "无", "\u3000", "\t--\n", "\ufeff"])
def test_empty_markers_are_no_value(raw):
    assert clean_text(raw) is None


def test_empty_markers_are_recognised_with_spaces_around():
    assert is_empty(" -- ")
    assert not is_empty("0")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  嘉兴南湖 ", "嘉兴南湖"),
        ("\u3000嘉兴\u3000南湖\u3000", "嘉兴 南湖"),
        ("a  b\r\nc", "a b c"),
        ("张三（个体）①", "张三（个体）①"),
        ("张\u200b三\x00", "张三"),
        ("𠮷野家䶮", "𠮷野家䶮"),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_text_is_stripped_and_otherwise_kept_as_written(raw, expected):
    assert clean_text(raw) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("嘉兴南湖（集团）公司", "嘉兴南湖(集团) 公司"),
        ("ＡＢＣ 贸易", "abc贸易"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("㈱山田", "(株)山田"),
        ("张 三", "张三"),
    ],
)
def test_t9_13_spellings_of_one_name_fold_to_the_same_key(left, right):
    assert fold(left) == fold(right)


def test_folding_keeps_the_spaces_between_latin_words():
    assert fold("John  SMITH") == "john smith"


@given(st.text())
def test_cleaning_and_folding_are_stable_and_storable(raw):
    cleaned = clean_text(raw)

    assert cleaned is None or clean_text(cleaned) == cleaned
    assert "\x00" not in (cleaned or "")
    (cleaned or "").encode()
