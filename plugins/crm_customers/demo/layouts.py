"""What a column and a layout of an export are, and the columns of the policy list (承保清单)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from plugins.crm_customers.demo.files import Cell
from plugins.crm_customers.demo.messy import Dirt
from plugins.crm_customers.demo.staff import Intermediary
from plugins.crm_customers.demo.terms import COMPULSORY, Endorsement, Term
from plugins.crm_customers.demo.vehicles import Vehicle

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column: its key in this package, its headers by dialect, how a row's cell is written.

    Not every system exports an ``extra`` column; dialects 1 and 3 leave them out.
    """

    key: str
    headers: tuple[str, ...]
    cell: Callable[[T, Dirt], Cell]
    extra: bool = False

    def header(self, dialect: int) -> str:
        """Returns the header a dialect (0, 1, …) uses."""
        return self.headers[dialect % len(self.headers)]


Layout = tuple[Column[T], ...]


def in_dialect(layout: Layout[T], dialect: int) -> Layout[T]:
    """Returns the columns a dialect exports."""
    return tuple(column for column in layout if not (column.extra and dialect % 2))


class PolicyRow(NamedTuple):
    """A row of the policy list: a term, or an endorsement of it where a branch lists both (T9-15)."""

    term: Term
    change: Endorsement | None = None


def vehicle_text(pick: Callable[[Vehicle], str]) -> Callable[[PolicyRow, Dirt], Cell]:
    """Returns a cell writer for a text of the insured vehicle, empty without one."""
    return lambda row, _: pick(row.term.vehicle) if row.term.vehicle else ""


def _vehicle_cell(write: Callable[[Vehicle, Dirt], Cell]) -> Callable[[PolicyRow, Dirt], Cell]:
    return lambda row, dirt: write(row.term.vehicle, dirt) if row.term.vehicle else ""


def _limit(row: PolicyRow, dirt: Dirt) -> Cell:
    third_party = row.term.line.group == "商业保险"
    return dirt.money(row.term.sum_insured) if third_party else ""


def _rate(row: PolicyRow, _: Dirt) -> str:
    agent = row.term.intermediary
    if agent is None:
        return "0"
    rate = agent.compulsory_rate if row.term.line is COMPULSORY else agent.other_rate
    return f"{rate / 10:.1f}%"


def _agent(pick: Callable[[Intermediary], str]) -> Callable[[PolicyRow, Dirt], Cell]:
    return lambda row, _: pick(row.term.intermediary) if row.term.intermediary else ""


def _combination(row: PolicyRow, _: Dirt) -> str:
    return "共保" if row.term.coinsured else "非共保"


def _premium(row: PolicyRow, dirt: Dirt) -> Cell:
    return dirt.money(row.change.change if row.change else row.term.premium)


POLICY: Layout[PolicyRow] = (
    Column("number", ("保单号",), lambda r, _: r.term.number),
    Column("previous", ("续保单号", "上年保单号"), lambda r, _: r.term.previous_number),
    Column("group", ("险类",), lambda r, _: r.term.line.group),
    Column("line", ("险种",), lambda r, _: r.term.line.name),
    Column("holder", ("投保人",), lambda r, d: d.name(r.term.holder)),
    Column("holder_kind", ("客户类别",), lambda r, _: "个人" if r.term.holder.person else "团体"),
    Column("id_type", ("投保人证件类型",), lambda r, _: r.term.holder.id_type),
    Column("id", ("投保人证件号码",), lambda r, d: d.identity(r.term.holder)),
    Column("insured", ("被保险人",), lambda r, _: r.term.holder.name),
    Column("insured_id", ("被保险人证件号码",), lambda r, d: d.identity(r.term.holder), extra=True),
    Column("phone", ("联系电话", "手机"), lambda r, d: d.phone(r.term.holder)),
    Column("address", ("地址",), lambda r, _: r.term.holder.address),
    Column("industry", ("行业",), lambda r, _: r.term.holder.industry, extra=True),
    Column("ownership", ("所有制",), lambda r, _: r.term.holder.ownership, extra=True),
    Column("plate", ("车牌号码", "号牌号码"), _vehicle_cell(lambda v, d: d.plate(v.plate))),
    Column("vin", ("车架号", "车辆识别代码", "VIN"), vehicle_text(lambda v: v.vin)),
    Column("engine", ("发动机号",), vehicle_text(lambda v: v.engine), extra=True),
    Column("model", ("厂牌车型", "厂牌型号"), vehicle_text(lambda v: v.model.name)),
    Column("registered", ("初次登记日期", "初登日期"), _vehicle_cell(lambda v, d: d.day(v.first_registered))),
    Column("seats", ("座位数", "核定载客"), _vehicle_cell(lambda v, d: d.count(v.model.seats))),
    Column("tonnes", ("吨位数", "核定载质量"), _vehicle_cell(lambda v, d: d.count(v.model.tonnes)), extra=True),
    Column("fuel", ("燃料种类",), vehicle_text(lambda v: v.model.fuel), extra=True),
    Column("use", ("使用性质",), vehicle_text(lambda v: v.use)),
    Column("price", ("新车购置价",), _vehicle_cell(lambda v, d: d.money(v.model.price * 100)), extra=True),
    Column("sum", ("保险金额", "保额"), lambda r, d: d.money(r.term.sum_insured)),
    Column("limit", ("三者保额",), _limit, extra=True),
    Column("premium", ("签单保费", "签单/批改保费"), _premium),
    Column("signed", ("签单日期",), lambda r, d: d.day(r.change.effective if r.change else r.term.signed)),
    Column("start", ("保险起期",), lambda r, d: d.day(r.term.start)),
    Column("end", ("保险止期",), lambda r, d: d.day(r.term.end)),
    Column("branch", ("出单机构", "三级机构"), lambda r, _: r.term.number[4:10]),
    Column("manager", ("业务员",), lambda r, _: r.term.holder.manager),
    Column("agent_code", ("代理人代码", "中介代码"), _agent(lambda a: a.code)),
    Column("agent", ("代理人", "经代名"), _agent(lambda a: a.name)),
    Column("channel", ("终端来源",), lambda r, _: r.term.intermediary.kind if r.term.intermediary else "直销"),
    Column("rate", ("手续费率",), _rate, extra=True),
    Column("renewal", ("是否续保",), lambda r, d: d.flag(bool(r.term.previous_number))),
    Column("new", ("是否新车", "新车"), lambda r, d: d.flag(r.term.new_vehicle), extra=True),
    Column("coinsured", ("共保标识",), _combination),
    Column("facultative", ("临分标志",), lambda r, d: d.flag(r.term.facultative)),
    Column("before", ("上年承保主体",), lambda r, _: r.term.previous_insurer, extra=True),
    Column("after", ("次年保险公司",), lambda r, _: r.term.next_insurer),
)

# The branch that lists endorsements among its policies shows their number.
POLICY_WITH_CHANGES: Layout[PolicyRow] = (
    *POLICY[:1],
    Column("change", ("批单号",), lambda r, _: r.change.number if r.change else ""),
    Column("change_kind", ("批改类型",), lambda r, _: f"{r.change.code}{r.change.kind}" if r.change else ""),
    *POLICY[1:],
)
