"""A panel, a column, a home card, a search source, an event and a gather hook: each works unless the mood says so.

The mood is the content of the file that ``BANYAN_TEST_MOOD`` names: words of which each makes one part fail; ``slow``
lets every panel overrun its budget.
"""

import os
from pathlib import Path

import core.plugin.breaker
from core.api import SIGNED_IN, Blocker, Column, HomeCard, Label, Panel, SearchHit, SearchSource, hookimpl

NAME = Label("Faulty", "故障")


def mood(part):
    """Fail if the mood says so."""
    words = Path(os.environ["BANYAN_TEST_MOOD"]).read_text().split()
    core.plugin.breaker.BUDGET_SECONDS = -1.0 if "slow" in words else 2.0
    if part in words:
        raise ZeroDivisionError(f"{part} failed on purpose")


def panel(session, context):
    """Show the record's number."""
    mood("panel")
    return {"name": context["record_id"]}


def card(session, actor):
    """Show who looks."""
    mood("card")
    return {"name": actor.name}


def column(session, ids):
    """Give each row a word."""
    mood("column")
    return dict.fromkeys(ids, "fine")


def find(session, wish, limit):
    """Find the wish itself."""
    mood("search")
    return [SearchHit("/", f"echo {wish}"), SearchHit("/jobs", "another")]


class Faulty:
    """Contributions of the plugin."""

    @hookimpl
    def core_panels(self):
        """Declare the panel."""
        template = "dummy_faulty/panel.html"
        return [Panel("dummy_faulty.panel", "dummy_good.thing.side", NAME, template, panel, "dummy_good.thing.view")]

    @hookimpl
    def core_home_cards(self):
        """Declare the card."""
        return [HomeCard("dummy_faulty.card", "main", NAME, "dummy_faulty/panel.html", card, SIGNED_IN)]

    @hookimpl
    def core_columns(self):
        """Declare the column."""
        return [Column("dummy_good.thing", "dummy_faulty_word", NAME, column, listed=True)]

    @hookimpl
    def core_search_sources(self):
        """Declare the source."""
        return [SearchSource("dummy_faulty.echo", NAME, find, SIGNED_IN)]

    @hookimpl
    def core_user_left(self, user_id):
        """Hear of it."""
        mood("event")

    @hookimpl
    def core_authorize(self, permission):
        """Agree to everything."""
        mood("authorize")

    @hookimpl
    def core_blockers(self, action, branch_ids):
        """Stand in the way while the mood says that something is open."""
        mood("blockers")
        if "documents" not in Path(os.environ["BANYAN_TEST_MOOD"]).read_text():
            return None
        where = "everywhere" if branch_ids is None else "here"
        return [
            Blocker(Label(f"Two documents are open {where}.", "有两份单据未完成。"), Label("Close them.", "请先完成。"))
        ]


plugin = Faulty()
