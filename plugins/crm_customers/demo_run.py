"""The demonstration installation: branches of 嘉兴, their staff, and the portfolio through the ordinary import."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random

from sqlalchemy import select

from core.api import (
    Branch,
    Importer,
    JobContext,
    ScopedSession,
    Suite,
    add_branch,
    add_user,
    finished_import,
    give_role,
    mark_demonstration,
    system_actor,
    today_here,
)
from plugins.crm_customers.demo import DemoFile, write_portfolio
from plugins.crm_customers.demo.people import draw_name
from plugins.crm_customers.demo.staff import clerks
from plugins.crm_customers.demo.tables import CITY_BRANCH, County, counties

AREA_CODE = "0573"
ACTOR = system_actor("demonstration data")


def load_demo(suite: Suite, context: JobContext) -> None:
    """Fill a new installation; a run that was cut off goes on where it stood.

    Args:
        suite: The suite.
        context: The job, which is told the progress in file rows and says when to stop.
    """
    with suite.database.write(ACTOR) as session:
        as_of = mark_demonstration(session, today_here())
        make_offices(session)
    context.progress(0, 0, "write files")
    portfolio = write_portfolio(suite.settings.data.folder / "demo", as_of)
    import_files(suite, portfolio.files, context.progress, context.check)
    context.progress(0, 0, "classify")
    _classify(suite, as_of)


def make_offices(session: ScopedSession) -> None:
    """Make the central branch with the county branches below it and their staff, unless they are there.

    The staff have no password: nobody can sign in as one of them until an administrator sets it.
    """
    if session.scalar(select(Branch.id).where(Branch.code == CITY_BRANCH)) is not None:
        return
    city = add_branch(session, CITY_BRANCH, "嘉兴中心支公司", None, AREA_CODE)
    _person(session, "manager", city, Random(CITY_BRANCH), "branch_manager", "crm_customers_totals")  # noqa: S311 -- as below
    for county in counties():
        _staff(session, county, add_branch(session, county.code, f"{county.short}支公司", city, AREA_CODE))


def _staff(session: ScopedSession, county: County, branch: Branch) -> None:
    """The head of a branch, and two clerks who are account managers: each has customers of their own."""
    rng = Random(branch.code)  # noqa: S311 -- made-up names, nothing secret
    _person(session, "manager", branch, rng, "branch_manager")
    for number, (code, name) in enumerate(clerks(county), 1):
        clerk = add_user(session, f"clerk{number}.{branch.code}", name, None, branch)
        clerk.staff_code = code
        give_role(session, clerk, "clerk", branch)


def _person(session: ScopedSession, post: str, branch: Branch, rng: Random, *roles: str) -> None:
    user = add_user(session, f"{post}.{branch.code}", draw_name(rng, rng.choice("mf")), None, branch)
    for role in roles:
        give_role(session, user, role, branch)


def import_files(
    suite: Suite,
    files: list[DemoFile],
    progress: Callable[[int, int, str], None],
    check: Callable[[], None],
) -> None:
    """Import the written files in order.

    Args:
        suite: The suite.
        files: As the portfolio lists them.
        progress: Told rows done, rows in all, and the file.
        check: Called between chunks; raises to stop.
    """
    importer, total, before = Importer(suite), sum(file.rows for file in files), 0

    def stop() -> bool:
        check()
        return False

    for file in files:
        if not finished_import(importer, file.path, file.profile):
            batch = importer.start(ACTOR, file.path, file.path.name, file.profile, file.branch)
            importer.run(batch, _teller(progress, before, total, file.path.name), stop)
        before += file.rows
        progress(before, total, file.path.name)


def _teller(
    progress: Callable[[int, int, str], None], before: int, total: int, name: str
) -> Callable[[str, int, int], None]:
    def tell(phase: str, done: int, _rows: int) -> None:
        if phase == "merge":
            progress(before + done, total, name)

    return tell


def _classify(suite: Suite, as_of: date) -> None:
    from plugins.crm_customers.classify import classify_all

    classify_all(suite.database, as_of)
