"""Customer classes as the specification's criteria state them (seed 001 §2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from plugins.crm_customers.class_explain import SupposedPolicy, check_lines, explain
from plugins.crm_customers.class_settings import change_setting
from plugins.crm_customers.models import Customer
from tests.plugins.crm_customers.class_book import ACTOR, AS_OF, Book, new_book


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with new_book(tmp_path) as book:
        yield book


def insured_since(book: Book, year: int, premium: str = "1000") -> tuple[int, int]:
    """A customer insured from 1 January of a year without a gap; returns the customer and the first policy."""
    customer = book.customer()
    first, *_ = [book.policy(customer, date(each, 1, 1), premium=premium) for each in range(year, 2027)]
    return customer, first


@pytest.mark.feature("CL-01")
def test_six_customers_show_the_six_classes_with_the_numbers_that_fired(book: Book) -> None:
    unattached, lead = book.customer(), book.customer()
    book.mark(lead, "intention")
    standard, _ = insured_since(book, 2026)
    good, _ = insured_since(book, 2022)
    important, _ = insured_since(book, 2026, "50000")
    listed, _ = insured_since(book, 2026)
    book.mark(listed, "blacklist")
    book.classify()
    customers = (unattached, lead, standard, good, important, listed)
    classes = [book.get(each).class_code for each in customers]
    assert classes == ["unattached", "lead", "standard", "good", "important", "blacklist"]
    fired = {line.code: line for line in check_lines(book.reasons(good), "zh_CN")}
    assert (fired["claim_free"].label, fired["claim_free"].value, fired["claim_free"].passed) == (
        "连续无赔案月数",
        54,
        True,
    )


@pytest.mark.feature("CL-02")
def test_a_prospect_is_unattached_and_not_among_the_insured(book: Book) -> None:
    prospect = book.customer()
    insured_since(book, 2026)
    assert book.class_of(prospect) == "unattached"
    with book.database.read(ACTOR) as session:
        insured = select(func.count()).select_from(Customer).where(Customer.first_insured_on.is_not(None))
        assert session.scalar(insured) == 1


@pytest.mark.feature("CL-06")
def test_a_lapsed_customer_is_a_lead_lost_to_a_competitor(book: Book) -> None:
    customer = book.customer()
    book.policy(customer, date(2025, 6, 1), next_insurer="平安")
    assert book.class_of(customer) == "lead"
    assert book.get(customer).lost_to == "平安"


@pytest.mark.feature("CL-07")
def test_the_first_policy_in_force_makes_standard_and_leaves_history(book: Book) -> None:
    customer = book.customer()
    book.classify(date(2026, 6, 29))
    book.policy(customer, AS_OF)
    assert book.class_of(customer) == "standard"
    assert book.history(customer)[-1] == ("standard", "unattached", AS_OF)


@pytest.mark.feature("CL-08")
@pytest.mark.parametrize(("loss", "code"), [(date(2023, 6, 30), "good"), (date(2024, 6, 30), "standard")])
def test_three_claim_free_years_are_good_two_are_not(book: Book, loss: date, code: str) -> None:
    customer, first = insured_since(book, 2020)
    book.claim(first, loss, "90000")
    assert book.class_of(customer) == code


@pytest.mark.feature("CL-09")
def test_the_loss_ratio_limit_holds_and_can_be_edited(book: Book) -> None:
    customers = []
    for paid in ("300.00", "301.00"):
        customer = book.customer()
        policy = book.policy(customer, date(2025, 7, 1), date(2026, 6, 29), "1000")
        book.policy(customer, AS_OF)
        book.claim(policy, date(2026, 1, 1), paid)
        customers.append(customer)
    book.classify()
    assert [book.get(each).class_code for each in customers] == ["good", "standard"]
    with book.session() as session:
        change_setting(session, "good_loss_ratio", Decimal("0.305"), date(2026, 1, 1), "circular")
    book.classify()
    assert [book.get(each).class_code for each in customers] == ["good", "good"]


@pytest.mark.feature("CL-10")
@pytest.mark.parametrize(("premium", "important"), [("50000.00", True), ("49999.99", False)])
def test_fifty_thousand_of_rolling_premium_is_important(book: Book, premium: str, important: bool) -> None:
    customer, _ = insured_since(book, 2026, premium)
    assert (book.class_of(customer) == "important") is important
    assert book.get(customer).premium_12m == Decimal(premium)


@pytest.mark.feature("CU-26")
def test_each_stage_of_the_life_cycle_has_its_first_day(book: Book) -> None:
    customer, _ = insured_since(book, 2020)
    book.classify()
    assert [(code, since) for code, _, since in book.history(customer)] == [
        ("standard", date(2020, 1, 1)),
        ("good", date(2022, 12, 31)),
    ]


@pytest.mark.feature("CU-27")
def test_each_customer_is_in_one_process_link(book: Book) -> None:
    prospect, lead = book.customer(), book.customer()
    book.mark(lead, "intention")
    single, _ = insured_since(book, 2026)
    ending = book.customer()
    book.policy(ending, date(2025, 8, 1))
    book.classify()
    links = [book.get(each).link_code for each in (prospect, lead, ending, single)]
    assert links == ["acquire", "contact", "keep", "grow"]


@pytest.mark.feature("NH-01")
def test_what_is_missing_to_important_is_stated_and_a_supposed_policy_fills_it(book: Book) -> None:
    customer, _ = insured_since(book, 2026, "37700")
    book.classify()
    assert book.change(customer, "more_premium") == 12_300_00
    with book.database.read(ACTOR) as session:
        after = explain(session, customer, AS_OF, [SupposedPolicy(Decimal(12300), AS_OF)])
    assert after.verdict.class_code == "important"
