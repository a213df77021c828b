"""Jobs: a quick one, one that runs until it is stopped."""

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
