"""The cyclic collector while rows are read or merged."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_AT = 200_000
"""Objects more than before that wake the cyclic collector; a chunk holds some 50,000, all free after it."""


@contextmanager
def collector_asleep() -> Iterator[None]:
    """Let the cyclic collector sleep until there is reason to wake up.

    Neither reader nor merger leaves cycles, but the collector would look through ten thousands of rows again and again:
    a third of the time of a merge, an eighth of that of reading.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AT, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
