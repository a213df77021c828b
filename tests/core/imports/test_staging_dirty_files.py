"""Files as branches really send them: staged right, or refused with a reason; rows in = accepted + rejected."""

import datetime as dt
import gzip
import io

import openpyxl
import pytest
import xlwt

from core.errors import ImportFileError
from core.imports.profile_file import parse_profile

HEAD = "保单号,投保人,被保险人,签单保费,签单日期,保险起期,保险止期"
ROW = "610200000000000001,张三,张三,1234.50,2024-01-02,2024-01-03,2025-01-02"
ROW2 = "610200000000000002,李四,李四,800,2024/2/3,20240204,2025年2月3日"
LIST = f"{HEAD}\n{ROW}\n{ROW2}\n"


@pytest.fixture
def policy(shipped):
    return shipped("policy")


def workbook(rows, **sheets) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def premiums(staged):
    return [fields["premium"] for fields in staged.fields("term")]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("gbk", "gb18030"), ("utf-16", "utf-16")],
)
def test_text_is_read_in_its_own_encoding(stage, policy, encoding, expected):
    staged = stage(LIST.encode(encoding), policy)

    assert staged.summary.encoding == expected
    assert [fields["name"] for fields in staged.fields("holder")] == ["张三", "李四"]
    assert premiums(staged) == [123_450, 80_000]


def test_utf16_without_a_mark_is_recognised_by_its_zero_bytes(stage, policy):
    lines = "".join(
        f"{610200000000000000 + n},A{n},B{n},{n}.00,2024-01-02,2024-01-03,2025-01-02\n" for n in range(1, 60)
    )
    staged = stage(f"{HEAD}\n{lines}".encode("utf-16-le"), policy)

    assert (staged.summary.encoding, staged.summary.accepted) == ("utf-16-le", 59)


@pytest.mark.parametrize("name", ["䶮", "㙍", "𠮷", "€"])
def test_characters_outside_gbk_survive_gb18030(stage, policy, name):
    staged = stage(LIST.replace("张三", f"王{name}").encode("gb18030"), policy)

    assert staged.fields("holder")[0]["name"] == f"王{name}"


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", ","])
def test_the_delimiter_is_found(stage, policy, delimiter):
    staged = stage(LIST.replace(",", delimiter), policy, name="list.txt")

    assert (staged.summary.delimiter, staged.summary.accepted) == (delimiter, 2)


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_every_line_end_is_a_line_end(stage, policy, ends):
    assert stage(LIST.replace("\n", ends), policy).summary.accepted == 2


def test_packed_text_is_read_like_plain_text(stage, policy):
    assert stage(gzip.compress(LIST.encode()), policy, name="list.csv.gz").summary.accepted == 2


def test_title_rows_unit_line_totals_and_repeated_headers_are_no_data(stage, policy):
    text = "\n".join([
        "某某财产保险股份有限公司嘉兴中心支公司,,,,,,", "保单清单,,,,,,",
        "单位:万元,,,,,,制表日期:2024-03-01", "", HEAD,
        ROW.replace("1234.50", "0.12"), "小计,,,0.12,,,", "", "保单清单,,,,,,", HEAD, ROW2.replace("800", "0.08"),
        " , ,,,,,", "小计,,,0.08,,,", "合 计：,2,,0.20,,,", "制表人：王五,,,,,复核：赵六,",
    ])  # fmt: skip

    staged = stage(text, policy)

    sheet = staged.summary.sheets[0]
    assert (staged.summary.read, sheet.header_line, sheet.unit) == (2, 5, "10000")
    assert premiums(staged) == [120_000, 80_000]
    assert sheet.dropped == {"total": 3, "blank": 2, "title": 1, "header": 1, "footer": 1}
    assert [(total["kind"], total["stated"], total["agrees"]) for total in sheet.totals] == [
        ("subtotal", 120_000, True), ("subtotal", 80_000, True), ("total", 200_000, True),
    ]  # fmt: skip


def test_a_total_that_disagrees_is_reported(stage, policy):
    totals = stage(LIST + "合计,,,2034.51,,,\n", policy).summary.sheets[0].totals

    assert [(total["stated"], total["found"], total["agrees"]) for total in totals] == [(203_451, 203_450, False)]


def test_a_customer_called_total_with_a_policy_number_is_data(stage, policy):
    text = f"投保人,{HEAD.replace('投保人,', '')}\n合计,610200000000000001,张三,1,2024-01-02,2024-01-03,2025-01-02\n"

    assert stage(text, policy).summary.accepted == 1


def test_a_unit_in_the_header_of_a_column_wins_over_the_unit_line(stage, policy):
    text = "单位：万元\n" + LIST.replace("签单保费", "签单保费（元）")

    assert premiums(stage(text, policy)) == [123_450, 80_000]


def test_two_line_headers_are_read_together(stage, policy):
    text = f"保单号,投保人,被保险人,保费信息,日期,,\n,,,签单保费,签单日期,保险起期,保险止期\n{ROW}\n"

    staged = stage(text, policy)

    assert staged.summary.sheets[0].header_line == 2
    assert premiums(staged) == [123_450]


def test_merged_cells_repeat_their_text_but_amounts_count_once(stage, policy):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["保单清单"])
    sheet.append(HEAD.split(","))
    for number in ("610200000000000001", "610200000000000002"):
        sheet.append([number, "张三", "张三", "100.00", "2024-01-02", "2024-01-03", "2025-01-02"])
    sheet.merge_cells("A1:G1")
    sheet.merge_cells("B3:B4")
    sheet.merge_cells("D3:D4")
    stream = io.BytesIO()
    book.save(stream)

    staged = stage(stream.getvalue(), policy, name="list.xlsx")

    assert [fields["name"] for fields in staged.fields("holder")] == ["张三", "张三"]
    assert premiums(staged) == [10_000, None]


def test_excel_dates_serials_and_numbers_are_read_as_what_they_mean(stage, policy):
    row = ["610200000000000001", "张三", "张三", 1234.5, dt.date(2020, 9, 19), 44093, dt.date(2021, 9, 18)]

    staged = stage(workbook([HEAD.split(","), row]), policy, name="list.xlsx")

    assert premiums(staged) == [123_450]
    assert staged.fields("term")[0]["start_on"] == "2020-09-19"
    assert staged.fields("policy")[0]["end_on"] == "2021-09-18"


def test_old_excel_files_are_read(stage, policy):
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("清单")
    for at, line in enumerate(["保单清单", HEAD, ROW]):
        for column, text in enumerate(line.split(",")):
            sheet.write(at, column, text)
    stream = io.BytesIO()
    book.save(stream)

    staged = stage(stream.getvalue(), policy, name="list.xls")

    assert (staged.summary.kind, staged.summary.accepted) == ("xls", 1)


def test_other_sheets_are_left_out_and_named(stage, policy):
    content = workbook(
        [HEAD.split(","), ROW.split(",")], 说明=[["填写说明"], ["请勿修改"]], 二=[HEAD.split(","), ROW2.split(",")]
    )

    staged = stage(content, policy, name="list.xlsx")

    assert [(sheet.name, sheet.read, bool(sheet.skipped)) for sheet in staged.summary.sheets] == [
        ("Sheet", 1, False), ("说明", 0, True), ("二", 1, False),
    ]  # fmt: skip
    assert [row.row_no for row in staged.rows()] == [1, 2]


@pytest.mark.parametrize("number", [6.1021e21, 610200000000000001, 1234.5])
def test_a_policy_number_stored_as_a_number_is_rejected_never_rounded(stage, policy, number):
    content = workbook([HEAD.split(","), [number, *ROW.split(",")[1:]], ROW2.split(",")])

    staged = stage(content, policy, name="list.xlsx")

    assert staged.error_codes() == [{"precision_lost"}]
    assert staged.summary.accepted == 1


def test_a_shown_exponent_in_text_is_rejected_too(stage, policy):
    assert stage(LIST.replace("610200000000000001", "6.1021E+21"), policy).error_codes() == [{"precision_lost"}]


def test_a_rejected_row_keeps_all_its_errors_and_raw_cells(stage, policy):
    bad = ",张三,张三,abc,19/09/20,2024-01-03,32.13.2025"

    staged = stage(f"{HEAD}\n{ROW}\n{bad}\n", policy)

    (rejected,) = staged.file.rejected()
    assert {(error["column"], error["code"]) for error in rejected.errors} == {
        ("保单号", "value_missing"), ("签单保费", "invalid_amount"),
        ("签单日期", "ambiguous_date"), ("保险止期", "invalid_date"),
    }  # fmt: skip
    assert (rejected.row_no, rejected.line, ",".join(rejected.raw)) == (2, 3, bad)


def test_a_row_with_a_delimiter_too_many_is_rejected_and_a_short_one_is_warned(stage, policy):
    staged = stage(f"{HEAD}\n{ROW},多\n{ROW2.rsplit(',', 1)[0]}\n", policy)

    assert staged.error_codes() == [{"row_too_long"}]
    assert [row.warnings[0]["code"] for row in staged.rows()] == ["row_short"]


def test_a_quoted_cell_may_hold_delimiters_and_line_breaks(stage, policy):
    staged = stage(LIST.replace("李四,李四", '"李,四\n五","李""四"'), policy)

    assert [row.line for row in staged.rows()] == [2, 3]
    assert staged.fields("holder")[1]["name"] == "李,四 五"


REFUSED = {
    "empty": (b"", "list.csv", "file_empty"),
    "unterminated quote": (LIST.replace("张三", '"张三', 1).encode(), "list.csv", "csv_broken"),
    "unterminated quote over many lines": (
        f'{HEAD}\n"{ROW}\n{(ROW2 + chr(10)) * 900}'.encode(),
        "list.csv",
        "csv_broken",
    ),
    "cell longer than a cell can be": (LIST.replace("张三", "张" * 131_073).encode(), "list.csv", "csv_broken"),
    "nul": (LIST.replace("张三", "张\0三").encode(), "list.csv", "not_text"),
    "mojibake": (LIST.replace("张三", "锟斤拷").encode(), "list.csv", "mojibake"),
    "replacement characters": (LIST.replace("张三", "\ufffd").encode(), "list.csv", "mojibake"),
    "html called xls": (b"<html><table><tr><td>1</td></tr></table></html>", "list.xls", "wrong_kind"),
    "pdf called csv": (b"%PDF-1.7 ...", "list.csv", "wrong_kind"),
    "text called xlsx": (LIST.encode(), "list.xlsx", "wrong_kind"),
    "workbook called csv": (workbook([HEAD.split(",")]), "list.csv", "wrong_kind"),
    "no header": (b"a,b,c\n1,2,3\n", "list.csv", "wrong_profile"),
    "required column missing": (LIST.replace("签单保费", "金额").encode(), "list.csv", "wrong_profile"),
    "cut gzip": (gzip.compress(LIST.encode() * 50)[:-20], "list.csv.gz", "file_unreadable"),
    "cut workbook": (workbook([HEAD.split(",")])[:-400], "list.xlsx", "workbook_refused"),
    "broken xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "list.xls", "workbook_refused"),
    "asked-for encoding is wrong": (LIST.encode("gb18030"), "list.csv", "encoding_unknown"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_a_cure(stage, policy, tmp_path, case):
    content, name, code = REFUSED[case]
    options = {"encoding": "utf-8"} if code == "encoding_unknown" else {}

    with pytest.raises(ImportFileError) as problem:
        stage(content, policy, name=name, **options)

    assert problem.value.code == code
    assert problem.value.cure
    assert str(problem.value)
    assert not (tmp_path / "staging.sqlite").exists()


def test_a_total_row_of_a_headerless_file_by_position(stage, catalogue):
    profile = parse_profile(
        {
            "schema": 1, "id": "p", "source": "s", "main": "claim",
            "file": {"header": False, "columns": ["no", "policy", "paid"]},
            "record": [{
                "name": "claim", "model": "crm_customers.claim", "key": ["no"], "fields": {"paid": "paid"},
                "link": {"policy": {"model": "crm_customers.policy", "key": ["policy"], "required": True}},
            }],
        },
        "p.toml", catalogue,
    )  # fmt: skip

    staged = stage("C1,P1,5\nC2,,6\n合计,,11\n", profile)

    assert (staged.summary.accepted, staged.error_codes()) == (1, [{"value_missing"}])
    assert staged.records(staged.rows()[0]) == {"claim": ["C1", {"paid": 500}, {"policy": "P1"}]}
    assert [total["agrees"] for total in staged.summary.sheets[0].totals] == [True]
