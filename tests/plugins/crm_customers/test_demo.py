"""The demonstration portfolio: reproducible, as messy as promised, and true to its own control figures."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zipfile
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from stdnum.cn import ric, uscc
from vininfo import Vin

from plugins.crm_customers.demo import DemoFile, Portfolio, write_portfolio
from plugins.crm_customers.demo.claims import covers
from plugins.crm_customers.demo.companies import organisation_check_digit, uscc_check_digit
from plugins.crm_customers.demo.county_book import CountyBook, CountyPlay
from plugins.crm_customers.demo.faults import FAULTS, UNKNOWN_POLICY
from plugins.crm_customers.demo.people import id_check_digit
from plugins.crm_customers.demo.scene import Scene
from plugins.crm_customers.demo.tables import counties
from plugins.crm_customers.demo.terms import COMPULSORY, Term, last_day
from plugins.crm_customers.demo.vehicles import vin_check_digit

AS_OF = date(2026, 11, 21)
PROFILES = ("customer", "policy", "endorsement", "claim", "receivable", "vehicle_registry")


@pytest.fixture(scope="module")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    return write_portfolio(tmp_path_factory.mktemp("demo"), AS_OF, customers=1600, registry_vehicles=3000)


@pytest.fixture(scope="module")
def book() -> CountyBook:
    """One county of two thousand customers, before any dirt."""
    return CountyPlay(Scene.of(7, AS_OF), counties()[0]).play(2000, [])


def read_text(file: DemoFile) -> str:
    data = file.path.read_bytes()
    data = gzip.decompress(data) if file.path.suffix == ".gz" else data
    return data.decode(file.encoding)


def read_rows(file: DemoFile) -> list[list[str]]:
    if file.encoding == "xlsx":
        sheet = CalamineWorkbook.from_path(str(file.path)).get_sheet_by_index(0)
        return [[str(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    return list(csv.reader(io.StringIO(read_text(file)), delimiter="\t" if file.encoding == "utf-16" else ","))


def header_and_data(file: DemoFile) -> tuple[list[str], list[list[str]]]:
    rows = read_rows(file)
    place = next(i for i, row in enumerate(rows) if sum(bool(cell) for cell in row) >= 5)
    header = rows[place]
    return header, [row for row in rows[place:] if row != header and row[0] not in {"小计", "合计"}]


def of_profile(portfolio: Portfolio, profile: str) -> list[DemoFile]:
    return [file for file in portfolio.files if file.profile == profile]


def digests(portfolio: Portfolio) -> dict[str, str]:
    return {file.path.name: hashlib.sha256(file.path.read_bytes()).hexdigest() for file in portfolio.files}


def test_same_seed_and_day_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_portfolio(tmp_path / "a", AS_OF, 300, 600, seed=5)
    second = write_portfolio(tmp_path / "b", AS_OF, 300, 600, seed=5)

    assert digests(first) == digests(second)
    assert first.control == second.control


def test_another_seed_gives_another_portfolio(tmp_path: Path) -> None:
    first = write_portfolio(tmp_path / "a", AS_OF, 300, 600, seed=5)
    second = write_portfolio(tmp_path / "b", AS_OF, 300, 600, seed=6)

    assert not set(digests(first).values()) & set(digests(second).values())


def test_workbooks_carry_no_clock(portfolio: Portfolio) -> None:
    workbooks = [file.path for file in portfolio.files if file.encoding == "xlsx"]

    years = {info.date_time[0] for path in workbooks for info in zipfile.ZipFile(path).infolist()}

    assert workbooks
    assert years == {1980}


def test_counts_are_those_asked_for(portfolio: Portfolio) -> None:
    control = portfolio.control

    assert control.customers == 1600
    assert control.registry_vehicles == 3000
    assert 0.15 < control.organisations / control.customers < 0.21
    assert 0.3 < control.registry_known / control.registry_vehicles <= 0.4
    assert 20 <= control.managers <= 40
    # 170,000 rows is the budget of the full size: 21,000 customers and 52,000 registry vehicles.
    assert sum(file.rows for file in portfolio.files) < 170_000 * 1600 / 21_000


def test_every_branch_and_profile_has_a_file(portfolio: Portfolio) -> None:
    order = [PROFILES.index(file.profile) for file in portfolio.files]
    policy_branches = {file.branch for file in of_profile(portfolio, "policy")}

    assert order == sorted(order)
    assert set(order) == set(range(len(PROFILES)))
    assert policy_branches == {county.code for county in counties()}


def test_files_hold_the_rows_they_claim_in_the_encoding_they_claim(portfolio: Portfolio) -> None:
    for file in portfolio.files:
        header, data = header_and_data(file)

        assert len(data) == file.rows, file.path.name
        assert len(set(header)) == len(header), file.path.name
        assert all(len(row) == len(header) for row in data), file.path.name


def test_file_kinds_and_encodings_differ(portfolio: Portfolio) -> None:
    encodings = Counter(file.encoding for file in portfolio.files)
    bom = next(file for file in portfolio.files if file.encoding == "utf-8-sig")

    assert set(encodings) == {"gb18030", "utf-8-sig", "utf-16", "xlsx"}
    assert bom.path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert sum(file.path.suffix == ".gz" for file in portfolio.files) >= 1


def test_some_names_need_gb18030(portfolio: Portfolio) -> None:
    def fits_gbk(file: DemoFile) -> bool:
        try:
            read_text(file).encode("gbk")
        except UnicodeEncodeError:
            return False
        return True

    chinese = [file for file in portfolio.files if file.encoding == "gb18030"]

    assert not all(map(fits_gbk, chinese)), "T9-12"


@pytest.mark.parametrize("customers", [0, 10])
def test_a_tiny_portfolio_on_a_leap_day_is_written(tmp_path: Path, customers: int) -> None:
    portfolio = write_portfolio(tmp_path, date(2028, 2, 29), customers, customers)

    assert portfolio.control.customers == customers
    assert all(file.path.exists() for file in portfolio.files)


def test_headers_differ_between_branches(portfolio: Portfolio) -> None:
    headers = {tuple(header_and_data(file)[0]) for file in of_profile(portfolio, "policy")}

    assert len(headers) >= 4


@pytest.mark.parametrize("profile", PROFILES)
def test_every_fault_stands_in_every_file_of_its_profile(portfolio: Portfolio, profile: str) -> None:
    for file in of_profile(portfolio, profile):
        _, data = header_and_data(file)
        found = Counter(cell[:14] if cell.startswith(UNKNOWN_POLICY) else cell for row in data for cell in row)

        assert set(file.rejected) == {fault.reason for fault in FAULTS[profile]}, file.path.name
        for fault in FAULTS[profile]:
            typed = file.encoding == "xlsx" and fault.number is not None
            text = str(fault.number) if typed else fault.text
            assert found[text] >= file.rejected[fault.reason] > 0, (file.path.name, fault.reason)


def test_the_promised_kinds_of_refusal_occur_at_half_a_percent(portfolio: Portfolio) -> None:
    reasons: Counter[str] = Counter()
    for file in portfolio.files:
        reasons.update(file.rejected)

    assert set(reasons) >= {"impossible_date", "ambiguous_date", "precision_lost", "unknown_policy", "bad_amount"}
    # A small portfolio has a few more, because every file shows every kind.
    assert 0.003 < reasons.total() / sum(file.rows for file in portfolio.files) < 0.015


def test_repeated_rows_are_counted(portfolio: Portfolio) -> None:
    for file in portfolio.files:
        _, data = header_and_data(file)
        repeated = sum(number - 1 for number in Counter(map(tuple, data)).values())

        assert repeated >= file.same, file.path.name
    assert sum(file.same for file in portfolio.files) > 0


def test_policies_in_the_files_are_those_of_the_control_figures(portfolio: Portfolio) -> None:
    numbers: set[str] = set()
    for file in of_profile(portfolio, "policy"):
        _, data = header_and_data(file)
        numbers |= {row[0] for row in data if re.fullmatch(r"\d{22}", row[0]) and row[0][14] != "9"}

    assert len(numbers) == portfolio.control.policies


def test_premium_of_a_clean_branch_adds_up_to_its_total_row(portfolio: Portfolio) -> None:
    file = next(file for file in of_profile(portfolio, "policy") if file.encoding == "xlsx")
    header, data = header_and_data(file)
    place = header.index("签单/批改保费")
    good = {tuple(row) for row in data if re.fullmatch(r"6\d{13}[0-8]\d{7}", row[0])}

    total = next(row for row in read_rows(file) if row[0] == "合计")

    assert sum(float(row[place]) for row in good) == pytest.approx(float(total[place]), abs=0.01)


def test_claim_list_in_ten_thousands_says_so(portfolio: Portfolio) -> None:
    file = next(file for file in of_profile(portfolio, "claim") if file.encoding == "utf-16")

    assert ["单位：万元"] in [row[:1] for row in read_rows(file)[:4]]


def test_one_branch_lists_endorsements_among_its_policies(portfolio: Portfolio) -> None:
    file = next(file for file in of_profile(portfolio, "policy") if file.branch == "330481")
    header, data = header_and_data(file)

    inside = [row for row in data if row[header.index("批单号")]]

    assert any("退保" in row[header.index("批改类型")] for row in inside)
    assert "330481" not in {file.branch for file in of_profile(portfolio, "endorsement")}


def test_page_headers_are_repeated(tmp_path: Path) -> None:
    portfolio = write_portfolio(tmp_path, AS_OF, 2400, 100)
    file = next(file for file in of_profile(portfolio, "policy") if file.branch == "330482")

    rows = read_rows(file)

    assert rows.count(header_and_data(file)[0]) >= 2


def test_identity_numbers_are_written_in_the_ways_clerks_write_them(portfolio: Portfolio) -> None:
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for file in of_profile(portfolio, "policy"):
        header, data = header_and_data(file)
        holder = header.index("投保人证件号码")
        name = header.index("投保人")
        for row in data:
            seen[row[holder].strip("'").replace(" ", "").upper()].add(row[name].strip())

    old = {number for number in seen if len(number) == 15}
    full = {number[:6] + number[8:17] for number in seen if len(number) == 18}
    by_name = Counter(name for number, names in seen.items() if len(number) == 18 for name in names)
    assert old & full, "T9-19: one person under the old and the new number"
    assert by_name.most_common(1)[0][1] >= 2, "T9-20: one name, several persons"
    assert any(number.startswith("91") and len(names) >= 2 for number, names in seen.items()), "one USCC, two names"
    assert seen[""], "known by name and phone only"


def test_identifiers_have_right_check_digits(book: CountyBook) -> None:
    persons = [holder.id_number for holder in book.holders if holder.person]
    firms = [holder.id_number for holder in book.holders if not holder.person]

    assert all(ric.calc_check_digit(number) == number[-1] for number in persons)
    assert all(uscc.is_valid(number) for number in firms)
    assert all(organisation_check_digit(number[8:16]) == number[16] for number in firms)
    assert all(Vin(vin).verify_checksum() for vin in book.vehicles)
    assert len(set(persons)) == len(persons)


@pytest.mark.parametrize(
    ("computed", "expected"),
    [
        (id_check_digit("11010519491231002"), "X"),
        (id_check_digit("33040219900307123"), "7"),
        (uscc_check_digit("91440300708461136"), "T"),
        (organisation_check_digit("70846113"), "6"),
        (vin_check_digit("1M8GDM9A0KP042788"), "X"),
    ],
)
def test_check_digits_of_published_numbers(computed: str, expected: str) -> None:
    assert computed == expected


def test_terms_lie_within_five_years_and_nothing_is_signed_later(book: CountyBook) -> None:
    earliest = date(AS_OF.year - 5, AS_OF.month, AS_OF.day)

    assert min(term.start for term in book.terms) >= earliest
    assert max(term.signed for term in book.terms) <= AS_OF
    assert all(term.end == last_day(term.start) for term in book.terms)
    assert len({term.number for term in book.terms}) == len(book.terms)


def test_claims_fall_into_the_cover_they_are_paid_from(book: CountyBook) -> None:
    assert book.claims
    assert all(claim.term.start <= claim.lost <= min(claim.term.end, AS_OF) for claim in book.claims)
    assert all(claim.term.cancelled is None or claim.lost < claim.term.cancelled for claim in book.claims)


@pytest.mark.parametrize("days", [7, 30, 90])
def test_some_policies_expire_soon(book: CountyBook, days: int) -> None:
    due = [term for term in book.terms if AS_OF <= term.end <= AS_OF + timedelta(days=days) and not term.cancelled]

    assert due


def test_renewals_name_the_policy_they_follow(book: CountyBook) -> None:
    by_number = {term.number: term for term in book.terms}

    followers = [term for term in book.terms if term.previous_number]

    assert followers
    assert all(by_number[term.previous_number].end + timedelta(days=1) == term.start for term in followers)


def test_a_new_car_is_charged_the_base_premium(book: CountyBook) -> None:
    new = [term for term in book.terms if term.line is COMPULSORY and term.new_vehicle and term.vehicle]
    family = [t for t in new if t.vehicle and t.vehicle.use == "家庭自用" and t.vehicle.model.kind == "car"]

    assert {term.premium for term in family} == {95_000}


def in_force(term: Term) -> bool:
    return covers(term, AS_OF)


def test_all_customer_classes_occur(book: CountyBook) -> None:
    terms: defaultdict[int, list[Term]] = defaultdict(list)
    losses: defaultdict[int, list[tuple[date, int]]] = defaultdict(list)
    for term in book.terms:
        terms[id(term.holder)].append(term)
    for claim in book.claims:
        losses[id(claim.term.holder)].append((claim.lost, claim.paid + claim.outstanding))
    year, three_years = AS_OF - timedelta(days=365), AS_OF.replace(year=AS_OF.year - 3)

    lapsed = [key for key, own in terms.items() if not any(map(in_force, own))]
    standard = [key for key in terms if key not in set(lapsed)]
    good = [
        key
        for key in standard
        if min(term.start for term in terms[key]) <= three_years and all(day <= three_years for day, _ in losses[key])
    ]
    important = [k for k in standard if sum(t.premium for t in terms[k] if t.start > year) >= 5_000_000]
    black = []
    for key, own in terms.items():
        recent = [amount for day, amount in losses[key] if day > year]
        written = sum(term.premium for term in own if term.end > year)
        if len(recent) >= 3 and sum(recent) > 1.5 * written:
            black.append(key)

    assert lapsed
    assert good
    assert important
    assert black


def test_the_last_loss_of_some_is_exactly_three_years_ago(book: CountyBook) -> None:
    edge = AS_OF.replace(year=AS_OF.year - 3)

    assert any(claim.lost == edge for claim in book.claims)


def test_some_vehicles_have_three_accidents_within_a_year(book: CountyBook) -> None:
    year = AS_OF - timedelta(days=365)
    days: defaultdict[str, set[date]] = defaultdict(set)
    for claim in book.claims:
        if claim.term.vehicle and claim.term.holder.person and claim.lost > year:
            days[claim.term.vehicle.vin].add(claim.lost)

    assert sum(len(found) >= 3 for found in days.values()) >= 3


def test_intermediaries_are_of_several_kinds_with_code_and_name(portfolio: Portfolio) -> None:
    file = of_profile(portfolio, "policy")[0]
    header, data = header_and_data(file)
    columns = [header.index(name) for name in ("代理人代码", "代理人", "终端来源")]

    found = {tuple(row[column] for column in columns) for row in data}

    assert {kind for _, _, kind in found} == {"直销", "专业代理", "兼业代理", "个人代理", "经纪"}
    assert all(re.fullmatch(r"[A-Z]\d{9}", code) and name for code, name, kind in found if kind != "直销")


def test_some_receivables_are_overdue_and_none_is_overpaid(book: CountyBook) -> None:
    assert any(part.due < AS_OF and part.received < part.amount for part in book.instalments)
    assert all(0 <= part.received <= part.amount for part in book.instalments)


def test_prospect_lists_name_their_source(portfolio: Portfolio) -> None:
    lists = [header_and_data(file) for file in of_profile(portfolio, "customer")]

    sources = {row[header.index("客户来源")] for header, data in lists for row in data}

    assert sources == {"黄页", "车商", "担保公司"}


def test_managers_are_staff_code_and_name_in_one(portfolio: Portfolio) -> None:
    header, data = header_and_data(of_profile(portfolio, "policy")[0])
    managers = {row[header.index("业务员")] for row in data}

    assert all(re.fullmatch(r"2\d{8}[^\d]{2,4}", manager) for manager in managers)
