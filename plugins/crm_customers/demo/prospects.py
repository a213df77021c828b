"""Draws lists of people and firms never insured with us: yellow pages, car dealers, guarantee companies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.scene import Scene
from plugins.crm_customers.demo.tables import County, counties


@dataclass(frozen=True, slots=True)
class ProspectList:
    """A list as bought or collected; ``source`` is the 客户来源; ``organisations`` counts the new ones on it."""

    source: str
    name: str
    holders: list[Holder]
    organisations: int


# Source, file name, share of the prospects, share of organisations among them.
_LISTS = (
    ("黄页", "黄页企业名录_嘉兴", 0.24, 1.0),
    ("车商", "车商潜客名单_嘉兴", 0.48, 0.0),
    ("担保公司", "担保公司客户名单_嘉兴", 0.28, 0.06),
)


def draw_prospects(scene: Scene, number: int, known: list[Holder]) -> Iterator[ProspectList]:
    """Yields the lists, ``number`` new prospects in all, with a few of our customers among them.

    Args:
        scene: Chance and the makers of persons and organisations.
        number: Prospects never insured with us.
        known: Customers of ours that may stand on a list.
    """
    left = number
    for place, (source, name, share, organisations) in enumerate(_LISTS, 1):
        wanted = left if place == len(_LISTS) else round(number * share)
        left -= wanted
        fresh = [_prospect(scene, scene.rng.choice(counties()), organisations) for _ in range(wanted)]
        kind = [holder for holder in known if holder.person != (source == "黄页")]
        friends = scene.rng.sample(kind, min(len(kind), wanted // 30))
        holders = fresh + friends
        scene.rng.shuffle(holders)
        yield ProspectList(source, name, holders, sum(not holder.person for holder in fresh))


def _prospect(scene: Scene, county: County, organisations: float) -> Holder:
    if scene.rng.random() >= organisations:
        holder = scene.people.draw(county)
        if scene.rng.random() < 0.55:  # dealers rarely note the ID
            holder.id_type = holder.id_number = holder.other_id = ""
        return holder
    holder = scene.companies.draw(county)
    if scene.rng.random() < 0.5:
        holder.id_type = holder.id_number = ""
    return holder
