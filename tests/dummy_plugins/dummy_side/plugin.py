"""A button on the page of a thing."""

from core.api import Action, Label, hookimpl


@hookimpl
def core_actions():
    label = Label("Move", "移动")
    return [
        Action("dummy_side.move", "dummy_good.thing", label, "/move/{id}", "dummy_side.thing_place.edit", post=True)
    ]
