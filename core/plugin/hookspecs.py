"""Every hook of the core: typed, documented, with its kind.

Kinds: **declare** (asked once at start, no database, result is data), **event** (after the fact, isolated per plugin),
**gather** (all answers count, a refusal wins, errors propagate), **first** (first answer wins).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from core.plugin import contributions as given
from core.plugin import import_contributions as imports

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from core.app import Suite
    from core.db.session import ScopedSession
    from core.imports.targets import ImportTarget
    from core.jobs.context import JobContext
    from core.security.actors import Actor

hookspec = pluggy.HookspecMarker("banyan")
hookimpl = pluggy.HookimplMarker("banyan")


class CoreHooks:
    """The hooks that the core calls."""

    @hookspec(historic=True)
    def core_addhooks(self, manager: pluggy.PluginManager) -> None:
        """Declare: add this plugin's own hook specifications to ``manager``."""

    @hookspec
    def core_permissions(self) -> Sequence[given.Permission]:  # type: ignore[empty-body]  # a specification has no body
        """Declare the permissions of this plugin, besides those derived from its models."""

    @hookspec
    def core_roles(self) -> Sequence[given.Role]:  # type: ignore[empty-body]  # a specification has no body
        """Declare suggested roles."""

    @hookspec
    def core_routes(self) -> Sequence[given.Route]:  # type: ignore[empty-body]  # a specification has no body
        """Declare routes, mounted under ``/<plugin>``."""

    @hookspec
    def core_menu_items(self) -> Sequence[given.MenuItem]:  # type: ignore[empty-body]  # a specification has no body
        """Declare menu entries."""

    @hookspec
    def core_slots(self) -> Sequence[given.Slot]:  # type: ignore[empty-body]  # a specification has no body
        """Declare the slots that this plugin's screens render."""

    @hookspec
    def core_panels(self) -> Sequence[given.Panel]:  # type: ignore[empty-body]  # a specification has no body
        """Declare panels for slots."""

    @hookspec
    def core_actions(self) -> Sequence[given.Action]:  # type: ignore[empty-body]  # a specification has no body
        """Declare buttons on the pages of records."""

    @hookspec
    def core_columns(self) -> Sequence[given.Column]:  # type: ignore[empty-body]  # a specification has no body
        """Declare further columns of lists."""

    @hookspec
    def core_filters(self) -> Sequence[given.Filter]:  # type: ignore[empty-body]  # a specification has no body
        """Declare further filters of lists."""

    @hookspec
    def core_list_views(self) -> Sequence[given.ListView]:  # type: ignore[empty-body]  # a specification has no body
        """Declare tabs above lists."""

    @hookspec
    def core_bulk_actions(self) -> Sequence[given.BulkAction]:  # type: ignore[empty-body]  # a specification has no body
        """Declare changes of many records at once, offered above lists."""

    @hookspec
    def core_home_cards(self) -> Sequence[given.HomeCard]:  # type: ignore[empty-body]  # a specification has no body
        """Declare parts of the home page."""

    @hookspec
    def core_search_sources(self) -> Sequence[given.SearchSource]:  # type: ignore[empty-body]  # a specification has no body
        """Declare providers of the search box."""

    @hookspec
    def core_jobs(self) -> Sequence[given.Job]:  # type: ignore[empty-body]  # a specification has no body
        """Declare background functions."""

    @hookspec
    def core_schedules(self) -> Sequence[given.Schedule]:  # type: ignore[empty-body]  # a specification has no body
        """Declare jobs that run by the clock."""

    @hookspec
    def core_import_targets(self) -> Sequence[type[ImportTarget]]:  # type: ignore[empty-body]  # a specification has no body
        """Declare how models are written by imports where a plain table is not enough."""

    @hookspec
    def core_import_profiles(self) -> Path:  # type: ignore[empty-body]  # a specification has no body
        """Declare the folder of import profiles (TOML) that this plugin ships."""

    @hookspec
    def core_after_import(self) -> Sequence[imports.AfterImport]:  # type: ignore[empty-body]  # a specification has no body
        """Declare work that follows an import, inside its last unit of work."""

    @hookspec
    def core_import_doubts(self, session: ScopedSession, batch_id: int, trial: bool) -> imports.ImportDoubts | None:
        """Gather: tell what a person must decide about the rows of an import, such as possible duplicates.

        A dry run asks about each of its chunks, whose rows are rolled back afterwards: with ``trial`` find now what a
        job would find after the import. The session is that of the person who imports.
        """

    @hookspec
    def core_before_undo(self, session: ScopedSession, batch_id: int) -> None:
        """Gather: an import is about to be undone, in this unit of work; mark what must be computed anew."""

    @hookspec
    def core_audit_actions(self) -> Sequence[given.AuditAction]:  # type: ignore[empty-body]  # a specification has no body
        """Declare what this plugin writes into the audit trail, besides the changes of records."""

    @hookspec
    def core_settings(self) -> Sequence[given.Setting]:  # type: ignore[empty-body]  # a specification has no body
        """Declare what administrators can set; read it by ``setting(suite, plugin, name, branch_id)``.

        The nearest value holds: of the branch, of one above it, of the installation, of ``[plugins.<plugin>]`` in the
        configuration file, the default.
        """

    @hookspec
    def core_health_checks(self) -> Sequence[given.HealthCheck]:  # type: ignore[empty-body]  # a specification has no body
        """Declare checks of ``banyan doctor``."""

    @hookspec
    def core_blockers(
        self, session: ScopedSession, action: str, branch_ids: frozenset[int] | None
    ) -> Sequence[given.Blocker] | None:
        """Gather: tell what stands against switching this plugin, or one that it requires, off or out.

        ``action`` is ``disable``, ``preview`` (off for all but administrators) or ``uninstall``; ``branch_ids`` are the
        branches concerned, ``None`` the installation. What this hook raises stands against nothing.
        """

    @hookspec
    def core_commands(self, application: typer.Typer) -> None:
        """Declare: add commands to the command line."""

    @hookspec
    def core_authorize(self, session: ScopedSession, actor: Actor, permission: str, record: Any) -> str | None:
        """Gather: return a reason to refuse an action on a record, or nothing; any refusal wins."""

    @hookspec
    def core_seed(self, session: ScopedSession) -> None:
        """Gather: add the rows every installation starts with, after each upgrade; rows that are there stay."""

    @hookspec
    def core_demo(self, suite: Suite, context: JobContext) -> None:
        """Gather: fill a new installation with demonstration data, in the background job ``core.demo``."""

    @hookspec(firstresult=True)
    def core_reveal(self, session: ScopedSession, model_id: str, row_id: int, field: str) -> str | None:
        """First: return the clear text of a masked field that is stored sealed; right, limit and audit are checked."""

    @hookspec
    def core_user_left(self, session: ScopedSession, user_id: int) -> None:
        """Event: a person was deactivated."""
