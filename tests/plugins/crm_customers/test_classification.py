"""The class rules and their edges (T5-10, domain facts section 11)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from plugins.crm_customers.class_settings import change_setting, seed_settings
from tests.plugins.crm_customers.class_book import AS_OF, Book, new_book

D = date
NEW_YEAR = D(2026, 1, 1)
A_YEAR_AGO = D(2025, 7, 1)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """One database for all tests of the module: each looks at customers of its own."""
    with new_book(tmp_path_factory.mktemp("book")) as book:
        yield book


@pytest.fixture
def fresh_book(tmp_path: Path) -> Iterator[Book]:
    """A database of its own, for tests that change settings."""
    with new_book(tmp_path) as book:
        yield book


def insured(book: Book, start: date = NEW_YEAR, premium: str = "1000", **values: object) -> tuple[int, int]:
    customer = book.customer()
    return customer, book.policy(customer, start, premium=premium, **values)  # type: ignore[arg-type]  # as named


def long_insured(book: Book, first_year: int = 2020, premium: str = "3650") -> tuple[int, list[int]]:
    """A customer insured without a gap from 1 January of a year to the end of 2026."""
    customer = book.customer()
    policies = [book.policy(customer, D(year, 1, 1), premium=premium) for year in range(first_year, 2027)]
    return customer, policies


class TestRelation:
    def test_a_customer_without_policy_is_unattached_and_to_acquire(self, book: Book) -> None:
        customer = book.customer()
        assert book.class_of(customer) == "unattached"
        assert book.get(customer).link_code == "acquire"

    def test_an_intention_makes_a_lead_to_contact(self, book: Book) -> None:
        customer = book.customer()
        book.mark(customer, "intention")
        assert book.class_of(customer) == "lead"
        assert book.get(customer).link_code == "contact"

    def test_an_intention_that_was_ended_counts_no_more(self, book: Book) -> None:
        customer = book.customer()
        book.mark(customer, "intention", until=D(2026, 6, 29))
        assert book.class_of(customer) == "unattached"

    def test_an_imported_intention_makes_a_lead(self, book: Book) -> None:
        customer = book.customer(intention_on=D(2026, 6, 30))
        assert book.class_of(customer) == "lead"

    def test_the_first_and_the_last_day_of_cover_are_in_force(self, book: Book) -> None:
        begins, _ = insured(book, D(2026, 6, 30))
        ends, _ = insured(book, D(2025, 7, 1))
        book.classify()
        assert [book.get(each).policies_in_force for each in (begins, ends)] == [1, 1]
        assert book.get(ends).next_expiry == D(2026, 6, 30)

    def test_the_day_after_the_last_day_is_a_lapse(self, book: Book) -> None:
        customer, _ = insured(book, D(2025, 6, 30))
        assert book.class_of(customer) == "lead"

    def test_grace_days_hold_a_lapsed_customer(self, fresh_book: Book) -> None:
        customer, _ = insured(fresh_book, D(2025, 6, 30))
        with fresh_book.session() as session:
            change_setting(session, "grace_days", Decimal(1), D(2026, 1, 1), "test")
        assert fresh_book.class_of(customer) == "standard"
        assert fresh_book.class_of(customer, D(2026, 7, 1)) == "lead"

    def test_a_policy_that_begins_later_makes_a_lead(self, book: Book) -> None:
        customer, _ = insured(book, D(2026, 7, 1))
        assert book.class_of(customer) == "lead"

    def test_a_cancellation_ends_cover_before_its_day(self, book: Book) -> None:
        before, _ = insured(book, cancelled_on=D(2026, 7, 1), state="cancelled")
        on_the_day, _ = insured(book, cancelled_on=AS_OF, state="cancelled")
        book.classify()
        assert book.get(before).class_code == "standard"
        assert book.get(before).next_expiry == AS_OF
        assert book.get(on_the_day).class_code == "lead"

    def test_terms_without_dates_are_not_in_force_but_were_insured(self, book: Book) -> None:
        customer = book.customer()
        book.policy(customer, None)
        assert book.class_of(customer) == "lead"
        assert book.get(customer).policies_in_force == 0

    def test_a_missing_end_means_one_year(self, book: Book) -> None:
        customer = book.customer()
        policy = book.policy(customer, D(2025, 7, 1))
        with book.session() as session:
            session.connection().exec_driver_sql(
                f"UPDATE crm_customers_policy_term SET end_on = NULL WHERE policy_id = {policy}"
            )
        assert book.class_of(customer) == "standard"
        assert book.get(customer).next_expiry == D(2026, 6, 30)

    def test_the_insurer_a_customer_left_for_is_filled_where_known(self, book: Book) -> None:
        customer, _ = insured(book, D(2025, 1, 1), next_insurer="平安")
        stays, _ = insured(book, D(2026, 1, 1), next_insurer="平安")
        book.classify()
        assert book.get(customer).lost_to == "平安"
        assert book.get(stays).lost_to is None


class TestEarned:
    @pytest.mark.parametrize(
        ("premium", "start", "end", "earned"),
        [
            ("3650", D(2025, 1, 1), D(2025, 12, 31), "1810.00"),
            ("950", D(2024, 7, 1), D(2025, 6, 30), "950.00"),
            ("3660", D(2023, 7, 1), D(2024, 6, 30), "3660.00"),
            ("100", D(2025, 6, 1), D(2025, 6, 30), "100.00"),
            ("100", D(2025, 6, 30), D(2025, 7, 2), "33.33"),
        ],
    )
    def test_worked_numbers_of_t5_1(self, book: Book, premium: str, start: date, end: date, earned: str) -> None:
        customer = book.customer()
        book.policy(customer, start, end, premium)
        book.classify(D(2025, 7, 1))
        assert book.get(customer).earned == Decimal(earned)

    def test_a_cancelled_policy_earns_its_premium_before_the_refund(self, book: Book) -> None:
        customer = book.customer()
        policy = book.policy(customer, D(2025, 1, 1), premium="3650", state="cancelled", cancelled_on=D(2025, 4, 11))
        book.endorsement(policy, D(2025, 4, 11), "-2650", kind="16")
        book.classify()
        assert book.get(customer).earned == Decimal("1000.00")

    def test_a_cancellation_endorsement_alone_ends_the_policy(self, book: Book) -> None:
        customer = book.customer()
        policy = book.policy(customer, D(2026, 1, 1), premium="3650")
        book.endorsement(policy, D(2026, 4, 11), "-2650", kind="全单退保")
        assert book.class_of(customer) == "lead"
        assert book.get(customer).earned == Decimal("1000.00")
        assert book.get(customer).premium_12m == Decimal("1000.00")

    def test_an_endorsement_earns_from_its_day_to_the_end(self, book: Book) -> None:
        customer = book.customer()
        policy = book.policy(customer, D(2025, 1, 1), premium="3650")
        book.endorsement(policy, D(2025, 12, 22), "100")
        book.classify(D(2025, 12, 27))
        assert book.get(customer).earned == Decimal("3600.00") + Decimal("50.00")

    def test_every_term_of_a_policy_counts(self, book: Book) -> None:
        customer = book.customer()
        terms = [(D(2024, 1, 1), D(2024, 12, 31)), (D(2025, 1, 1), D(2025, 12, 31)), (D(2026, 1, 1), D(2026, 12, 31))]
        book.policy(customer, None, premium="365", terms=terms)
        book.classify()
        assert book.get(customer).policies_in_force == 1
        assert book.get(customer).earned == Decimal("910.00")
        assert book.get(customer).premium_12m == Decimal("365.00")


class TestImportant:
    @pytest.mark.parametrize(("premium", "code"), [("50000.00", "important"), ("49999.99", "standard")])
    def test_the_threshold_is_met_to_the_cent(self, book: Book, premium: str, code: str) -> None:
        customer, policy = insured(book, D(2026, 1, 1), premium)
        book.claim(policy, D(2026, 2, 1), "40000")
        assert book.class_of(customer) == code

    def test_endorsements_count(self, book: Book) -> None:
        customer, policy = insured(book, premium="50000.00")
        book.endorsement(policy, D(2026, 3, 1), "-0.01")
        book.classify()
        assert not book.get(customer).important
        assert book.change(customer, "more_premium") == 1

    @pytest.mark.parametrize(("start", "premium"), [(D(2025, 7, 1), "60000"), (D(2025, 6, 30), "0")])
    def test_the_year_goes_up_to_the_as_of_day(self, book: Book, start: date, premium: str) -> None:
        customer, _ = insured(book, start, "60000")
        book.classify()
        assert book.get(customer).premium_12m == Decimal(premium)

    def test_the_gap_to_important_is_stated(self, book: Book) -> None:
        customer, _ = insured(book, premium="41360")
        book.classify()
        assert book.change(customer, "more_premium") == 8640_00

    def test_a_mark_stands_beside_the_computed_class(self, book: Book) -> None:
        customer, _ = insured(book)
        book.mark(customer, "importance")
        assert book.class_of(customer) == "standard"
        assert book.get(customer).important
        assert book.check(customer, "premium")[2] is False


class TestGoodByRatio:
    def ratio(self, book: Book, incurred: str, start: date = A_YEAR_AGO) -> int:
        customer = book.customer()
        policy = book.policy(customer, start, premium="364000", end=D(2026, 6, 29))
        book.policy(customer, D(2026, 6, 30), premium="0")
        book.claim(policy, D(2025, 8, 1), incurred)
        return customer

    @pytest.mark.parametrize(("incurred", "good"), [("109200.00", True), ("109200.01", False), ("109214.56", False)])
    def test_thirty_percent_is_compared_exactly(self, book: Book, incurred: str, good: bool) -> None:
        customer = self.ratio(book, incurred)
        book.classify()
        assert book.get(customer).good is good

    @pytest.mark.parametrize(("start", "good"), [(D(2025, 7, 1), True), (D(2025, 7, 2), False)])
    def test_twelve_months_insured_are_needed(self, book: Book, start: date, good: bool) -> None:
        customer = self.ratio(book, "1000", start)
        book.classify()
        assert book.get(customer).good is good
        assert book.check(customer, "insured_months") == (12 if good else 11, 12, good)

    def test_two_clean_years_with_31_percent_are_standard(self, book: Book) -> None:
        customer, policies = long_insured(book, 2023, "3650")
        book.claim(policies[0], D(2024, 6, 1), "3960")
        assert book.class_of(customer) == "standard"
        assert book.change(customer, "claim_free_on") == "2027-06-01"

    def test_no_earned_premium_gives_no_ratio(self, book: Book) -> None:
        customer, policies = long_insured(book, 2023, "0")
        book.claim(policies[0], D(2024, 6, 1), "100")
        assert book.class_of(customer) == "standard"
        assert book.check(customer, "loss_ratio") == (None, 300000, False)

    def test_an_edited_threshold_changes_the_next_run(self, fresh_book: Book) -> None:
        customer = self.ratio(fresh_book, "110000")
        with fresh_book.session() as session:
            seed_settings(session)
        fresh_book.classify()
        assert not fresh_book.get(customer).good
        with fresh_book.session() as session:
            change_setting(session, "good_loss_ratio", Decimal("0.31"), D(2026, 6, 1), "circular")
        fresh_book.classify()
        assert fresh_book.get(customer).good
        fresh_book.classify(D(2026, 5, 31))
        assert not fresh_book.get(customer).good


class TestGoodByClaimFreeYears:
    """The customer's cumulative ratio is far above 30 %, so that only the claim-free way is open."""

    def clean_since(self, book: Book, loss: date, first_year: int = 2020) -> int:
        customer, policies = long_insured(book, first_year)
        book.claim(policies[0], loss, "900000")
        return customer

    @pytest.mark.parametrize(("loss", "good"), [(D(2023, 6, 30), True), (D(2023, 7, 1), False)])
    def test_thirty_six_months_count_from_the_day_after_the_loss(self, book: Book, loss: date, good: bool) -> None:
        customer = self.clean_since(book, loss)
        book.classify()
        assert book.get(customer).good is good
        assert book.check(customer, "claim_free") == (36 if good else 35, 36, good)

    @pytest.mark.parametrize(("gap", "good"), [(30, True), (31, False)])
    def test_a_gap_of_thirty_days_does_not_break_cover(self, book: Book, gap: int, good: bool) -> None:
        customer = book.customer()
        last = date.fromordinal(D(2025, 1, 1).toordinal() - gap - 1)
        policy = book.policy(customer, D(2020, 1, 1), last, "1000")
        book.policy(customer, D(2025, 1, 1), D(2026, 12, 31), "1000")
        book.claim(policy, D(2020, 2, 1), "900000")
        book.classify()
        assert book.get(customer).good is good

    def test_cover_itself_must_have_lasted_thirty_six_months(self, book: Book) -> None:
        customer = book.customer()
        book.policy(customer, D(2023, 7, 2), D(2026, 12, 31), "0")
        assert book.class_of(customer) == "standard"
        assert book.class_of(customer, D(2026, 7, 1)) == "good"

    def test_a_claim_without_a_day_leaves_it_unproven(self, book: Book) -> None:
        customer, policies = long_insured(book)
        book.claim(policies[0], None, "900000")
        book.classify()
        assert not book.get(customer).good

    def test_a_lapsed_customer_is_not_good(self, book: Book) -> None:
        customer = book.customer()
        book.policy(customer, D(2020, 1, 1), D(2026, 6, 29), "1000")
        book.classify()
        assert not book.get(customer).good


class TestCredit:
    def test_bad_credit_takes_good_away(self, book: Book) -> None:
        customer, _ = long_insured(book)
        marked, _ = long_insured(book)
        book.mark(marked, "credit", "bad")
        assert book.class_of(customer) == "good"
        assert book.get(marked).class_code == "standard"

    def test_the_latest_mark_beats_the_imported_value(self, book: Book) -> None:
        customer, _ = long_insured(book)
        with book.session() as session:
            session.connection().exec_driver_sql(
                f"UPDATE crm_customers_customer SET credit = 'bad' WHERE id = {customer}"
            )
        assert book.class_of(customer) == "standard"
        book.mark(customer, "credit", "good", D(2026, 6, 1))
        assert book.class_of(customer) == "good"

    @pytest.mark.parametrize(("due", "paid", "good"), [
        (D(2026, 4, 1), "0", True), (D(2026, 3, 31), "0", False), (D(2026, 3, 31), "100", True),
    ])  # fmt: skip
    def test_more_than_ninety_days_overdue_is_not_good(self, book: Book, due: date, paid: str, good: bool) -> None:
        customer, policies = long_insured(book)
        book.receivable(policies[-1], due, "100", paid)
        book.classify()
        assert book.get(customer).good is good
        assert book.get(customer).receivable == Decimal(100) - Decimal(paid)


class TestBlacklist:
    def risky(self, book: Book, amounts: list[str], losses: list[date] | None = None) -> int:
        """Exactly 100,000.00 earned in the window."""
        customer = book.customer()
        policy = book.policy(customer, D(2025, 7, 1), D(2026, 6, 29), "100000")
        for number, amount in enumerate(amounts):
            book.claim(policy, losses[number] if losses else D(2025, 10, 1 + number), "1", str(Decimal(amount) - 1))
        return customer

    @pytest.mark.parametrize(
        ("amounts", "candidate"),
        [
            (["50000", "50000", "50000"], False),
            (["50000", "50000", "50000.01"], True),
            (["50000", "50000", "50010"], True),
            (["450000", "450000"], False),
        ],
    )
    def test_three_claims_and_more_than_150_percent(self, book: Book, amounts: list[str], candidate: bool) -> None:
        customer = self.risky(book, amounts)
        book.classify()
        assert book.get(customer).blacklist_candidate is candidate
        assert book.get(customer).class_code != "blacklist"

    @pytest.mark.parametrize(("oldest", "candidate"), [(D(2025, 7, 1), True), (D(2025, 6, 30), False)])
    def test_the_window_is_twelve_months_up_to_the_day(self, book: Book, oldest: date, candidate: bool) -> None:
        customer = self.risky(book, ["90000", "90000", "90000"], [oldest, D(2026, 1, 1), AS_OF])
        book.classify()
        assert book.get(customer).blacklist_candidate is candidate

    def test_claims_without_any_amount_do_not_count(self, book: Book) -> None:
        customer = self.risky(book, ["450000", "450000"])
        policy = book.policy(customer, D(2025, 7, 1), premium="0")
        book.claim(policy, D(2026, 1, 1))
        book.classify()
        assert not book.get(customer).blacklist_candidate

    def test_without_earned_premium_there_is_no_candidate(self, book: Book) -> None:
        customer, policy = insured(book, premium="0")
        for number in range(3):
            book.claim(policy, D(2026, 2, 1 + number), "1000")
        book.classify()
        assert not book.get(customer).blacklist_candidate

    def test_an_approved_mark_stands_above_important(self, book: Book) -> None:
        customer, _ = insured(book, premium="60000")
        book.mark(customer, "blacklist")
        assert book.class_of(customer) == "blacklist"
        assert book.get(customer).important


class TestLinks:
    """Each insured customer is to keep or to grow (CU-27)."""

    def test_what_ends_soon_is_to_keep(self, book: Book) -> None:
        customer, _ = insured(book, D(2025, 8, 29), "45000")
        book.classify()
        assert book.get(customer).link_code == "keep"

    def test_one_line_group_or_a_small_gap_is_to_grow(self, book: Book) -> None:
        motor, _ = insured(book, line="ctp")
        book.policy(motor, D(2026, 1, 1), premium="10", line="commercial")
        both, _ = insured(book, line="ctp")
        book.policy(both, D(2026, 1, 1), premium="10", line="non_motor")
        near, _ = insured(book, premium="40000", line="ctp")
        book.policy(near, D(2026, 1, 1), premium="0", line="non_motor")
        book.classify()
        assert [book.get(each).link_code for each in (motor, both, near)] == ["grow", "keep", "grow"]

    def test_a_risk_is_never_to_grow(self, book: Book) -> None:
        customer, _ = insured(book, line="ctp")
        book.mark(customer, "blacklist")
        book.classify()
        assert book.get(customer).link_code == "keep"
