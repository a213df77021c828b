"""The repository as a whole: no machine paths, notices of data, links that lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE = re.compile(
    r"(?<![\w.])/(?:work/[\w.-]+|(?:home|root|Users)/[\w.-]+/)|\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs)"
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)")


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    return [ROOT / line for line in sorted(set(done.stdout.splitlines())) if (ROOT / line).is_file()]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content[:1000] else content.decode("utf-8", errors="replace")


def machine_paths(text: str) -> list[str]:
    return [line for line in text.splitlines() if MACHINE.search(line) and "re.compile" not in line]


def broken_links(page: Path) -> list[str]:
    return [target for target in LINK.findall(page.read_text("utf-8")) if not (page.parent / target).exists()]


def test_no_file_names_a_place_of_one_machine() -> None:
    found = {str(path.relative_to(ROOT)): machine_paths(text_of(path)) for path in tracked()}

    assert {path: lines[:3] for path, lines in found.items() if lines} == {}


def test_a_place_of_one_machine_is_found() -> None:
    assert machine_paths("see /ho" + "me/anna/banyan\nsee /about/work\n") == ["see /ho" + "me/anna/banyan"]


def test_every_file_of_shipped_data_has_a_notice() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    shipped = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("plugins/*/data/*"))]

    assert shipped
    assert [path for path in shipped if path not in notice] == []


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](b.md) [c](page.md) [d](https://example.org/x)")

    assert broken_links(page) == ["b.md"]
