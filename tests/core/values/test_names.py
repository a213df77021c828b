"""Names in pinyin."""

import time

import pytest

from core.values.names import pinyin_initials, pinyin_key, surname_length


@pytest.mark.parametrize(
    ("name", "key", "initials"),
    [
        ("单田芳", "shantianfang", "stf"),
        ("仇英", "qiuying", "qy"),
        ("曾国藩", "zengguofan", "zgf"),
        ("解缙", "xiejin", "xj"),
        ("区海伦", "ouhailun", "ohl"),
        ("查良镛", "zhaliangyong", "zly"),
        ("朴树", "piaoshu", "ps"),
        ("盖叫天", "gejiaotian", "gjt"),
        ("翟天", "zhaitian", "zt"),
        ("缪昌期", "miaochangqi", "mcq"),
        ("乐嘉", "yuejia", "yj"),
        ("覃小明", "qinxiaoming", "qxm"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("欧阳修", "ouyangxiu", "oyx"),
        ("长孙无忌", "zhangsunwuji", "zswj"),
        ("单于夫", "chanyufu", "cyf"),
        ("万俟卨", "moqixie", "mqx"),
        ("吕布", "lvbu", "lb"),
        ("张 三", "zhangsan", "zs"),
        ("John Smith", "johnsmith", "js"),
        ("阿依古丽·买买提", "ayigulimaimaiti", "ayglmmt"),
        ("嘉兴银行", "jiaxingyinhang", "jxyh"),
        ("重庆长安汽车股份有限公司", "chongqingchanganqichegufenyouxiangongsi", "cqcaqcgfyxgs"),
        ("3M中国", "3mzhongguo", "3zg"),
        ("", "", ""),
    ],
)
def test_names_are_read_as_people_read_them(name, key, initials):
    assert pinyin_key(name) == key
    assert pinyin_initials(name) == initials


def test_a_surname_of_two_characters_is_known():
    assert surname_length("欧阳修") == 2
    assert surname_length("张三") == 1


def test_a_million_names_would_take_less_than_a_minute():
    names = [
        f"{surname}{first}{second}"
        for surname in "王李张单欧"
        for first in "嘉兴南湖海"
        for second in "明华芳一二三四五六七"
    ]
    pinyin_key("王嘉明")
    began = time.process_time()

    for name in names * 20:
        pinyin_key(name)
        pinyin_initials(name)

    assert (time.process_time() - began) / (len(names) * 20) < 60e-6
