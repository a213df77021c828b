"""The wiring of the shop, version 1.0."""

from plugins.dummy_shop import jobs
from starlette.responses import PlainTextResponse

from core.api import SIGNED_IN, Job, Label, Permission, Role, Route, Schedule, hookimpl


def hello(request):
    """Say the version of the code that answers."""
    return PlainTextResponse("shop 1.0")


class Shop:
    """Contributions of the plugin."""

    @hookimpl
    def core_routes(self):
        """Declare a page."""
        return [Route("/hello", hello, SIGNED_IN)]

    @hookimpl
    def core_permissions(self):
        """Declare a permission."""
        return [Permission("dummy_shop.order.pack", Label("Pack orders", "打包订单"))]

    @hookimpl
    def core_roles(self):
        """Suggest a role."""
        return [Role("dummy_shop_seller", Label("Seller", "店员"), ("dummy_shop.order.view",))]

    @hookimpl
    def core_jobs(self):
        """Declare the jobs."""
        return [
            Job("dummy_shop.note", jobs.note, Label("Note", "记录")),
            Job("dummy_shop.wait", jobs.wait, Label("Wait", "等待")),
        ]

    @hookimpl
    def core_schedules(self):
        """Declare a job by the clock."""
        return [Schedule("dummy_shop.note", "0 4 * * *", on=False)]


plugin = Shop()
