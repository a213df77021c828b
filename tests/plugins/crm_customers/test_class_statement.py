"""What the statement decides by itself agrees with the rules in Python, also for terms that say nonsense."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from core.db.session import Database
from plugins.crm_customers.class_settings import thresholds_on
from plugins.crm_customers.class_statement import Statement
from plugins.crm_customers.classification import Day, classify
from plugins.crm_customers.measures import read_figures
from plugins.crm_customers.models import Customer, PolicyTerm
from tests.plugins.crm_customers.class_book import ACTOR, AS_OF, Book

CUSTOMERS = 100


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


def day_near(rng: random.Random) -> date:
    return AS_OF + timedelta(days=rng.randrange(-900, 60))


def messy_policy(book: Book, rng: random.Random, holder: int) -> None:
    """A policy with one to three terms: overlapping, ending before they begin, without a start or an end."""
    starts = [day_near(rng) for _ in range(rng.choice([1, 1, 2, 3]))]
    terms = [(start, start + timedelta(days=rng.choice([364, 364, 179, 0, -1, -40]))) for start in starts]
    state, cancelled = rng.choice([("active", None)] * 4 + [("cancelled", None), ("cancelled", day_near(rng))])
    policy = book.policy(
        holder, None, premium=str(rng.randrange(9_000)), terms=terms, state=state, cancelled_on=cancelled,
        line=rng.choice(["ctp", "non_motor"]), next_insurer=rng.choice([None, "", "平安"]),
    )  # fmt: skip
    if rng.random() < 0.2:
        with book.session() as session:
            missing = rng.choice([{"start_on": None}, {"end_on": None}])
            session.execute(update(PolicyTerm).where(PolicyTerm.policy_id == policy).values(**missing))
    if rng.random() < 0.2:
        book.claim(policy, rng.choice([None, day_near(rng)]), "500")
    if rng.random() < 0.1:
        book.endorsement(policy, rng.choice([None, day_near(rng)]), "-30", rng.choice(["02", "16"]))


def test_stored_figures_are_those_of_the_rules(book: Book) -> None:
    rng = random.Random(7)
    customers = [book.customer(intention_on=rng.choice([None, None, day_near(rng)])) for _ in range(CUSTOMERS)]
    for customer in customers:
        for _ in range(rng.randrange(5)):
            messy_policy(book, rng, customer)
    book.classify()
    with book.database.read(ACTOR) as session:
        day = Day(AS_OF, thresholds_on(session, AS_OF))
        known = read_figures(session.connection(), customers, day)
        for customer in session.scalars(select(Customer)):
            figures = known[customer.id].figures
            verdict = classify(figures, day)
            assert (customer.class_code, customer.good, customer.link_code) == (
                verdict.class_code, verdict.good, verdict.link,
            )  # fmt: skip
            assert (customer.policies_in_force, customer.premium_12m, customer.earned) == (
                figures.in_force, Decimal(figures.premium) / 100, Decimal(figures.earned.cents()) / 100,
            )  # fmt: skip
            expiry = date.fromordinal(figures.next_expiry) if figures.next_expiry else None
            assert (customer.next_expiry, customer.claim_count) == (expiry, figures.claims)


def test_most_customers_are_decided_by_the_statement_alone(book: Book) -> None:
    """Python is for the few that sums leave open; policies in force are counted once, however many terms they have."""
    customer = book.customer()
    for _ in range(3):
        book.policy(customer, None, terms=[(AS_OF, AS_OF + timedelta(days=364))] * 2, premium="100")
    with book.database.read(ACTOR) as session:
        statement = Statement(
            session.connection().dialect.name, Day(AS_OF, thresholds_on(session, AS_OF)), "BETWEEN 1 AND 9"
        )
        cursor = session.connection().connection.cursor()
        cursor.execute(f"SELECT policies_in_force, unsure FROM ({statement.text()}) AS found")
        in_force, unsure = cursor.fetchone()
        assert session.scalar(select(func.count()).select_from(PolicyTerm)) == 6
    assert (in_force, bool(unsure)) == (3, False)
