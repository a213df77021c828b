"""Jobs: a quick one, one that runs until it is stopped, a backfill."""

import time
from pathlib import Path
from typing import Any


def note(context: Any) -> None:
    """Append a line to a file; one line is one effect."""
    with Path(context.payload["file"]).open("a") as file:
        file.write(f"{context.payload['number']}\n")


def wait(context: Any) -> None:
    """Run until the file named appears; every step is a safe point."""
    while not Path(context.payload["file"]).exists():
        context.check()
        time.sleep(0.05)


BLOCK = 20_000


def fill(context: Any) -> int:
    """Give orders without a colour one, block by block; what is filled is not touched again."""
    from plugins.dummy_shop.models import Order
    from sqlalchemy import func, select, update

    filled = 0
    with context.suite.database.read(context.actor) as session:
        last = session.scalar(select(func.max(Order.id))) or 0
    for start in range(0, last + 1, BLOCK):
        context.check()
        with context.suite.database.write(context.actor) as session:
            block = (Order.id > start, Order.id <= start + BLOCK, Order.colour.is_(None))
            filled += session.execute(update(Order).where(*block).values(colour="red")).rowcount
        context.progress(min(start + BLOCK, last), last)
    return filled
