"""Exports: the list's own rows as files, safe in spreadsheets, masked, audited, flat in memory."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from core.commands.export import run_export
from core.errors import BanyanError, PermissionDeniedError
from core.registry.export import escape_cell, unescape_cell
from core.security.actors import system_actor
from core.security.models import AuditEntry
from tests.core.registry.sample_models import Boat

BOATS = "/demo/boats"
HOSTILE = [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠x", "'quoted", "''",
    "'", "+8613812345678", "-1", "+1 2", "-1.5", "-1-1", "", "plain", "a,b", 'say "x"', "two\nlines", "'=1", "'-1",
]  # fmt: skip


def table(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def audited(suite: Any) -> list[AuditEntry]:
    with suite.database.read(system_actor("test")) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == "boat.exported")))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_survives_the_way_out_and_back_and_is_no_formula(text: str) -> None:
    cell = escape_cell(text)

    assert unescape_cell(cell) == text
    assert cell[:1] not in set("=@\t\r\n\0＝＋－＠")
    assert cell[:1] not in set("+-") or cell.replace(" ", "").lstrip("+-").replace(".", "").isdigit()


def test_csv_has_the_rows_of_the_filter_in_canonical_form(signed_in: Any, boats: Any, suite: Any) -> None:
    columns = "name,number,premium,due_on,insured,kind,owner_id,phone"
    answer = signed_in("mi").get(f"{BOATS}/export?format=csv&q=premium:<3&sort=-name&columns={columns}")
    head, *rows = table(answer.content)

    assert head[0] == "Boat name"
    assert rows[0] == ["Boat 02", "N02", "2.50", "2026-11-20", "", "Sailing boat", "陈美芳", "13812345678"]
    assert len(rows) == 2
    assert answer.headers["content-disposition"].startswith('attachment; filename="boat-')
    assert "sandbox" in answer.headers["content-security-policy"]
    entry = audited(suite)[-1]
    assert (entry.detail["count"], entry.detail["format"]) == (2, "csv")
    assert entry.detail["query"] == "premium:<3"


def test_without_the_right_to_unmask_the_file_is_masked(suite: Any, boats: Any, tmp_path: Path, people: Any) -> None:
    from core.security.models import Role, User
    from core.security.permissions import give_grant

    with suite.database.write(system_actor("test")) as session:
        role = Role(code="exporter", label_en="x", label_zh="x", permissions=["demo.boat.view", "demo.boat.export"])
        session.add(role)
        session.flush()
        give_grant(session, session.get(User, people.users["nobody"]), role, None)
    run_export(suite, "demo.boat", ("phone",), output=tmp_path / "a.csv", username="nobody")

    assert "13812345678" not in (tmp_path / "a.csv").read_text("utf-8-sig")
    assert "138****5678" in (tmp_path / "a.csv").read_text("utf-8-sig")


def test_export_needs_its_own_right(signed_in: Any, boats: Any, suite: Any) -> None:
    assert signed_in("bo").get(f"{BOATS}/export").status_code == 403
    with pytest.raises(PermissionDeniedError):
        run_export(suite, "demo.boat", username="bo")
    assert audited(suite) == []


def test_xlsx_types_texts_as_texts(suite: Any, boats: Any, tmp_path: Path) -> None:
    import openpyxl

    with suite.database.write(system_actor("test")) as session:
        rows = [
            {"id": 1000 + index, "branch_id": boats["north"], "name": text[:40], "premium": Decimal("-1.50")}
            for index, text in enumerate(HOSTILE[:13])
        ]
        session.execute(insert(Boat), rows)
    file = tmp_path / "boats.xlsx"
    number = run_export(suite, "demo.boat", ("name", "premium", "due_on"), sort=("id",), kind="xlsx", output=file)
    cells = list(openpyxl.load_workbook(file).active.iter_rows(min_row=2))

    assert number == len(cells) == 74
    assert {cell.data_type for row in cells for cell in row[:1]} == {"s"}
    assert cells[0][1].value == 1.5
    assert cells[0][2].value.date() == date(2026, 11, 20)
    assert [row[0].value for row in cells[61:63]] == HOSTILE[:2]


def test_json_and_lines_carry_ids_and_references(suite: Any, boats: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"text": "name:=Foreign", "sort": ("id",)}
    run_export(suite, "demo.boat", ("name", "owner_id", "premium"), kind="json", output=tmp_path / "a", **options)
    run_export(suite, "demo.boat", ("name", "premium"), kind="jsonl", output=tmp_path / "b", sort=("-premium",))

    assert json.loads((tmp_path / "a").read_text()) == [
        {"id": 100, "name": "Foreign", "owner_id": {"id": 1, "title": "陈美芳"}, "premium": None}
    ]
    lines = [json.loads(line) for line in (tmp_path / "b").read_text().splitlines()]
    assert [line["premium"] for line in lines[:2]] == ["60.50", "59.50"]
    assert lines[-1]["premium"] is None
    assert len(lines) == 61


def test_nothing_found_is_still_a_file(suite: Any, boats: Any, tmp_path: Path) -> None:
    run_export(suite, "demo.boat", ("name",), "name:=nobody", kind="json", output=tmp_path / "a")

    assert json.loads((tmp_path / "a").read_text()) == []


def test_ticked_rows_are_exported_but_never_those_of_another_branch(signed_in: Any, boats: Any, suite: Any) -> None:
    import openpyxl

    client = signed_in("mi")
    picked = client.post(f"{BOATS}/bulk?columns=name", data={"action": "export", "ids": ["3", "5", "100", "x"]})
    everything = client.post(
        f"{BOATS}/bulk?columns=name&q=premium:<3", data={"action": "export", "all_matching": "yes"}
    )

    def names(answer: Any) -> set[str]:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        return {row[0] for row in sheet.iter_rows(min_row=2, values_only=True)}

    assert names(picked) == {"Boat 03", "Boat 05"}
    assert names(everything) == {"Boat 01", "Boat 02"}
    assert [entry.detail["count"] for entry in audited(suite)] == [2, 2]
    assert client.post(f"{BOATS}/bulk", data={"action": "delete", "ids": ["3"]}).status_code == 422
    assert client.post(f"{BOATS}/bulk", data={"action": "export"}).status_code == 422


def test_personal_values_of_a_filter_stay_out_of_the_trail(suite: Any, boats: Any, tmp_path: Path) -> None:
    run_export(suite, "demo.boat", ("name",), "phone:13812345678 kind:sail", output=tmp_path / "a.csv")

    assert audited(suite)[-1].detail["query"] == "kind:sail"
    assert "13812345678" not in str(audited(suite)[-1].detail)


@pytest.mark.parametrize("options", [{"kind": "pdf"}, {"fields": ("secret",)}, {"text": "x:1"}, {"sort": ("phone",)}])
def test_a_wrong_wish_is_refused_before_the_trail(suite: Any, boats: Any, tmp_path: Path, options: Any) -> None:
    with pytest.raises(BanyanError):
        run_export(suite, "demo.boat", output=tmp_path / "a", **options)

    assert audited(suite) == []


@pytest.mark.parametrize("query", ["sort=phone", "q=secret:x", "format=pdf"])
def test_a_wrong_address_is_refused_before_the_trail(signed_in: Any, boats: Any, suite: Any, query: str) -> None:
    assert signed_in("mi").get(f"{BOATS}/export?{query}").status_code == 422
    assert audited(suite) == []
