"""List the feature ids that the tests prove: `python -m core.testing.features [--write | --check]`."""

from __future__ import annotations

import io
import re
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path

import pytest

FILE = Path("docs/features.md")
AREAS = {
    "CU": "Customers",
    "CL": "Classes",
    "KC": "Key customers",
    "AN": "Analysis",
    "VP": "Vehicles and pricing",
    "SV": "Service",
    "SM": "Messages",
    "SA": "Sales",
    "CA": "Campaigns",
    "IN": "Intermediaries",
    "BL": "Blacklist",
    "CO": "Core",
    "KN": "Knowledge and reports",
    "NS": "Notices",
    "EX": "What peers have",
    "NH": "What no peer has",
}
HEAD = """# Features that tests prove

Generated from the markers of the tests by `python -m core.testing.features --write`; do not edit. An id counts when a
test that carries it runs, most of them from outside: over the command line, over HTTP or in a browser.

"""


class FeatureCollector:
    """A pytest plugin that notes the ids in ``@pytest.mark.feature(…)`` of every collected test that will run."""

    def __init__(self) -> None:
        self.tests: defaultdict[str, set[str]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the ids once all tests are known; a test skipped in any case proves nothing."""
        for item in session.items:
            if item.get_closest_marker("skip"):
                continue
            for marker in item.iter_markers("feature"):
                for feature in marker.args:
                    self.tests[feature].add(item.nodeid.partition("[")[0])


def collect(arguments: list[str]) -> dict[str, set[str]]:
    """Return the tests of each feature id.

    Args:
        arguments: Further arguments of pytest, such as a folder.

    Raises:
        SystemExit: The tests cannot be collected.
    """
    collector = FeatureCollector()
    report = io.StringIO()
    with redirect_stdout(report):
        status = pytest.main(
            ["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", *arguments], plugins=[collector]
        )
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        sys.stderr.write(report.getvalue())
        raise SystemExit(int(status))
    return dict(collector.tests)


def by_area(tests: dict[str, set[str]]) -> dict[str, list[str]]:
    """Return the ids by the letters they start with, in order."""
    areas: defaultdict[str, list[str]] = defaultdict(list)
    for feature in sorted(tests):
        areas[re.split(r"[-\d]", feature)[0]].append(feature)
    return dict(areas)


def page(tests: dict[str, set[str]]) -> str:
    """Return the page of features: one table per area with the tests of each id."""
    parts = [HEAD]
    for area, features in by_area(tests).items():
        parts.append(f"## {AREAS.get(area, area)} ({len(features)})\n\n| id | tests |\n|---|---|\n")
        parts.extend(f"| {feature} | {'<br>'.join(map(_name, sorted(tests[feature])))} |\n" for feature in features)
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def main() -> int:
    """Print the proven ids by area; ``--write`` writes the page, ``--check`` fails when it is stale."""
    options, folders = {"--write", "--check"} & set(sys.argv), [text for text in sys.argv[1:] if text[:2] != "--"]
    tests = collect(folders or ["tests/acceptance"])
    if "--write" in options:
        FILE.write_text(page(tests), encoding="utf-8")
    if options:
        is_current = FILE.exists() and FILE.read_text(encoding="utf-8") == page(tests)
        sys.stderr.write("" if is_current else f"{FILE} is stale: run `make docs`\n")
        return 0 if is_current else 1
    for area, features in by_area(tests).items():
        sys.stdout.write(f"{AREAS.get(area, area)} ({len(features)}): {' '.join(features)}\n")
    sys.stdout.write(f"{len(tests)} features proven by {len(set().union(*tests.values()))} tests\n")
    return 0


def _name(node: str) -> str:
    path, _, test = node.partition("::")
    return f"{Path(path).stem.removeprefix('test_')}: {test.removeprefix('test_').replace('_', ' ')}"


if __name__ == "__main__":
    sys.exit(main())
