"""Wiring: what the plugin contributes through hooks, no logic."""

from __future__ import annotations

from pathlib import Path

from core.api import (
    Action,
    Column,
    Filter,
    ImportTarget,
    Job,
    Label,
    MenuItem,
    Panel,
    Permission,
    Route,
    Schedule,
    Setting,
    hookimpl,
)

from acme_visits import jobs, panels, views
from acme_visits.importing import VisitTarget

CUSTOMER = "crm_customers.customer"
VIEW, EDIT, OVERVIEW = "acme_visits.visit.view", "acme_visits.visit.edit", "acme_visits.overview.view"
TITLE = Label("Visits", "客户走访")
OPEN = Label("Open visits", "未处理走访")


class AcmeVisits:
    """Contributions of the plugin."""

    @hookimpl
    def core_permissions(self) -> list[Permission]:
        """Declare permissions besides those of the models."""
        return [Permission(OVERVIEW, Label("Visits: overview", "客户走访：总览"))]

    @hookimpl
    def core_settings(self) -> list[Setting]:
        """Declare settings."""
        hint = Label("Days after which a visit that was dealt with is forgotten", "已处理的走访保留的天数")
        return [Setting("keep_days", Label("Keep visits (days)", "走访保留天数"), 365, hint)]

    @hookimpl
    def core_routes(self) -> list[Route]:
        """Declare screens beside the generated ones."""
        return [Route("/overview", views.overview, OVERVIEW)]

    @hookimpl
    def core_menu_items(self) -> list[MenuItem]:
        """Declare menu entries besides that of the list."""
        return [MenuItem("acme_visits.overview", TITLE, "/acme_visits/overview", OVERVIEW, "message")]

    @hookimpl
    def core_panels(self) -> list[Panel]:
        """Declare a panel on the page of a customer."""
        template = "acme_visits/visits_panel.html"
        return [Panel("acme_visits.visits", "crm_customers.customer.side", OPEN, template, panels.load_visits, VIEW)]

    @hookimpl
    def core_actions(self) -> list[Action]:
        """Declare a button on the page of a customer."""
        url = "/acme_visits/visits/new?customer_id={id}"
        return [Action("acme_visits.new_visit", CUSTOMER, Label("New visit", "新建走访"), url, EDIT, "message")]

    @hookimpl
    def core_columns(self) -> list[Column]:
        """Declare a column of the list of customers."""
        return [Column(CUSTOMER, "acme_visits_visits", OPEN, panels.load_numbers, "count", VIEW)]

    @hookimpl
    def core_filters(self) -> list[Filter]:
        """Declare a filter of the list of customers."""
        return [Filter(CUSTOMER, "acme_visits_open", OPEN, panels.with_open_visits)]

    @hookimpl
    def core_jobs(self) -> list[Job]:
        """Declare background work."""
        return [Job("acme_visits.forget_old", jobs.forget_old, Label("Forget old visits", "清理过期走访"))]

    @hookimpl
    def core_schedules(self) -> list[Schedule]:
        """Declare when it runs: every night."""
        return [Schedule("acme_visits.forget_old", "20 3 * * *")]

    @hookimpl
    def core_import_targets(self) -> list[type[ImportTarget]]:
        """Declare how visits are imported."""
        return [VisitTarget]

    @hookimpl
    def core_import_profiles(self) -> Path:
        """Declare the folder of shipped profiles."""
        return Path(__file__).parent / "profiles"


plugin = AcmeVisits()
