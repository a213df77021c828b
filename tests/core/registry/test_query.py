"""List queries: pages in both directions, hidden and masked fields, references, counts, row rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.db.session import Database
from core.errors import InvalidValueError, UnscopedError
from core.plugin.contributions import Column
from core.registry.fields import Label
from core.registry.query import ListDefinition, ListQuery, Page, count, fetch_page, stream
from core.security.actors import Actor
from core.testing.statements import traced
from tests.core.registry.sample_models import sample_registry

REGISTRY = sample_registry()
BOATS = ListDefinition(REGISTRY.get("demo.boat"), REGISTRY)
SORTS = [
    ("id",),
    ("-id",),
    ("name",),
    ("-premium",),
    ("due_on",),
    ("-due_on", "name"),
    ("kind", "-premium"),
    ("-kind", "crew", "-due_on"),
    ("insured", "seen_at", "-id"),
]


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    with traced(database.reader) as seen:
        yield seen


def expected_order(database: Database, sort: tuple[str, ...]) -> list[int]:
    parts = []
    for item in (*sort, "id" if sort[-1][0] != "-" else "-id"):
        name = item.removeprefix("-")
        parts += [f"{name} IS NULL", name + (" DESC" if item[0] == "-" else "")]
    with database.reader.connect() as connection:
        return list(connection.execute(text(f"SELECT id FROM demo_boat ORDER BY {', '.join(parts)}")).scalars())


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_pages_forward_and_backward_give_every_row_once_with_empty_values_last(
    database: Database, system: Actor, sort: tuple[str, ...]
) -> None:
    forward: list[int] = []
    backward: list[int] = []
    with database.read(system) as session:
        page = fetch_page(session, BOATS, ListQuery(("name",), sort=sort, limit=37))
        forward += page.ids
        while page.more_after:
            page = fetch_page(session, BOATS, ListQuery(("name",), sort=sort, after=page.ids[-1], limit=37))
            forward += page.ids
        backward += page.ids
        while page.more_before:
            page = fetch_page(session, BOATS, ListQuery(("name",), sort=sort, before=page.ids[0], limit=37))
            backward = [*page.ids, *backward]
        streamed = [row for piece in stream(session, BOATS, ListQuery(("name",), sort=sort)) for row in piece.ids]

    assert forward == backward == streamed == expected_order(database, sort)


def test_a_page_costs_one_statement_and_one_per_reference(
    database: Database, system: Actor, statements: list[str]
) -> None:
    with database.read(system) as session:
        session.connection()
        statements.clear()  # PostgreSQL is asked once per process whether it guards rows
    with database.read(system) as session:
        page = fetch_page(session, BOATS, ListQuery(("name", "owner_id", "premium"), sort=("name",)))

    assert len(page.ids) == 50
    assert len(statements) == 2
    assert "count(" not in statements[0]
    assert set(page.values["owner_id"]) == {"陈美芳", "吴志强", None}
    assert set(page.references["owner_id"]) == {1, 2, None}


def test_statements_of_an_order_are_built_once_for_all_its_pages(database: Database, system: Actor) -> None:
    definition = ListDefinition(BOATS.model, BOATS.registry)
    query = ListQuery(("name",), sort=("-due_on",), limit=10)
    with database.read(system) as session:
        page = fetch_page(session, definition, query)
        page = fetch_page(session, definition, replace(query, after=page.ids[-1]))
        kept = list(definition.plain)
        following = fetch_page(session, definition, replace(query, after=page.ids[-1]))

    assert list(definition.plain) == kept
    assert set(following.ids).isdisjoint(page.ids)


def test_a_page_far_behind_starts_in_the_index(database: Database, system: Actor, statements: list[str]) -> None:
    if not database.is_sqlite:
        pytest.skip("reads the plan of SQLite; a few hundred rows give PostgreSQL no reason to use an index")
    with database.write(system) as session:
        session.connection().exec_driver_sql("CREATE INDEX ix_due ON demo_boat (due_on)")
    with database.read(system) as session:
        fetch_page(session, BOATS, ListQuery(("name",), sort=("-due_on",), after=100))
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statements[1]).all()

    assert "SEARCH demo_boat USING INDEX ix_due" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


@pytest.mark.parametrize("name", ["secret", "password_hash", "branch", "nothing"])
def test_a_hidden_column_cannot_be_named(database: Database, system: Actor, name: str) -> None:
    with database.read(system) as session, pytest.raises(InvalidValueError, match="has no column"):
        fetch_page(session, BOATS, ListQuery(("name", name)))


@pytest.mark.parametrize("name", ["secret", "phone", "note", "owner_id", "-phone", "version; DROP TABLE demo_boat"])
def test_an_order_that_gives_values_away_is_refused(database: Database, system: Actor, name: str) -> None:
    with database.read(system) as session, pytest.raises(InvalidValueError) as caught:
        fetch_page(session, BOATS, ListQuery(("name",), sort=(name,)))

    assert caught.value.code == "unknown_sort"


def test_masked_values_are_masked_unless_asked_in_full(database: Database, system: Actor) -> None:
    def phones(page: Page) -> set[object]:
        return set(page.values["phone"])

    with database.read(system) as session:
        assert phones(fetch_page(session, BOATS, ListQuery(("phone",)))) == {"138****5678", None}
        assert phones(fetch_page(session, BOATS, ListQuery(("phone",), unmasked=True))) == {"13812345678", None}


def test_a_clerk_sees_and_counts_only_the_own_branch(database: Database, clerk: Actor) -> None:
    with database.read(clerk) as session:
        page = fetch_page(session, BOATS, ListQuery(("branch_id",), limit=200))
        number, capped = count(session, BOATS, ())
        streamed = [row for piece in stream(session, BOATS, ListQuery(("name",))) for row in piece.ids]
        first = fetch_page(session, BOATS, ListQuery(("name",), sort=("name",), limit=1))
        foreign = fetch_page(session, BOATS, ListQuery(("name",), sort=("name",), after=2, limit=1))
        behind = fetch_page(session, BOATS, ListQuery(("name",), sort=("id",), after=2, limit=1))

    assert set(page.values["branch_id"]) == {1}
    assert (number, capped, len(streamed)) == (100, False, 100)
    assert foreign.ids == first.ids, "a cursor row of another branch is as good as none"
    assert set(behind.values["name"])
    assert behind.ids[0] > 2, "the order of the ids needs no row to go on from"


def test_counting_stops_at_the_cap(database: Database, system: Actor) -> None:
    with database.read(system) as session:
        assert count(session, BOATS, (), cap=299) == (299, True)
        assert count(session, BOATS, (), cap=300) == (300, False)
        assert count(session, BOATS, BOATS.filters.parse("kind:sail"), cap=None)[0] < 300


def test_no_list_without_an_actor(database: Database) -> None:
    with database.read(None) as session, pytest.raises(UnscopedError):
        fetch_page(session, BOATS, ListQuery(("name",)))


def test_a_contributed_column_is_filled_once_per_page(database: Database, system: Actor) -> None:
    calls: list[list[int]] = []

    def load_many(_session: object, ids: list[int]) -> dict[int, str]:
        calls.append(ids)
        return {row_id: f"n{row_id}" for row_id in ids if row_id % 2}

    extra = Column("demo.boat", "crm_x_note", Label("Note", "备注"), load_many)
    definition = ListDefinition(REGISTRY.get("demo.boat"), REGISTRY, [extra])
    with database.read(system) as session:
        page = fetch_page(session, definition, ListQuery(("crm_x_note", "name"), sort=("id",), limit=3))

    assert calls == [[1, 2, 3]]
    assert page.values["crm_x_note"] == ["n1", None, "n3"]
