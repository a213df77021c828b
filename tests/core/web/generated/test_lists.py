"""Generated lists: pages, filters, columns, views, what a reader may see."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest

BOATS = "/demo/boats"


def names(answer: Any) -> list[str]:
    return re.findall(r'class="row-link" href="/demo/boats/\d+">([^<]*)', answer.text)


def link(answer: Any, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', answer.text)
    assert found, f"no link {rel}"
    return found[1].replace("&amp;", "&")


def test_a_list_pages_forward_and_back(signed_in: Any, boats: Any) -> None:
    client = signed_in("bo")

    first = client.get(f"{BOATS}?sort=name")
    second = client.get(link(first, "next"))
    again = client.get(link(second, "prev"))

    assert names(first) == [f"Boat {number:02d}" for number in range(1, 51)]
    assert names(second) == [f"Boat {number:02d}" for number in range(51, 61)]
    assert names(again) == names(first)
    assert "Rows 51–60" in second.text


def test_rows_of_another_branch_are_nowhere(signed_in: Any, boats: Any) -> None:
    client = signed_in("bo")

    assert names(client.get(f"{BOATS}?q=Foreign")) == []
    assert "of 0" in client.get(f"{BOATS}/count?q=Foreign").text
    assert client.get(f"{BOATS}/100").status_code == client.get(f"{BOATS}/9999").status_code == 404


def test_the_count_comes_by_its_own_address(signed_in: Any, boats: Any) -> None:
    client = signed_in("bo")

    assert "of 60" in client.get(f"{BOATS}/count").text
    assert "of 9" in client.get(f"{BOATS}/count?q=premium:<=9.5").text


def test_values_are_written_for_people_and_masked(signed_in: Any, boats: Any) -> None:
    page = signed_in("bo").get(f"{BOATS}?columns=name,premium,kind,phone,owner_id,due_on").text

    assert "60.50</td>" in page
    assert "Sailing boat" in page
    assert "陈美芳" in page
    assert "138****5678" in page
    assert "13812345678" not in page


def test_hidden_fields_are_in_no_output(signed_in: Any, boats: Any) -> None:
    client = signed_in("anna")

    for address in (
        BOATS,
        f"{BOATS}/1",
        f"{BOATS}/1/edit",
        f"{BOATS}?columns=name,secret",
        f"{BOATS}/export?columns=secret",
    ):
        assert "s3cr3t" not in client.get(address).text
    for query in ("?sort=secret", "?q=secret:s3cr3t", "?sort=phone", "?q=phone:138*"):
        assert client.get(BOATS + query).status_code == 422, query


def test_a_wrong_filter_is_explained_and_kept(signed_in: Any, boats: Any) -> None:
    answer = signed_in("bo").get(f"{BOATS}?q=premum:>3")

    assert answer.status_code == 422
    assert 'value="premum:&gt;3"' in answer.text
    assert "Did you mean premium?" in answer.text


def test_chips_remove_one_condition_each(signed_in: Any, boats: Any) -> None:
    page = signed_in("bo").get(f"{BOATS}?q=kind:sail+-name:x+premium:>5").text
    chips = [
        unquote(address).replace("&amp;", "&") for address in re.findall(r'<a href="([^"]+)" aria-label="Remove', page)
    ]

    assert chips == [f"{BOATS}?q=-name:x+premium:>5", f"{BOATS}?q=kind:sail+premium:>5", f"{BOATS}?q=kind:sail+-name:x"]


def test_chosen_columns_and_density_are_kept(signed_in: Any, boats: Any) -> None:
    client = signed_in("bo")

    client.post(f"{BOATS}/columns", data={"columns": ["name", "crew", "nothing"], "density": "comfortable"})
    page = client.get(BOATS).text

    assert re.findall(r'data-label="([^"]+)"', page)[:1] == ["Crew"]
    assert 'class="stacked comfortable"' in page

    client.post(f"{BOATS}/columns", data={"reset": "yes"})
    assert 'data-label="Premium"' in client.get(BOATS).text


def test_a_view_is_saved_shared_and_deleted_only_by_its_owner(signed_in: Any, boats: Any) -> None:
    owner, other = signed_in("bo"), signed_in("mi")

    saved = owner.post(f"{BOATS}/views/new?q=kind:sail&sort=-premium", data={"name": "Sails", "shared": "yes"})
    page = owner.get(saved.headers["location"])
    number = re.search(r"view=(\d+)", saved.headers["location"])

    assert saved.status_code == 303
    assert names(page)[0] == "Boat 60"
    assert "Sails" in other.get(BOATS).text
    assert number
    assert other.post(f"{BOATS}/views/{number[1]}/delete").status_code == 404
    assert owner.post(f"{BOATS}/views/{number[1]}/delete").status_code == 303
    assert "Sails" not in other.get(BOATS).text


def test_a_view_without_name_is_asked_again(signed_in: Any, boats: Any) -> None:
    answer = signed_in("bo").post(f"{BOATS}/views/new?q=kind:sail", data={"name": " "})

    assert answer.status_code == 422
    assert "1 to 80 characters" in answer.text


@pytest.mark.parametrize("path", ["", "/count", "/1", "/1/edit", "/new", "/export", "/views/new"])
def test_without_the_right_nothing_is_shown(signed_in: Any, boats: Any, path: str) -> None:
    assert signed_in("nobody").get(BOATS + path).status_code == 403


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=-1", "?after=99999999999999999999", "?first=0", "?density=x", "?view=zz"]
)
def test_a_broken_address_gives_the_first_page(signed_in: Any, boats: Any, query: str) -> None:
    answer = signed_in("bo").get(BOATS + query)

    assert answer.status_code == 200
    assert len(names(answer)) == 50
