"""Person or organisation: the guess from a name and the kind of its identity document."""

from __future__ import annotations

import re
from typing import Final, Literal

from core.values.names import COMPOUND_SURNAMES
from core.values.text import fold

CustomerKind = Literal["person", "organisation", "unknown"]
_PERSON_DOCUMENTS: Final = re.compile(
    r"身份证|护照|军官|士兵|警官|驾驶证|户口|通行证|居住证|居留|出生|resident_id|passport|military|residence_permit|driving_licen[cs]e"
)
_ORGANISATION_DOCUMENTS: Final = re.compile(
    r"信用代码|组织机构|营业执照|税务|登记证书|法人|uscc|organisation_code|business_licence|tax_number"
)
_ORGANISATION_WORDS: Final = re.compile(
    r"公司|集团|合作社|合伙|经营部|营业部|门市|[工加]厂|厂$|[商饭酒药书花网]店|店$|商行|车行|银行|支行|分行|超市|中心|医院|诊所|学校"
    r"|[大中小]学$|学院|幼儿园|研究[院所]|事务所|委员会|居委|村委|办事处|街道办|人民政府|[局厅署]$|管理[局处所]|协会|商会|基金会|联合会"
    r"|总队|支队|大队|法院|检察院|公安|税务|寺$|教堂|工作室|服务[部站社]|运输队|车队|加油站|农场|林场|养殖场|个体工商户|旅行社|俱乐部|馆$|部$|社$"
    r"|\b(?:ltd|limited|inc|corp|co|llc|gmbh|company|bank)\b\.?"
)
_HAN_NAME: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]{2,4}").fullmatch
_MINORITY_NAME: Final = re.compile(r"[\u3400-\u9fff]+(?:·[\u3400-\u9fff]+)+").fullmatch
# The 100 most frequent surnames of the Ministry of Public Security's yearly report cover about 85 % of the people.
_SURNAMES: Final = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙史陶黎贺毛郝顾龚邵万覃武钱戴严莫孔向常汤俞费屠盛褚计倪柴祝翁岑强"
)


def guess_kind(name: str, id_kind: str | None = None) -> CustomerKind:
    """Guess whether a name belongs to a person or an organisation.

    Args:
        name: Name as delivered.
        id_kind: Kind of the identity document as delivered or as a code, for example ``"居民身份证"`` or ``"uscc"``.

    Returns:
        The document decides where it is known; then the words of organisations; then the shape of a Chinese name.
    """
    document = fold(id_kind or "")
    if _ORGANISATION_DOCUMENTS.search(document):
        return "organisation"
    if _PERSON_DOCUMENTS.search(document):
        return "person"
    text = fold(name)
    if _ORGANISATION_WORDS.search(text):
        return "organisation"
    if _MINORITY_NAME(text):
        return "person"
    if _HAN_NAME(text) and (text[:2] in COMPOUND_SURNAMES or (len(text) <= 3 and text[0] in _SURNAMES)):
        return "person"
    return "unknown"
