"""The history of a record: who changed what, as far as the reader may see it."""

from __future__ import annotations

from typing import Any

BOAT = "/demo/boats/7"


def changed(client: Any, **values: str) -> None:
    answer = client.patch(f"/api/v1{BOAT}", json=values)
    assert answer.status_code == 200, answer.text


def test_a_record_tells_who_changed_what(signed_in: Any, boats: Any) -> None:
    client = signed_in("mi")
    changed(client, version=1, name="Neptun", kind="motor", phone="13900001111")

    page, history = client.get(BOAT).text, client.get(f"{BOAT}/history").text

    assert f'hx-get="{BOAT}/history"' in page
    assert "Boat name Boat 07 → Neptun" in history
    assert "Kind Sailing boat → Motor boat" in history
    assert "Phone" in history
    assert "Mi" in history
    assert "1390000" not in history
    assert "1381234" not in history


def test_the_history_is_as_far_away_as_the_record(signed_in: Any, boats: Any) -> None:
    changed(signed_in("mi"), version=1, name="Neptun")

    assert signed_in("ce").get(f"{BOAT}/history").status_code == 404
    assert signed_in("nobody").get(f"{BOAT}/history").status_code == 403
    assert "Nothing has been changed." in signed_in("bo").get("/demo/boats/8/history").text
