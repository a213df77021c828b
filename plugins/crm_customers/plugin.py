"""Wiring of crm_customers: what it contributes through hooks, no logic."""

from __future__ import annotations

from pathlib import Path

import typer

from core.api import (
    AfterImport,
    AuditAction,
    BulkAction,
    Column,
    Filter,
    HomeCard,
    ImportDoubts,
    ImportTarget,
    Job,
    JobContext,
    Label,
    ListView,
    MenuItem,
    Panel,
    Permission,
    Role,
    Route,
    Schedule,
    ScopedSession,
    SearchSource,
    Slot,
    Suite,
    hookimpl,
)
from plugins.crm_customers import (
    after_import,
    bulk_actions,
    class_settings,
    commands,
    duplicate_candidates,
    home_cards,
    jobs,
    list_contributions,
    panels,
    screens,
    search_sources,
    vehicle_states,
    views,
)
from plugins.crm_customers import corrections as corrections  # noqa: PLC0414 -- listens to changes of customers
from plugins.crm_customers.import_doubts import import_doubts
from plugins.crm_customers.importing.claims import ClaimTarget, ReceivableTarget
from plugins.crm_customers.importing.customers import CustomerTarget
from plugins.crm_customers.importing.policies import CoverTarget, EndorsementTarget, PolicyTarget, PolicyTermTarget
from plugins.crm_customers.importing.vehicles import RegistryVehicleTarget, VehicleTarget
from plugins.crm_customers.reveal import reveal_sealed


class CrmCustomers:
    """Contributions of the plugin."""

    @hookimpl
    def core_import_targets(self) -> list[type[ImportTarget]]:
        """Declare how the plugin's models are imported."""
        return [
            CustomerTarget,
            VehicleTarget,
            RegistryVehicleTarget,
            PolicyTarget,
            PolicyTermTarget,
            CoverTarget,
            EndorsementTarget,
            ClaimTarget,
            ReceivableTarget,
        ]

    @hookimpl
    def core_import_profiles(self) -> Path:
        """Declare the folder of shipped profiles."""
        return Path(__file__).parent / "profiles"

    @hookimpl
    def core_commands(self, application: typer.Typer) -> None:
        """Add the plugin's commands."""
        commands.register(application)

    @hookimpl
    def core_jobs(self) -> list[Job]:
        """Declare background work."""
        return [
            Job(
                "crm_customers.classify_changed",
                jobs.classify_changed_customers,
                Label("Classify changed customers", "客户分类（变更）"),
            ),
            Job(
                "crm_customers.classify_all",
                jobs.classify_all_customers,
                Label("Classify all customers", "客户分类（全部）"),
            ),
            Job(
                after_import.FIND_DUPLICATES,
                duplicate_candidates.find_for_batch,
                Label("Find customers that may be one", "查找疑似重复客户"),
            ),
            Job(
                "crm_customers.refresh_registry",
                vehicle_states.refresh_registered_vehicles,
                Label("Renew how registered vehicles are insured", "更新社会车辆承保情况"),
            ),
        ]

    @hookimpl
    def core_schedules(self) -> list[Schedule]:
        """Declare the nightly runs: figures and covers move with time alone."""
        return [
            Schedule("crm_customers.refresh_registry", "40 2 * * *"),
            Schedule("crm_customers.classify_all", "10 3 * * *"),
        ]

    @hookimpl
    def core_import_doubts(self, session: ScopedSession, batch_id: int, trial: bool) -> ImportDoubts:
        """Tell which customers of an import may be one with others."""
        return import_doubts(session, batch_id, trial=trial)

    @hookimpl
    def core_before_undo(self, session: ScopedSession, batch_id: int) -> None:
        """Have the customers of an undone import classified anew."""
        after_import.before_undo(session, batch_id)

    @hookimpl
    def core_after_import(self) -> list[AfterImport]:
        """Declare what follows an import."""
        return after_import.steps()

    @hookimpl
    def core_audit_actions(self) -> list[AuditAction]:
        """Name what the plugin writes into the audit trail."""
        return screens.AUDIT_ACTIONS

    @hookimpl
    def core_permissions(self) -> list[Permission]:
        """Declare permissions besides those of the models."""
        return screens.PERMISSIONS

    @hookimpl
    def core_roles(self) -> list[Role]:
        """Declare suggested roles."""
        return screens.ROLES

    @hookimpl
    def core_routes(self) -> list[Route]:
        """Declare the hand-made screens."""
        return views.routes()

    @hookimpl
    def core_menu_items(self) -> list[MenuItem]:
        """Declare menu entries besides those of the models."""
        return screens.MENU

    @hookimpl
    def core_seed(self, session: ScopedSession) -> None:
        """Add the dated limits of the class rules."""
        class_settings.seed_settings(session)

    @hookimpl
    def core_demo(self, suite: Suite, context: JobContext) -> None:
        """Fill a new installation with the portfolio of 嘉兴."""
        from plugins.crm_customers.demo_run import load_demo  # a web server never needs it

        load_demo(suite, context)

    @hookimpl
    def core_slots(self) -> list[Slot]:
        """Declare where other plugins add to the screens."""
        return screens.SLOTS

    @hookimpl
    def core_panels(self) -> list[Panel]:
        """Declare panels on records."""
        return panels.panels()

    @hookimpl
    def core_columns(self) -> list[Column]:
        """Declare further columns of lists."""
        return list_contributions.columns()

    @hookimpl
    def core_filters(self) -> list[Filter]:
        """Declare further filters of lists."""
        return list_contributions.filters()

    @hookimpl
    def core_list_views(self) -> list[ListView]:
        """Declare tabs above lists."""
        return list_contributions.views()

    @hookimpl
    def core_bulk_actions(self) -> list[BulkAction]:
        """Declare changes of many customers at once."""
        return bulk_actions.actions()

    @hookimpl
    def core_home_cards(self) -> list[HomeCard]:
        """Declare the cards of the home page."""
        return home_cards.cards()

    @hookimpl
    def core_search_sources(self) -> list[SearchSource]:
        """Declare what the search box finds."""
        return search_sources.sources()

    @hookimpl
    def core_reveal(self, session: ScopedSession, model_id: str, row_id: int, field: str) -> str | None:
        """Open values that are stored sealed."""
        return reveal_sealed(session, model_id, row_id, field)


plugin = CrmCustomers()
