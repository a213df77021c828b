"""Free-text addresses read by levels (CU-18)."""

import time

import pytest

from plugins.crm_customers import divisions
from plugins.crm_customers.addresses import parse_address

NO_STREET = ""
READ = [
    # complete, official
    ("浙江省嘉兴市南湖区凤桥镇三星路3号", "330402", "330402100", "三星路3号"),
    ("浙江省嘉兴市秀洲区新塍镇虹桥路12号", "330411", "330411104", "虹桥路12号"),
    ("浙江省嘉兴市嘉善县魏塘街道施家南路1号", "330421", "330421001", "施家南路1号"),
    ("浙江省嘉兴市海盐县武原街道枣园路88号", "330424", "330424001", "枣园路88号"),
    ("浙江省嘉兴市海宁市硖石街道文苑南路5号", "330481", "330481001", "文苑南路5号"),
    ("浙江省嘉兴市平湖市乍浦镇雅山路9号", "330482", "330482101", "雅山路9号"),
    ("浙江省嘉兴市桐乡市乌镇镇子夜路18号", "330483", "330483100", "子夜路18号"),
    # a level is missing or short
    ("嘉兴市南湖区凤桥镇三星路3号", "330402", "330402100", "三星路3号"),
    ("南湖区凤桥镇三星村5组", "330402", "330402100", "三星村5组"),
    ("桐乡乌镇子夜路18号", "330483", "330483100", "子夜路18号"),
    ("桐乡市乌镇子夜路18号", "330483", "330483100", "子夜路18号"),
    ("浙江嘉兴海宁许村镇许巷村", "330481", "330481101", "许巷村"),
    ("嘉兴海宁许村家纺城", "330481", "330481101", "家纺城"),
    ("浙江桐乡濮院镇毛衫市场3区", "330483", "330483101", "毛衫市场3区"),
    ("浙江桐乡振兴东路55号", "330483", NO_STREET, "振兴东路55号"),
    ("海宁市文苑路12号", "330481", NO_STREET, "文苑路12号"),
    ("海宁市盐官镇春熙路2号", "330481", "330481110", "春熙路2号"),
    ("平湖市新仓镇三叉河村", "330482", "330482103", "三叉河村"),
    ("平湖新埭镇平兴线8号", "330482", "330482102", "平兴线8号"),
    ("嘉善西塘镇塘东街2号", "330421", "330421103", "塘东街2号"),
    ("嘉善县姚庄镇宝群东路", "330421", "330421111", None),
    ("海盐县澉浦镇六里村", "330424", "330424105", "六里村"),
    ("海盐百步镇百联村", "330424", "330424102", "百联村"),
    ("嘉兴市海盐沈荡镇中市街", "330424", "330424101", "中市街"),
    ("嘉兴市南湖区中山东路100号", "330402", NO_STREET, "中山东路100号"),
    ("嘉兴市秀洲区洪兴西路1号", "330411", NO_STREET, "洪兴西路1号"),
    ("嘉兴南湖凤桥镇联丰村", "330402", "330402100", "联丰村"),
    ("嘉兴市凤桥镇三星路3号", "330402", "330402100", "三星路3号"),
    ("嘉兴王江泾镇长虹路1号", "330411", "330411101", None),
    ("嘉兴市王店镇梅北路", "330411", "330411105", "梅北路"),
    ("浙江省嘉兴市油车港镇奥星路", "330411", "330411103", None),
    ("嘉兴市大桥镇亚太路906号", "330402", "330402105", "亚太路906号"),
    ("浙江省桐乡市梧桐街道庆丰南路", "330483", "330483001", "庆丰南路"),
    ("浙江省海宁市马桥街道经编六路", "330481", "330481004", "经编六路"),
    # former kinds and names
    ("嘉兴市秀城区南湖街道纺工路1号", "330402", "330402010", "纺工路1号"),
    ("嘉兴市郊区洪合镇建北村", "330411", "330411106", "建北村"),
    ("浙江省玉环县楚门镇南兴街1号", "331083", "331083102", None),
    ("浙江省杭州市下城区体育场路1号", "330105", NO_STREET, "体育场路1号"),
    ("杭州市江干区庆春东路1号", "330102", NO_STREET, "庆春东路1号"),
    ("嘉善县魏塘镇亭桥路1号", "330421", "330421001", "亭桥路1号"),
    ("海宁市硖石镇工人路1号", "330481", "330481001", "工人路1号"),
    ("桐乡市梧桐镇复兴路", "330483", "330483001", "复兴路"),
    ("萧山市瓜沥镇航坞路", "330109", "330109113", None),
    ("浙江省余杭市临平街道", "330110", NO_STREET, "临平街道"),
    ("湖北省襄樊市樊城区长虹路1号", "420606", NO_STREET, "长虹路1号"),
    ("嘉兴市南湖区南湖街道办事处纺工路1号", "330402", "330402010", "纺工路1号"),
    # zones, separators, spaces, full width, repeats, postcodes
    ("嘉兴经济技术开发区城南街道长水路1号", "330402", "330402012", "经济技术开发区长水路1号"),
    ("嘉兴港区乍浦镇中山路", "330482", "330482101", "港区中山路"),
    ("嘉兴市南湖区工业园区大桥镇亚太路", "330402", "330402105", "工业园区亚太路"),
    ("浙江省-嘉兴市-南湖区-凤桥镇三星路3号", "330402", "330402100", "三星路3号"),
    ("浙江省 嘉兴市 南湖区 凤桥镇 三星路 3号", "330402", "330402100", "三星路3号"),
    ("浙江省／嘉兴市／南湖区／凤桥镇三星路３号", "330402", "330402100", "三星路3号"),
    ("浙江省嘉兴市南湖区浙江省嘉兴市南湖区凤桥镇三星路3号", "330402", "330402100", "三星路3号"),
    ("浙江省嘉兴市南湖区嘉兴市南湖区东栅街道双溪路", "330402", "330402013", "双溪路"),
    ("314000浙江省嘉兴市南湖区新嘉街道勤俭路1号", "330402", "330402009", "勤俭路1号"),
    ("中国浙江省嘉兴市南湖区七星街道湘都路", "330402", "330402015", "湘都路"),
    ("地址：嘉兴市南湖区余新镇曹王路", "330402", "330402101", "曹王路"),
    # road and estate names that look like divisions
    ("嘉兴市南湖区解放路88号", "330402", NO_STREET, "解放路88号"),
    ("嘉兴市南湖区建设二路8号", "330402", NO_STREET, "建设二路8号"),
    ("嘉兴市南湖区平湖塘路", "330402", NO_STREET, "平湖塘路"),
    ("嘉兴市秀洲区海盐塘路5号", "330411", NO_STREET, "海盐塘路5号"),
    # elsewhere
    ("北京市朝阳区建国门外大街1号", "110105", NO_STREET, "建国门外大街1号"),
    ("北京市市辖区东城区东华门街道", "110101", "110101001", ""),
    ("上海市浦东新区陆家嘴街道世纪大道1号", "310115", "310115005", None),
    ("重庆市渝中区解放碑街道民权路", "500103", "500103003", None),
    ("重庆市云阳县双江街道", "500235", "500235001", None),
    ("内蒙古自治区呼和浩特市新城区海拉尔大街", "150102", NO_STREET, None),
    ("恩施土家族苗族自治州利川市都亭街道", "422802", None, None),
    ("湖北恩施利川市清江大道", "422802", NO_STREET, "清江大道"),
    ("吉林市船营区北京路1号", "220204", NO_STREET, "北京路1号"),
    ("吉林省吉林市船营区松江中路", "220204", NO_STREET, "松江中路"),
    ("新疆伊犁哈萨克自治州伊宁市解放西路", "654002", NO_STREET, "解放西路"),
    ("海南省文昌市文城镇文蔚路", "469005", "469005100", "文蔚路"),
    ("广东省东莞市东城街道东纵路", "441900", "441900003", "东纵路"),
    ("江苏苏州昆山市玉山镇前进路", "320583", "320583100", "前进路"),
]


@pytest.mark.parametrize(("text", "county", "street", "detail"), READ)
def test_an_address_is_read_by_levels(text, county, street, detail):
    address = parse_address(text)

    assert address.county_code == county
    if street is not None:
        assert address.street_code == street
    if detail is not None:
        assert address.detail == detail
    assert address.province_code == f"{county[:2]}0000"
    assert address.city_code == f"{county[:4]}00"
    assert address.complete == bool(address.street_code or address.detail)


@pytest.mark.parametrize(
    ("text", "county", "street"),
    [
        ("凤桥镇三星村5号", "330402", "330402100"),
        ("乌镇镇子夜路18号", "330483", "330483100"),
        ("南湖区中山东路100号", "330402", ""),
        ("桐乡崇福镇", "330483", "330483107"),
        ("桐乡振兴路1号", "330483", ""),
        ("西湖区文三路1号", "330106", ""),
        ("嘉善大云镇云寺西路", "330421", "330421102"),
        ("洪合镇", "330411", "330411106"),
    ],
)
def test_the_city_of_the_branch_settles_what_the_text_leaves_open(text, county, street):
    address = parse_address(text, "330400")

    assert (address.county_code, address.street_code) == (county, street)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "嘉兴市中山东路100号",
        "浙江省嘉兴市",
        "浙江省嘉兴市南湖区",
        "西湖区文三路1号",
        "不详",
        "中山东路100号",
        "海宁路12号",
        "嘉兴市南湖大道12号",
        "东方明珠小区3幢",
        "北京东路5号",
        "朝阳门外大街12号",
        "和平路12号",
        "浙江大学紫金港校区",
        "浙江省杭州市南湖区凤桥镇",
    ],
)
def test_what_cannot_be_read_to_a_county_and_beyond_goes_to_review(text):
    assert not parse_address(text).complete


@pytest.mark.parametrize("text", ["北京东路5号", "海宁路12号", "平湖塘路3号", "吉林路1号"])
def test_a_road_named_after_a_place_is_not_that_place(text):
    address = parse_address(text)

    assert (address.province_code, address.county_code, address.detail) == ("", "", text)


def test_the_names_of_all_levels_are_given():
    address = parse_address("桐乡乌镇子夜路18号")

    assert (address.province, address.city, address.county, address.street) == ("浙江省", "嘉兴市", "桐乡市", "乌镇镇")


def test_a_directly_administered_city_is_its_own_prefecture():
    address = parse_address("北京市朝阳区建国路1号")

    assert (address.province, address.city, address.city_code) == ("北京市", "北京市", "110100")


def test_a_county_directly_below_its_province_has_no_city_name():
    assert parse_address("海南省文昌市文城镇").city == ""


def test_the_city_of_the_branch_is_assumed_where_none_is_read():
    address = parse_address("中山东路100号", "3304")

    assert (address.city, address.county, address.complete) == ("嘉兴市", "", False)


def test_the_streets_of_the_whole_table_are_found_again_from_their_full_addresses():
    codes = [county + entry[:3] for county, text in divisions._tables().streets.items() for entry in text.split()][::25]

    missed = []
    for code in codes:
        parents = dict.fromkeys(divisions.name_of(code[:length]) for length in (2, 4, 6))
        address = parse_address("".join(parents) + divisions.street_name(code) + "幸福里1号")
        if (address.street_code, address.detail) != (code, "幸福里1号"):
            missed.append(code)

    assert len(codes) > 1600
    assert len(missed) <= len(codes) // 1000


def test_twenty_thousand_addresses_a_second_are_read():
    texts = [text for text, *_ in READ]
    for text in texts:
        parse_address(text, "330400")
    began = time.process_time()

    for text in texts * 20:
        parse_address(text, "330400")

    assert (time.process_time() - began) / (len(texts) * 20) < 1 / 20_000
