"""The columns of the endorsement, claim, receivable, vehicle registry and customer lists."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from plugins.crm_customers.demo.files import Cell
from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.layouts import Column, Layout
from plugins.crm_customers.demo.messy import Dirt
from plugins.crm_customers.demo.receivables import Instalment
from plugins.crm_customers.demo.registry import RegistryRow
from plugins.crm_customers.demo.terms import Claim, Endorsement

ENDORSEMENT: Layout[Endorsement] = (
    Column("number", ("批单号",), lambda e, _: e.number),
    Column("policy", ("保单号",), lambda e, _: e.term.number),
    Column("kind", ("批改类型",), lambda e, _: f"{e.code}{e.kind}"),
    Column("effective", ("生效日期", "批改日期"), lambda e, d: d.day(e.effective)),
    Column("change", ("批改保费",), lambda e, d: d.money(e.change)),
    Column("reason", ("批改原因",), lambda e, _: e.reason),
)


def _claim_plate(claim: Claim, dirt: Dirt) -> Cell:
    return dirt.plate(claim.term.vehicle.plate) if claim.term.vehicle else ""


def _claim_vin(claim: Claim, _: Dirt) -> Cell:
    return claim.term.vehicle.vin if claim.term.vehicle else ""


CLAIM: Layout[Claim] = (
    Column("report", ("报案号",), lambda c, _: c.report_number),
    Column("number", ("赔案号", "立案号"), lambda c, _: c.number),
    Column("policy", ("保单号",), lambda c, _: c.term.number),
    Column("vin", ("车架号",), _claim_vin, extra=True),
    Column("plate", ("标的车牌",), _claim_plate),
    Column("lost", ("出险时间",), lambda c, d: d.day(c.lost)),
    Column("reported", ("报案时间",), lambda c, d: d.day(c.reported)),
    Column("settled", ("结案时间",), lambda c, d: d.day(c.settled)),
    Column("cause", ("出险原因",), lambda c, _: c.cause),
    Column("place", ("出险地点",), lambda c, _: c.place, extra=True),
    Column("injury", ("是否人伤",), lambda c, d: d.flag(c.injury)),
    Column("estimate", ("立案金额", "估损"), lambda c, d: d.money(c.estimate)),
    Column("paid", ("已决金额", "赔款"), lambda c, d: d.money(c.paid)),
    Column("outstanding", ("未决金额",), lambda c, d: d.money(c.outstanding)),
    Column("status", ("案件状态",), lambda c, _: "已结案" if c.settled else "未决"),
)

RECEIVABLE: Layout[Instalment] = (
    Column("policy", ("保单号",), lambda i, _: i.term.number),
    Column("line", ("险种",), lambda i, _: i.term.line.name),
    Column("insured", ("被保险人",), lambda i, _: i.term.holder.name),
    Column("signed", ("签单日期",), lambda i, d: d.day(i.term.signed)),
    Column("place", ("缴费期次",), lambda i, d: d.count(i.place)),
    Column("due", ("应缴日期",), lambda i, d: d.day(i.due)),
    Column("amount", ("应收保费",), lambda i, d: d.money(i.amount)),
    Column("received", ("已收保费",), lambda i, d: d.money(i.received)),
    Column("open", ("欠费",), lambda i, d: d.money(i.amount - i.received)),
    Column("received_on", ("实收日期",), lambda i, d: d.day(i.received_on)),
    Column("handler", ("经办人",), lambda i, _: i.term.holder.manager),
)

REGISTRY: Layout[RegistryRow] = (
    Column("plate", ("号牌号码",), lambda r, d: d.plate(r.vehicle.plate)),
    Column("plate_kind", ("号牌种类",), lambda r, _: r.vehicle.plate_kind),
    Column("model", ("品牌型号",), lambda r, _: r.vehicle.model.name),
    Column("vin", ("车架号",), lambda r, _: r.vehicle.vin),
    Column("engine", ("发动机号",), lambda r, _: r.vehicle.engine, extra=True),
    Column("owner", ("车主",), lambda r, _: r.vehicle.owner.name),
    Column("id", ("证件号",), lambda r, d: d.identity(r.vehicle.owner) if r.with_id else ""),
    Column("address", ("住址",), lambda r, _: r.vehicle.owner.address),
    Column("phone", ("电话",), lambda r, d: d.phone(r.vehicle.owner) if r.with_phone else ""),
    Column("registered", ("初次登记日期",), lambda r, d: d.day(r.vehicle.first_registered)),
    Column("inspection", ("检验有效期止",), lambda r, d: d.day(r.inspection_until)),
    Column("compulsory", ("交强险终止日期",), lambda r, d: d.day(r.compulsory_until)),
    Column("use", ("使用性质",), lambda r, _: r.vehicle.use),
    Column("seats", ("核定载客",), lambda r, d: d.count(r.vehicle.model.seats)),
    Column("tonnes", ("核定载质量",), lambda r, d: d.count(r.vehicle.model.tonnes), extra=True),
    Column("litres", ("排量",), lambda r, d: d.count(r.vehicle.model.litres), extra=True),
    Column("status", ("状态",), lambda r, _: "正常"),
)


class CustomerRow(NamedTuple):
    """A row of a prospect list with its source, and the day somebody called there."""

    holder: Holder
    source: str
    swept: date | None


CUSTOMER: Layout[CustomerRow] = (
    Column("name", ("客户名称", "姓名"), lambda r, d: d.name(r.holder)),
    Column("type", ("客户类型",), lambda r, _: "个人" if r.holder.person else "单位"),
    Column("id_type", ("证件类型",), lambda r, _: r.holder.id_type),
    Column("id", ("证件号码",), lambda r, d: d.identity(r.holder)),
    Column("mobile", ("手机",), lambda r, d: d.phone(r.holder) if r.holder.mobile else ""),
    Column("landline", ("固定电话",), lambda r, d: d.phone(r.holder) if r.holder.landline else ""),
    Column("address", ("地址",), lambda r, _: r.holder.address),
    Column("industry", ("行业",), lambda r, _: r.holder.industry),
    Column("ownership", ("登记注册类型", "所有制"), lambda r, _: r.holder.ownership),
    Column("source", ("客户来源",), lambda r, _: r.source),
    Column("swept", ("排摸日期",), lambda r, d: d.day(r.swept)),
)
