"""The wiring of the sound plugin: a class instance."""

from plugins.dummy_good import jobs

from core.plugin.contributions import Job, MenuItem, Schedule
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label


class DummyGood:
    """Contributions of the plugin."""

    def __init__(self) -> None:
        self.left: list[int] = []

    @hookimpl
    def core_menu_items(self) -> list[MenuItem]:
        """Declare a menu entry."""
        return [MenuItem("dummy_good.things", Label("Things", "东西"), "/dummy_good/things", "dummy_good.thing.view")]

    @hookimpl
    def core_jobs(self) -> list[Job]:
        """Declare the jobs."""
        return [
            Job("dummy_good.append", jobs.append, Label("Append", "追加")),
            Job("dummy_good.fail", jobs.fail, Label("Fail", "失败")),
            Job("dummy_good.refuse", jobs.refuse, Label("Refuse", "拒绝")),
            Job("dummy_good.store", jobs.store, Label("Store", "保存"), attempts=50),
            Job("dummy_good.die", jobs.die, Label("Die", "退出")),
        ]

    @hookimpl
    def core_schedules(self) -> list[Schedule]:
        """Declare a job by the clock."""
        return [Schedule("dummy_good.append", "30 2 * * *")]

    @hookimpl
    def core_user_left(self, user_id: int) -> None:
        """Remember who left; a negative id is refused."""
        if user_id < 0:
            raise ValueError("no such person")
        self.left.append(user_id)


plugin = DummyGood()
