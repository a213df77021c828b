"""Values of the choice fields, with their labels and the spellings found in files."""

from core.api import choices

CUSTOMER_KINDS = choices(
    ("person", "Person", "个人", ("自然人", "个人客户", "P")),
    ("organisation", "Organisation", "单位", ("团体", "企业", "机构", "法人", "单位客户", "团单", "C")),
)
ID_KINDS = choices(
    ("resident_id", "Resident ID", "居民身份证", ("身份证", "身份证号", "01")),
    ("uscc", "Unified credit code", "统一社会信用代码", ("社会信用代码", "信用代码", "营业执照")),
    ("org_code", "Organisation code", "组织机构代码", ("组织机构代码证", "机构代码")),
    ("passport", "Passport", "护照"),
    ("other", "Other document", "其他证件", ("其他", "军官证", "港澳通行证")),
)
SOURCES = choices(
    ("core", "core system", "核心系统"),
    ("hand", "entered by hand", "人工录入"),
    ("vehicle_registry", "vehicle register", "社会车辆清单"),
    ("yellow_pages", "yellow pages", "黄页"),
    ("car_dealers", "car dealers", "车商"),
    ("guarantors", "guarantors", "担保公司"),
    ("registry_owners", "vehicle owners", "车主名单"),
)
"""Sources that the shipped profiles name; another one is called as its profile writes it."""
SEXES = choices(("male", "Male", "男", ("M", "1", "男性")), ("female", "Female", "女", ("F", "2", "女性")))
CREDITS = choices(("good", "Good", "良好", ("好",)), ("bad", "Not good", "不良", ("差", "失信")))
LINES = choices(
    ("ctp", "Compulsory motor", "交强险", ("交强", "机动车交通事故责任强制保险", "强制险")),
    ("commercial", "Commercial motor", "商业险", ("商业保险", "商业车险", "机动车商业险", "机动车商业保险")),
    ("non_motor", "Non-motor", "非车险", ("非车",)),
)
CLASSES = choices(
    ("unattached", "Unattached", "游离"),
    ("lead", "Lead", "准客户"),
    ("standard", "Standard", "标准"),
    ("good", "Good", "优质"),
    ("important", "Important", "重要"),
    ("blacklist", "Blacklist", "黑名单"),
)
LINKS = choices(
    ("acquire", "Acquire", "获取"),
    ("contact", "Contact", "接触"),
    ("keep", "Keep", "保留"),
    ("grow", "Grow", "增值"),
)
CONTACT_KINDS = choices(
    ("mobile", "Mobile", "手机"),
    ("landline", "Land line", "固定电话"),
    ("service", "Service number", "服务号码"),
    ("email", "E-mail", "电子邮箱"),
    ("unknown", "Number", "号码"),
)
POLICY_STATES = choices(("active", "Active", "有效"), ("cancelled", "Cancelled", "已退保"))
INSURED_STATES = choices(
    ("ours", "Insured with us", "在我司承保"),
    ("elsewhere", "Insured elsewhere", "在他司承保"),
    ("none", "Not insured", "未承保"),
)
SHARE_KINDS = choices(
    ("coinsurance_lead", "Coinsurance, we lead", "共保主承", ("1", "3", "主共", "共保主")),
    ("coinsurance_follow", "Coinsurance, we follow", "共保从共", ("2", "4", "从共")),
    ("surplus", "Surplus treaty", "溢额再保", ("溢额",)),
    ("facultative", "Facultative", "临分", ("临时分保",)),
)
