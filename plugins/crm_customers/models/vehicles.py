"""Vehicles, and the registry of all vehicles of the area (社会车辆)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer, LargeBinary, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Attributed, Base, BranchOwned, Field, Label, Model, Money, Sourced, field
from plugins.crm_customers.models.options import INSURED_STATES


class Vehicle(Base, BranchOwned, Attributed):
    """A vehicle, each once: by VIN, else plate and plate kind, else the source's own key."""

    __tablename__ = "crm_customers_vehicle"
    __table_args__ = (
        Index("uq_crm_customers_vehicle_identity", "identity_key", unique=True),
        Index("ix_crm_customers_vehicle_plate", "plate"),
        Index("ix_crm_customers_vehicle_owner_id", "owner_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.vehicle",
        label=Label("Vehicle", "车辆"),
        plural=Label("Vehicles", "车辆"),
        title="plate",
        icon="car",
    )

    identity_key: Mapped[str] = mapped_column(String(180))
    source_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    owner_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_customer.id"),
        en="Owner",
        zh="车主",
        target="crm_customers.customer",
        imported=False,
        listed=True,
    )
    plate: Mapped[str | None] = field(
        String(12),
        en="Plate",
        zh="车牌号码",
        kind="plate",
        data_class="C2",
        aliases=("号牌号码", "车牌", "车牌号"),
        mask="plate",
        listed=True,
    )
    plate_kind: Mapped[str | None] = field(String(20), en="Plate kind", zh="号牌种类")
    vin: Mapped[str | None] = field(
        String(20),
        en="VIN",
        zh="车架号",
        kind="vin",
        data_class="C2",
        aliases=("VIN", "车辆识别代码", "VIN码", "车架号码"),
        mask="vin",
        listed=True,
    )
    make: Mapped[str | None] = field(String(80), en="Make", zh="品牌", listed=True)
    model: Mapped[str | None] = field(
        String(120), en="Model", zh="厂牌型号", aliases=("厂牌车型", "车型", "品牌型号"), listed=True
    )
    engine_no: Mapped[str | None] = field(String(40), en="Engine number", zh="发动机号", kind="identifier")
    vehicle_type: Mapped[str | None] = field(String(60), en="Type", zh="车辆类型", aliases=("车辆种类",))
    first_registered_on: Mapped[date | None] = field(
        Date, en="First registered", zh="初次登记日期", aliases=("初登日期", "注册日期")
    )
    seats: Mapped[int | None] = field(Integer, en="Seats", zh="座位数", aliases=("核定载客", "核定载客人数"))
    tonnage: Mapped[Decimal | None] = field(Numeric(12, 3), en="Tonnage", zh="吨位数", aliases=("核定载质量",))
    displacement: Mapped[Decimal | None] = field(Numeric(12, 3), en="Displacement", zh="排量")
    fuel: Mapped[str | None] = field(String(40), en="Fuel", zh="燃料种类")
    usage: Mapped[str | None] = field(String(60), en="Use", zh="使用性质")
    new_price: Mapped[Decimal | None] = field(Money, en="New price", zh="新车购置价", aliases=("购置价",))
    actual_value: Mapped[Decimal | None] = field(Money, en="Actual value", zh="实际价值")
    batch_id: Mapped[int | None] = mapped_column(BigInteger)
    batch_row: Mapped[int | None] = mapped_column(BigInteger)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


class RegistryVehicle(Base, BranchOwned, Sourced, Attributed):
    """An entry of the registry of all vehicles of the area, insured with us or not (CU-05, CU-06)."""

    __tablename__ = "crm_customers_registry_vehicle"
    __table_args__ = (
        Index("uq_crm_customers_registry_vehicle_source", "source_key", "source", unique=True),
        Index("ix_crm_customers_registry_vehicle_plate", "plate"),
        Index("ix_crm_customers_registry_vehicle_vehicle_id", "vehicle_id"),
        Index("ix_crm_customers_registry_vehicle_branch_id", "branch_id", "id"),
        Index("ix_crm_customers_registry_vehicle_division_code", "division_code", "insured_state"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.registry_vehicle",
        label=Label("Registered vehicle", "社会车辆"),
        plural=Label("Registered vehicles", "社会车辆"),
        title="plate",
        icon="car",
        virtual=(
            Field(
                Label("Owner's ID number", "车主证件号"),
                "identifier",
                ("证件号", "证件号码"),
                data_class="C2",
                name="owner_id",
            ),
            Field(Label("Phone", "电话"), "phones", ("联系电话", "手机"), data_class="C2", name="phone"),
        ),
    )

    source_key: Mapped[str] = field(
        String(120),
        en="Source key",
        zh="来源编号",
        data_class="C2",
        mask="vin",
        editable=False,
        imported=False,
        sort_order=801,
    )
    """Holds the VIN or the plate where the source has no number of its own, so it is masked as they are."""
    vehicle_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_vehicle.id"),
        en="Vehicle",
        zh="承保车辆",
        target="crm_customers.vehicle",
        imported=False,
    )
    insured_state: Mapped[str] = field(
        String(10),
        en="Insured",
        zh="承保情况",
        options=INSURED_STATES,
        default="none",
        imported=False,
        editable=False,
        listed=True,
    )
    insured_until: Mapped[date | None] = field(
        Date, en="Insured until", zh="承保至", imported=False, editable=False, listed=True
    )
    plate: Mapped[str | None] = field(
        String(12),
        en="Plate",
        zh="号牌号码",
        kind="plate",
        data_class="C2",
        aliases=("车牌号码", "车牌"),
        mask="plate",
        listed=True,
    )
    plate_kind: Mapped[str | None] = field(String(20), en="Plate kind", zh="号牌种类")
    vehicle_type: Mapped[str | None] = field(String(60), en="Type", zh="车辆类型")
    brand_model: Mapped[str | None] = field(String(120), en="Make and model", zh="品牌型号", listed=True)
    vin: Mapped[str | None] = field(
        String(20), en="VIN", zh="车架号", kind="vin", data_class="C2", aliases=("VIN", "车辆识别代码"), mask="vin"
    )
    engine_no: Mapped[str | None] = field(String(40), en="Engine number", zh="发动机号", kind="identifier")
    owner_name: Mapped[str | None] = field(
        String(120), en="Owner", zh="车主", aliases=("所有人",), data_class="C2", listed=True
    )
    owner_id_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    owner_id_index: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    phone_masked: Mapped[str | None] = field(
        String(60), en="Phone", zh="电话", data_class="C2", imported=False, editable=False
    )
    address: Mapped[str | None] = field(
        String(300), en="Address", zh="住址", aliases=("地址",), data_class="C2", mask="address"
    )
    county: Mapped[str | None] = field(String(30), en="County", zh="区 / 县", imported=False, editable=False)
    township: Mapped[str | None] = field(
        String(60), en="Township", zh="街道 / 镇", imported=False, editable=False, listed=True
    )
    division_code: Mapped[str | None] = field(
        String(9), en="Division code", zh="区划代码", imported=False, editable=False
    )
    first_registered_on: Mapped[date | None] = field(Date, en="First registered", zh="初次登记日期", listed=True)
    inspection_until: Mapped[date | None] = field(Date, en="Inspection until", zh="检验有效期止")
    ctp_until: Mapped[date | None] = field(Date, en="Compulsory cover until", zh="交强险终止日期")
    usage: Mapped[str | None] = field(String(60), en="Use", zh="使用性质")
    seats: Mapped[int | None] = field(Integer, en="Seats", zh="核定载客")
    tonnage: Mapped[Decimal | None] = field(Numeric(12, 3), en="Tonnage", zh="核定载质量")
    displacement: Mapped[Decimal | None] = field(Numeric(12, 3), en="Displacement", zh="排量")
    state: Mapped[str | None] = field(String(40), en="Registry state", zh="机动车状态", aliases=("状态",))
    insurer: Mapped[str | None] = field(String(80), en="Insurer", zh="承保公司", listed=True)
