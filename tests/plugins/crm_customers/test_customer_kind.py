"""Person or organisation."""

import pytest

from plugins.crm_customers.customer_kind import guess_kind


@pytest.mark.parametrize(
    ("name", "id_kind", "expected"),
    [
        ("张三", None, "person"),
        ("欧阳修竹", None, "person"),
        ("阿依古丽·买买提", None, "person"),
        ("张 三", None, "person"),
        ("嘉兴南湖运输有限公司", None, "organisation"),
        ("嘉兴市第一医院", None, "organisation"),
        ("凤桥镇人民政府", None, "organisation"),
        ("王记饭店", None, "organisation"),
        ("三星村村委会", None, "organisation"),
        ("南湖车队", None, "organisation"),
        ("ABC Trading Ltd.", None, "organisation"),
        ("张三", "统一社会信用代码", "organisation"),
        ("张三", "居民身份证", "person"),
        ("南湖饭店", "身份证", "person"),
        ("嘉兴某某", "营业执照", "organisation"),
        ("某某", "resident_id", "person"),
        ("某某", "uscc", "organisation"),
        ("金色阳光", None, "unknown"),
        ("John Smith", None, "unknown"),
        ("", None, "unknown"),
        ("", "其他", "unknown"),
    ],
)
def test_document_then_words_then_shape_decide(name, id_kind, expected):
    assert guess_kind(name, id_kind) == expected
