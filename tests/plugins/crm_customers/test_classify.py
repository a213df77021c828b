"""Runs of the classification: against a slow second implementation, again, for changed customers, with history."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from sqlalchemy import func, select, update

import plugins.crm_customers.models  # noqa: F401 -- maps the tables before they are created
from core.db.session import Database
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.security.models import AuditEntry
from plugins.crm_customers.class_explain import SupposedPolicy, change_lines, check_lines, explain
from plugins.crm_customers.class_settings import SETTINGS, change_setting, seed_settings, thresholds_on
from plugins.crm_customers.class_verdicts import Verdicts
from plugins.crm_customers.classify import classify_changed, classify_customers, mark_changed
from plugins.crm_customers.exposure import add_months, latest_start
from plugins.crm_customers.marks import Mark, end_mark, set_mark
from plugins.crm_customers.models import ClassDue, Customer, PolicyTerm
from tests.plugins.crm_customers.class_book import ACTOR, AS_OF, Book, dump
from tests.plugins.crm_customers.class_reference import RefPolicy, reference

D = date


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


def random_policy(rng: random.Random) -> RefPolicy:
    start = D(2019, 1, 1) + timedelta(days=rng.randrange(2790))
    days = rng.choice([365, 365, 365, 366, 180, 30, 730])
    end = start + timedelta(days=days - 1)
    policy = RefPolicy(start, end, rng.choice([0, 95_000, 4_999_999, 5_000_000, rng.randrange(1, 3_000_000)]))
    if rng.random() < 0.15:
        policy.cancelled = start + timedelta(days=rng.randrange(days))
        policy.refund = -rng.randrange(policy.premium + 1)
    if rng.random() < 0.2:
        policy.endorsements = [(start + timedelta(days=rng.randrange(days)), rng.randrange(-5_000, 50_000))]
    for _ in range(rng.choice([0, 0, 0, 1, 1, 3])):
        loss = start + timedelta(days=rng.randrange(days))
        policy.claims.append((loss, rng.choice([0, rng.randrange(1, 3_000_000), policy.premium * 3 // 10])))
    policy.line = rng.choice(["ctp", "commercial", "non_motor"])
    return policy


def store(book: Book, policies: list[RefPolicy]) -> int:
    customer = book.customer()
    for each in policies:
        state = "cancelled" if each.cancelled else "active"
        premium = str(Decimal(each.premium) / 100)
        policy = book.policy(
            customer, each.start, each.end, premium, state=state, cancelled_on=each.cancelled, line=each.line
        )
        if each.cancelled:
            book.endorsement(policy, each.cancelled, str(Decimal(each.refund) / 100), "16")
        for day, change in each.endorsements:
            book.endorsement(policy, day, str(Decimal(change) / 100))
        for day, amount in each.claims:
            book.claim(policy, day, str(Decimal(amount) / 100))
    return customer


def test_random_histories_agree_with_the_slow_reference(book: Book) -> None:
    rng = random.Random(20260630)
    histories = {}
    for _ in range(120):
        policies = [random_policy(rng) for _ in range(rng.randrange(6))]
        histories[store(book, policies)] = policies
    book.classify(chunk=50)
    for customer, policies in histories.items():
        found = book.get(customer)
        expected = reference(policies, AS_OF)
        expected["premium_12m"] = Decimal(str(expected.pop("premium"))) / 100
        for name in ("earned", "incurred"):
            expected[name] = Decimal(str(expected[name])) / 100
        assert {name: getattr(found, name) for name in expected} == expected, policies


def test_a_second_run_changes_nothing(book: Book) -> None:
    rng = random.Random(1)
    for _ in range(10):
        store(book, [random_policy(rng) for _ in range(3)])
    first = book.classify()
    with book.database.read(ACTOR) as session:
        before = dump(session)
    second = book.classify()
    with book.database.read(ACTOR) as session:
        assert dump(session) == before
    assert (first.changed, second.changed, second.customers) == (10, 0, 10)
    assert second.by_class == first.by_class


def test_changed_customers_get_what_a_full_run_gives(book: Book) -> None:
    rng = random.Random(2)
    customers = [store(book, [random_policy(rng) for _ in range(3)]) for _ in range(10)]
    book.classify()
    policy = book.policy(customers[3], D(2026, 6, 1), premium="70000")
    book.claim(policy, D(2026, 6, 2), "100")
    with book.session() as session:
        mark_changed(session, [customers[3]])
    result = classify_changed(book.database, AS_OF)
    with book.database.read(ACTOR) as session:
        incremental = dump(session)
    assert result.customers == result.changed == 1
    assert book.classify().changed == 0
    with book.database.read(ACTOR) as session:
        assert dump(session) == incremental
    assert book.get(customers[3]).class_code == "important"


def test_given_customers_are_classified_in_the_callers_unit_of_work(book: Book) -> None:
    customer = book.customer()
    book.policy(customer, D(2026, 1, 1))
    with book.session() as session:
        classify_customers(session, [customer], AS_OF)
        session.rollback()
    assert book.get(customer).class_since is None


def test_cover_that_ended_is_found_without_a_mark(book: Book) -> None:
    customer = book.customer()
    book.policy(customer, D(2026, 1, 1))
    book.classify()
    assert classify_changed(book.database, D(2026, 12, 31)).customers == 0
    assert classify_changed(book.database, D(2027, 1, 1)).by_class == {"lead": 1}
    assert book.history(customer)[-1] == ("lead", "standard", D(2027, 1, 1))


def test_history_starts_at_the_true_days_of_imported_facts(book: Book) -> None:
    lapsed, clean = book.customer(), book.customer()
    book.policy(lapsed, D(2024, 1, 1))
    for year in range(2018, 2027):
        book.policy(clean, D(year, 1, 1), premium="100")
    book.classify()
    assert book.history(lapsed) == [("standard", None, D(2024, 1, 1)), ("lead", "standard", D(2025, 1, 1))]
    assert book.history(clean) == [("standard", None, D(2018, 1, 1)), ("good", "standard", D(2020, 12, 31))]
    assert book.get(clean).class_since == D(2020, 12, 31)


def test_history_grows_only_when_the_headline_changes(book: Book) -> None:
    customer = book.customer()
    book.classify()
    policy = book.policy(customer, D(2026, 6, 30), premium="100")
    book.classify()
    book.claim(policy, D(2026, 6, 30), "5")
    book.classify()
    assert book.history(customer) == [("unattached", None, AS_OF), ("standard", "unattached", AS_OF)]


def test_a_merged_customer_is_left_alone(book: Book) -> None:
    keeper = book.customer()
    book.customer(merged_into_id=keeper)
    assert book.classify().customers == 1


def test_a_run_leaves_one_audit_line_with_its_counts(book: Book) -> None:
    book.customer()
    book.classify()
    with book.database.read(ACTOR) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "customer.classify")).one()
        assert entry.detail["by_class"] == {"unattached": 1}


def test_a_killed_run_is_finished_by_the_next(book: Book) -> None:
    customers = [book.customer() for _ in range(4)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        book.classify(chunk=2, progress=stop)
    assert [book.get(each).class_since is None for each in customers] == [False, False, True, True]
    assert book.classify(chunk=2).changed == 2
    assert classify_changed(book.database, AS_OF).customers == 0


def import_premium(book: Book, customer: int) -> None:
    """Make a customer important, and leave the classification to the next run, as an import does."""
    policy = book.policy(customer, D(2026, 6, 1), premium="0")
    with book.session() as session:
        term = session.scalars(select(PolicyTerm).where(PolicyTerm.policy_id == policy)).one()
        term.premium = Decimal(70000)
        mark_changed(session, [customer, customer])


def test_facts_that_are_committed_while_a_chunk_runs_are_left_for_the_next_run(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL commits them between reading and writing the chunk, SQLite makes them wait for its end."""
    customer = book.customer()
    book.classify()
    with book.session() as session:
        mark_changed(session, [customer])
    imports = Thread(target=import_premium, args=(book, customer))
    settle = Verdicts.settle

    def settle_meanwhile(verdicts: Verdicts) -> None:
        imports.start()
        if not book.database.is_sqlite:
            imports.join()
        settle(verdicts)

    with monkeypatch.context() as patch:
        patch.setattr(Verdicts, "settle", settle_meanwhile)
        assert classify_changed(book.database, AS_OF, chunk=1).customers == 1
    imports.join()
    assert book.get(customer).class_code == "unattached"
    assert classify_changed(book.database, AS_OF).changed == 1
    assert book.get(customer).class_code == "important"
    assert classify_changed(book.database, AS_OF).customers == 0


def test_facts_of_a_chunk_that_is_done_are_left_for_the_next_run(book: Book) -> None:
    customers = [book.customer() for _ in range(2)]
    book.classify(chunk=1, progress=lambda done, total: done == 1 and import_premium(book, customers[0]))
    assert book.get(customers[0]).class_code == "unattached"
    assert classify_changed(book.database, AS_OF).changed == 1
    assert book.get(customers[0]).class_code == "important"


def test_a_full_run_does_what_was_left_for_the_next(book: Book) -> None:
    customer = book.customer()
    book.classify()
    import_premium(book, customer)
    assert book.classify().changed == 1
    assert classify_changed(book.database, AS_OF).customers == 0


def test_a_customer_who_is_gone_is_no_longer_left(book: Book) -> None:
    with book.session() as session:
        mark_changed(session, [4711])
    assert classify_changed(book.database, AS_OF).customers == 0
    with book.database.read(ACTOR) as session:
        assert session.scalar(select(func.count()).select_from(ClassDue)) == 0


def test_a_supposed_policy_shows_what_it_would_make(book: Book) -> None:
    customer = book.customer()
    book.policy(customer, D(2026, 1, 1), premium="41360")
    book.classify()
    with book.database.read(ACTOR) as session:
        supposed = explain(session, customer, AS_OF, [SupposedPolicy(Decimal("8640.00"), AS_OF)])
        short = explain(session, customer, AS_OF, [SupposedPolicy(Decimal("8639.99"), AS_OF)])
        with pytest.raises(NotFoundError):
            explain(session, 999, AS_OF)
    assert supposed.verdict.class_code == "important"
    assert short.verdict.class_code != "important"
    assert book.get(customer).class_code != "important"


def test_reasons_read_in_both_languages(book: Book) -> None:
    customer = book.customer()
    book.policy(customer, D(2026, 1, 1), premium="41360")
    book.classify()
    reasons = book.reasons(customer)
    premium = next(line for line in check_lines(reasons, "zh_CN") if line.code == "premium")
    assert (premium.label, premium.value, premium.limit, premium.passed) == (
        "12 个月保费", Decimal("41360.00"), Decimal("50000.00"), False,
    )  # fmt: skip
    gap = next(line for line in change_lines(reasons, "en") if line.code == "more_premium")
    assert (gap.value, gap.target) == (Decimal("8640.00"), "important")


def test_marks_set_by_hand_need_reason_and_a_second_person(book: Book) -> None:
    customer = book.customer()
    with book.session() as session:
        with pytest.raises(InvalidInputError) as refused:
            set_mark(session, customer, Mark("blacklist", AS_OF, approved_by=ACTOR.name), AS_OF)
        assert set(refused.value.fields) == {"reason", "approved_by"}
        set_mark(session, customer, Mark("blacklist", AS_OF, reason="fraud", approved_by="王"), AS_OF)
    assert book.get(customer).class_code == "blacklist"
    with book.session() as session:
        end_mark(session, customer, "blacklist", AS_OF + timedelta(days=1), "released")
        with pytest.raises(ConflictError):
            end_mark(session, customer, "blacklist", AS_OF + timedelta(days=1))
    assert book.get(customer).class_code == "unattached"


def test_an_intention_can_be_set_and_ended(book: Book) -> None:
    customer = book.customer()
    with book.session() as session:
        set_mark(session, customer, Mark("intention", AS_OF), AS_OF)
    assert book.get(customer).class_code == "lead"
    assert book.get(customer).intention_on == AS_OF
    with book.session() as session:
        end_mark(session, customer, "intention", AS_OF)
    assert book.get(customer).class_code == "unattached"


def test_settings_are_seeded_once_and_read_by_day(book: Book) -> None:
    with book.session() as session:
        assert seed_settings(session) == len(SETTINGS)
        change_setting(session, "important_premium", Decimal(60000), D(2026, 7, 1), "circular")
        assert seed_settings(session) == 0
        assert thresholds_on(session, D(2026, 6, 30)).important_premium == 50_000_00
        assert thresholds_on(session, D(2026, 7, 1)).important_premium == 60_000_00
        with pytest.raises(NotFoundError):
            change_setting(session, "unknown", Decimal(1), AS_OF, "")
    with pytest.raises(InvalidInputError), book.session() as session:
        change_setting(session, "grace_days", Decimal("0.5"), AS_OF, "")


def test_facts_changed_outside_are_picked_up_by_a_full_run(book: Book) -> None:
    customer = book.customer()
    book.classify()
    with book.session() as session:
        session.execute(update(Customer).where(Customer.id == customer).values(intention_on=AS_OF))
    assert book.class_of(customer) == "lead"


@pytest.mark.parametrize("months", [12, 36])
def test_the_latest_start_is_the_last_day_from_which_the_months_are_complete(months: int) -> None:
    for offset in range(4 * 366):
        day = D(2024, 1, 1) + timedelta(days=offset)
        start = latest_start(day, months)
        assert add_months(start, months) <= day < add_months(start + timedelta(days=1), months)
