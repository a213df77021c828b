"""`make bench`: run every measurement, or those named; each prints one table."""

from __future__ import annotations

import importlib
import sys

ALL = ("import_policies", "pages", "classify", "start")


def main() -> None:
    for name in sys.argv[1:] or ALL:
        print(f"\n== {name}")
        sys.argv = [name]
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
