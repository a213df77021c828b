"""Jobs that leave a trace, fail, or stop their own process."""

import os
import signal
from pathlib import Path
from typing import Any

from core.errors import NotFoundError


def append(context: Any) -> dict[str, int]:
    """Append a line to a file after some steps, each a safe point; one line is one effect."""
    steps = context.payload.get("steps", 1)
    for step in range(steps):
        context.check()
        context.progress(step + 1, steps, "working")
    with Path(context.payload["file"]).open("a") as file:
        file.write(f"{context.job_id}\n")
    return {"steps": steps}


def fail(context: Any) -> None:
    """Fail as a programming error does."""
    raise ZeroDivisionError("broken on purpose")


def refuse(context: Any) -> None:
    """Fail as an expected error does."""
    raise NotFoundError("gone", "The thing {thing} is gone.", thing="x")


def die(context: Any) -> None:
    """Kill the process that runs it."""
    os.kill(os.getpid(), signal.SIGKILL)


def store(context: Any) -> None:
    """Make one thing of a given name; its effect is one transaction, so that a second run finds it done."""
    from plugins.dummy_good.models import Thing
    from sqlalchemy import select

    name = context.payload["name"]
    with context.suite.database.write(context.actor) as session:
        if session.scalar(select(Thing.id).where(Thing.name == name)) is None:
            session.add(Thing(name=name))
