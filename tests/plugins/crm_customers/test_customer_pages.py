"""Pages of the customer list in the order of their ids: everybody's own customers, each once, forward and backward."""

from __future__ import annotations

import pytest

from core.registry.definitions import definition_of
from core.registry.query import ListQuery, count, fetch_page
from core.security.actors import Actor
from plugins.crm_customers.models import CustomerBranch
from tests.plugins.crm_customers.conftest import STARTED, Office


@pytest.fixture
def book(office: Office) -> dict[str, list[int]]:
    """Fifteen customers; every third of both branches, every fifth with a second role in the north."""
    known: dict[str, list[int]] = {"north": [], "south": []}
    for at in range(15):
        places = ("north", "south") if at % 3 == 0 else (("north",) if at % 2 else ("south",))
        number = office.customer(f"客户{at}", *places)
        for place in places:
            known[place].append(number)
        if at % 5 == 0 and "north" in places:
            second = {"branch_id": office.branches["north"], "role": "service", "since": STARTED}
            office.add(CustomerBranch(customer_id=number, **second))
    return known


def read(office: Office, actor: Actor, *, sort: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Return the ids page by page to the end, and back again."""
    definition = definition_of(office.suite, office.suite.registry.get("crm_customers.customer"), actor)
    with office.suite.database.read(actor) as session:
        page = fetch_page(session, definition, ListQuery(("name",), sort=sort, limit=4))
        forward = list(page.ids)
        while page.more_after:
            page = fetch_page(session, definition, ListQuery(("name",), sort=sort, limit=4, after=page.ids[-1]))
            forward += page.ids
        backward = list(page.ids)
        while page.more_before:
            page = fetch_page(session, definition, ListQuery(("name",), sort=sort, limit=4, before=page.ids[0]))
            backward = [*page.ids, *backward]
    return forward, backward


@pytest.mark.parametrize("sort", [(), ("id",)])
@pytest.mark.parametrize("places", [("north",), ("south",), ("north", "south")])
def test_pages_hold_each_own_customer_once(office, book, places, sort):
    actor = Actor(1, "Bo", frozenset({"*.view"}), frozenset(office.branches[place] for place in places))
    expected = sorted({number for place in places for number in book[place]}, reverse=not sort)

    forward, backward = read(office, actor, sort=sort)

    assert forward == backward == expected


@pytest.mark.parametrize("places", [("north",), ("north", "south")])
def test_the_count_is_that_of_the_pages(office, book, places):
    actor = Actor(1, "Bo", frozenset({"*.view"}), frozenset(office.branches[place] for place in places))
    definition = definition_of(office.suite, office.suite.registry.get("crm_customers.customer"), actor)
    with office.suite.database.read(actor) as session:
        number, capped = count(session, definition, ())

    assert (number, capped) == (len({each for place in places for each in book[place]}), False)


def test_somebody_without_branches_sees_nobody(office, book):
    assert read(office, Actor(1, "Bo", frozenset({"*.view"})), sort=()) == ([], [])
