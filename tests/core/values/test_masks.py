"""Masks of personal data (domain facts section 6)."""

import pytest

from core.values import masks


def test_t6_1_a_mobile_number_shows_its_range_and_last_four_digits():
    assert masks.mask_phone("13812345678") == "138****5678"


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("name", "张三", "张*"),
        ("name", "欧阳修", "欧阳*"),
        ("name", "John Smith", "J*"),
        ("resident_id", "330402199003071237", "330402********1237"),
        ("resident_id", "330402670401001", "330402*****1001"),
        ("phone", "0573-82123456", "0573-****3456"),
        ("phone", "0573-82123456-801", "0573-****3456"),
        ("phone", "0731-2123456", "0731-***3456"),
        ("card", "6222021234567890123", "622202*********0123"),
        ("plate", "浙F12345", "浙F***45"),
        ("plate", "浙FD12345", "浙F****45"),
        ("vin", "LVSHCAMB1CE054249", "LVSHCAMB1CE******"),
        ("address", "浙江省嘉兴市南湖区凤桥镇三星路3号", "浙江省嘉兴市南湖区***"),
        ("address", "桐乡市乌镇镇子夜路1号", "桐乡市***"),
        ("address", "北京市朝阳区建国路1号", "北京市朝阳区***"),
        ("address", "嘉兴市中山东路2号", "嘉兴市***"),
        ("address", "嘉兴市南湖区", "嘉兴市南湖区***"),
    ],
)
def test_a_mask_shows_only_its_part(mask, value, shown):
    assert masks.MASKS[mask](value) == shown


@pytest.mark.parametrize(
    ("mask", "value"),
    [
        ("resident_id", "护照E12345678"),
        ("phone", "82123456"),
        ("phone", "abc"),
        ("card", "12345678"),
        ("plate", "F12345"),
        ("vin", "12345678"),
        ("address", "三星路3号"),
        ("address", "三星路城市花园小区5幢"),
        ("address", "凤桥镇三星村5号"),
    ],
)
def test_a_value_of_another_shape_is_hidden_whole(mask, value):
    assert masks.MASKS[mask](value) == masks.HIDDEN


@pytest.mark.parametrize("mask", sorted(masks.MASKS))
def test_an_empty_value_stays_empty(mask):
    assert masks.MASKS[mask]("") == ""
