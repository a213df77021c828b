"""The frame around a page: side menu, phone tabs, branches to work as, running jobs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select
from starlette.requests import Request

from core.i18n import translate
from core.plugin.contributions import SIGNED_IN, MenuItem
from core.registry.fields import Label
from core.security.actors import Actor, system_actor
from core.security.demonstration import demonstration_day
from core.security.sessions import SignedIn
from core.web.requests import SAFE_METHODS

if TYPE_CHECKING:
    from core.app import Suite

DEMO_SECONDS = 30.0
"""How long the answer that there is no demonstration data holds; the load runs in another process."""
JOBS_SECONDS = 3.0
"""How long the number of a person's running jobs holds on pages; the page of jobs itself counts anew."""
MOST_PEOPLE = 10_000
GROUPS = {"work": "", "analysis": "Analysis", "data": "Data", "admin": "Administration"}
"""Groups of the menu in order, with their heads."""
SETTINGS = "settings"
"""Group whose entries stand on the page of settings instead of in the menu."""


@dataclass(frozen=True)
class Look:
    """What one person sees in the frame of one page.

    Args:
        key: Equal for looks that differ in nothing but ``person`` and ``jobs``.
        person: name, initials and branch_name.
        jobs: How many of the person's jobs wait or run.
        demo: There is demonstration data.
        items: The menu entries, with whether each is marked as the present place.
        branches: (id, name) of the branches the person may switch to.
        home: The branch worked for.
        previews: Titles of the plugins that the person sees on preview there.
    """

    key: tuple[Any, ...]
    person: dict[str, str]
    jobs: int = 0
    demo: bool = False
    items: tuple[tuple[MenuItem, bool], ...] = ()
    branches: tuple[tuple[int, str], ...] = ()
    home: int | None = None
    previews: tuple[Label, ...] = ()

    def context(self, locale: str) -> dict[str, Any]:
        """Return what frame.html needs."""
        return {
            "actor": bool(self.person["name"]),
            "branches": [{"id": number, "name": name, "active": number == self.home} for number, name in self.branches],
            "menu": _groups(self.items, locale),
            "tabs": _tabs(self.items, locale),
            "demo": self.demo,
            "jobs_running": bool(self.jobs),
            "previews": [title.of(locale) for title in self.previews],
        }


NOBODY = Look((), {"name": "", "initials": "", "branch_name": ""})


class Navigation:
    """Knows all menu entries; answers what one person sees on one page.

    Args:
        suite: The application.
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        items = [*suite.plugins.collect("core_menu_items"), *_model_items(suite)]
        items = [each for each in items if each[1].group != SETTINGS]
        items.sort(key=lambda each: (_rank(each[1].group), each[1].order))
        self.items: list[tuple[str, MenuItem]] = items
        self._jobs = JobCounts()

    def look(self, request: Request) -> Look:
        """Return what the person who asks sees around this page."""
        signed = request.state.signed_in
        if signed is None:
            return replace(NOBODY, demo=is_demo(request))
        actor, path = signed.actor, request.url.path
        items = [
            (at, item, _is_here(item, path))
            for at, (owner, item) in enumerate(self.items)
            if self._shown(actor, owner, item)
        ]
        branches = signed.branches if len(signed.branches) > 1 else ()
        home = actor.home_branch_id if branches else None
        demo, jobs = is_demo(request), self._jobs.of(request, actor)
        previews = self._previews(actor)
        return Look(
            (tuple((at, here) for at, _, here in items), branches, home, demo, jobs > 0, previews),
            person(signed),
            jobs,
            demo,
            tuple((item, here) for _, item, here in items),
            branches,
            home,
            previews,
        )

    def entries(self, actor: Actor) -> list[MenuItem]:
        """Return the entries that an actor sees, in order."""
        return [item for owner, item in self.items if self._shown(actor, owner, item)]

    def _previews(self, actor: Actor) -> tuple[Label, ...]:
        states = self._suite.plugins.states
        manifests = (states[name].manifest for name in self._suite.activation.previews(actor))
        return tuple(manifest.title for manifest in manifests if manifest is not None)

    def _shown(self, actor: Actor, plugin_id: str, item: MenuItem) -> bool:
        allowed = item.permission == SIGNED_IN or actor.may(item.permission)
        return allowed and self._suite.activation.shows(plugin_id, actor)


class JobCounts:
    """How many jobs of a person wait or run, asked of the database every few seconds."""

    def __init__(self) -> None:
        self._known: dict[int | None, tuple[float, int]] = {}

    def of(self, request: Request, actor: Actor) -> int:
        """Return the number; right after a change of the person's own it is counted anew."""
        now = time.monotonic()
        due, number = self._known.get(actor.user_id, (0.0, 0))
        session = getattr(request.state, "session", None)
        if session is None or (now < due and request.method in SAFE_METHODS):
            return number
        found = session.connection().execute(_own_jobs(), {"person": actor.user_id}).scalar_one()
        if len(self._known) >= MOST_PEOPLE:
            self._known.clear()
        self._known[actor.user_id] = (now + JOBS_SECONDS, int(found))
        return int(found)


@cache
def _own_jobs() -> Any:
    from core.jobs.models import Job

    jobs = Job.__table__
    mine = (jobs.c.actor_id == bindparam("person"), jobs.c.state.in_(("queued", "running")))
    return select(func.count()).select_from(jobs).where(*mine)


def person(signed: SignedIn) -> dict[str, str]:
    """Return name, initials and branch_name of who is signed in."""
    name = signed.actor.name
    branch = dict(signed.branches).get(signed.actor.home_branch_id or 0, "—")
    return {"name": name, "initials": _initials(name), "branch_name": branch}


def _model_items(suite: Suite) -> list[tuple[str, MenuItem]]:
    return [
        (
            model.owner,
            MenuItem(model.id, model.declaration.plural, model.url, f"{model.id}.view", model.declaration.icon),
        )
        for model in suite.registry
        if model.declaration.menu
    ]


def _groups(items: Iterable[tuple[MenuItem, bool]], locale: str) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for item, here in items:
        groups.setdefault(item.group, []).append(_entry(item, locale, here=here))
    texts = translate(locale)
    return [
        {"label": texts.gettext(head) if (head := GROUPS.get(group, group)) else None, "items": entries}
        for group, entries in groups.items()
    ]


def _tabs(items: Iterable[tuple[MenuItem, bool]], locale: str) -> list[dict[str, Any]]:
    tabs = [_entry(item, locale, here=here) for item, here in items if item.tab][:4]
    more = translate(locale).gettext("More")
    return [*tabs, {"label": more, "url": "#menu", "icon": "menu-2", "active": False}]


def _entry(item: MenuItem, locale: str, *, here: bool) -> dict[str, Any]:
    label = item.label.of(locale)
    return {"label": label, "url": item.url, "icon": item.icon, "active": here, "badge": None, "key": None}


def _is_here(item: MenuItem, path: str) -> bool:
    return path == item.url or (item.url != "/" and path.startswith(item.url + "/"))


def _rank(group: str) -> int:
    names = list(GROUPS)
    return names.index(group) if group in names else len(names) - 2


def _initials(name: str) -> str:
    """Return what stands for a name in a small circle: 周 for 周敏, LM for Li Ming."""
    words = name.split() if name.isascii() else [name]
    return "".join(word[0] for word in words[:2]).upper() if name else ""


def is_demo(request: Request) -> bool:
    """Whether the banner is due; asked of the database until it is, at most twice a minute."""
    state, now = request.app.state, time.monotonic()
    if not getattr(state, "demo", False) and now >= getattr(state, "demo_due", 0.0):
        with state.suite.database.read(system_actor("demonstration banner")) as session:
            state.demo = demonstration_day(session) is not None
        state.demo_due = now + DEMO_SECONDS
    return bool(state.demo)
