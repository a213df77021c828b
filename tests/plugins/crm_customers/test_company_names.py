"""Cores of organisation names (T9-9)."""

import pytest

from plugins.crm_customers.company_names import company_core


def core(name):
    return company_core(name).core


def test_t9_9_two_legal_forms_of_one_company_have_one_core():
    assert core("嘉兴市南湖运输有限公司") == core("嘉兴南湖运输有限责任公司") == "南湖运输"


def test_t9_9_another_trade_is_another_core():
    assert core("嘉兴市南湖贸易有限公司") == "南湖贸易"


@pytest.mark.parametrize(
    ("name", "region", "expected", "legal_form"),
    [
        ("浙江省嘉兴市南湖区宏达塑料厂", "浙江省嘉兴市南湖区", "宏达塑料厂", ""),
        ("浙江嘉兴宏达科技股份有限公司", "浙江嘉兴", "宏达科技", "股份有限公司"),
        ("宏达科技（嘉兴）有限公司", "嘉兴", "宏达科技", "有限公司"),
        ("宏达（中国）投资有限公司", "中国", "宏达投资", "有限公司"),
        ("海宁市皮革城有限公司", "海宁市", "海宁皮革城", "有限公司"),
        ("桐乡市乌镇农民专业合作社", "桐乡市", "乌镇", "农民专业合作社"),
        ("嘉兴鼎信会计师事务所(普通合伙)", "嘉兴", "鼎信会计师事务所", "(普通合伙)"),
        ("嘉兴启航投资合伙企业（有限合伙）", "嘉兴", "启航投资", "合伙企业(有限合伙)"),
        ("中华联合财产保险股份有限公司嘉兴中心支公司", "", "中华联合财产保险嘉兴中心", "股份有限公司"),
        ("平安财产保险股份有限公司", "", "平安财产保险", "股份有限公司"),
        ("南湖运输", "", "南湖运输", ""),
        ("有限公司", "", "有限公司", ""),
        ("恩施土家族苗族自治州茶业公司", "恩施土家族苗族自治州", "恩施茶业", "公司"),
    ],
)
def test_region_and_legal_form_are_cut_off(name, region, expected, legal_form):
    assert company_core(name) == (region, expected, legal_form)


def test_a_core_of_trade_words_alone_keeps_its_region():
    assert core("海宁市运输有限公司") == core("海宁运输有限责任公司") == "海宁运输"
    assert core("海宁市运输有限公司") != core("桐乡市运输有限公司")


@pytest.mark.parametrize(
    "kind",
    ["学院", "公共交通集团有限公司", "第一医院", "银行股份有限公司", "市人民政府", "高速股份有限公司", "燃气有限公司"],
)
def test_bodies_of_one_kind_in_two_cities_have_two_cores(kind):
    assert core(f"嘉兴{kind}") != core(f"绍兴{kind}")


def test_brackets_width_and_spaces_do_not_matter():
    assert core("嘉兴南湖（集团）有限公司") == core(" 嘉兴南湖(集团)  有限公司") == "南湖(集团)"


def test_a_branch_is_not_its_head_company():
    assert core("中华联合财产保险股份有限公司") != core("中华联合财产保险股份有限公司嘉兴中心支公司")


@pytest.mark.parametrize("name", ["", " ", "公司", "嘉兴", "嘉兴市"])
def test_a_name_without_a_core_is_kept_as_it_is(name):
    assert core(name) == name.strip()
