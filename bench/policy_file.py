"""A core-system policy list of any size: 24 columns, Chinese, seeded, one customer on three policies."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from core.values.resident_id import check_character

HEADER = (
    "保单号", "投保单号", "险类", "险种", "投保人", "投保人证件类型", "投保人证件号码", "被保险人", "联系电话", "地址", "车牌号码", "车架号",
    "发动机号", "厂牌型号", "初登日期", "座位数", "使用性质", "新车购置价", "保险金额", "签单保费", "签单日期", "保险起期", "保险止期", "业务员",
)  # fmt: skip
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂"
TOWNS = ("凤桥镇", "余新镇", "新丰镇", "大桥镇", "七星街道", "建设街道", "解放街道", "南湖街道")
VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


def write_policies(file: Path, policies: int, seed: int = 7) -> None:
    """Write a UTF-8 CSV of ``policies`` rows for a third as many customers."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(rows(policies, seed))


def rows(policies: int, seed: int) -> Iterator[tuple[str, ...]]:
    chance = random.Random(seed)
    people = [person(chance, number) for number in range(customers(policies))]
    first = date(2025, 1, 1)
    for number in range(policies):
        name, identity, phone, address = people[number % len(people)]
        manager = number % len(people) % 40
        start = first + timedelta(days=chance.randrange(365))
        vin = "L" + "".join(chance.choices(VIN, k=16))
        yield (
            f"6102101030{number:012d}", f"T{number:012d}", "商业险", "机动车商业险", name, "居民身份证", identity, name, phone, address,
            f"浙F{chance.randrange(100000):05d}", vin, f"E{number:08d}", "大众牌SVW7183", "2020-05-01", "5", "家庭自用",
            f"{chance.randrange(50_000, 300_000)}.00", "1000000.00", f"{chance.randrange(800, 9_000)}.{chance.randrange(100):02d}",
            (start - timedelta(days=9)).isoformat(), start.isoformat(), (start.replace(year=start.year + 1)).isoformat(),
            f"2000400{manager:02d}王某",
        )  # fmt: skip


def customers(policies: int) -> int:
    """Number of customers who hold them."""
    return policies // 3


def person(chance: random.Random, number: int) -> tuple[str, str, str, str]:
    name = chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=2))
    born = date(1950, 1, 1) + timedelta(days=chance.randrange(19_000))
    body = f"330402{born:%Y%m%d}{number % 1000:03d}"
    phone = f"13{chance.randrange(10)}{number % 100_000_000:08d}"
    return name, body + check_character(body), phone, f"嘉兴市南湖区{chance.choice(TOWNS)}{chance.randrange(1, 400)}号"
