"""Import of vehicles and of the registry of all vehicles of the area."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from core.api import Chunk, Entry, ImportTarget, Reader, document_number, fetch_in
from core.values.masks import mask_phone
from core.values.phones import read_phones
from plugins.crm_customers.addresses import parse_address
from plugins.crm_customers.importing.readers import vehicle
from plugins.crm_customers.search import REGISTRY_KIND, VEHICLE_KIND, vehicle_tokens

OWNER_PLACE = "crm_customers_registry_vehicle.owner_id"
PHONE_PLACE = "crm_customers_registry_vehicle.phone"
VEHICLE = Reader(("vin", "plate", "plate_kind"), ("plate", "identity", "valid_plate", "tokens"), vehicle)


class VehicleTarget(ImportTarget):
    """Writes vehicles, each once: by VIN, else plate and plate kind, else the source's own key (domain facts 9.2)."""

    model_id: ClassVar[str] = "crm_customers.vehicle"
    document_kind: ClassVar[int] = VEHICLE_KIND
    links: ClassVar[tuple[str, ...]] = ("owner",)
    own_columns: ClassVar[tuple[str, ...]] = ("identity_key",)
    reader: ClassVar[Reader | None] = VEHICLE

    def identify(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Give each vehicle its identity key; a wrong VIN is kept but is no key."""
        for entry in entries:
            if (identity := entry.get("identity")) is not None:
                entry.key = identity
            elif entry.key is not None:
                entry.key = entry.key if entry.key.startswith("src:") else f"src:{chunk.batch.source}:{entry.key}"
            else:
                entry.key = f"row:{entry.group.digest.hex()}:{entry.record}"

    def look_up(self, chunk: Chunk, source: str, keys: Sequence[str]) -> Iterable[tuple[str, int, Any]]:
        """Return (key, vehicle id, digest); a link's key may be a VIN, a plate or the source's own key."""
        spelled: dict[str, str] = {}
        for key in keys:
            for form in (key, f"src:{source}:{key}", f"vin:{key}", f"plate:{key}|"):
                spelled[form] = key
        sql = "SELECT identity_key, id, source_digest FROM crm_customers_vehicle WHERE identity_key IN {values}"
        return [(spelled[row[0]], row[1], row[2]) for row in fetch_in(chunk.connection, sql, list(spelled))]

    def find_known(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Find vehicles by identity key; one known by its plate alone is found when its VIN arrives."""
        by_key: dict[str, list[Entry]] = {}
        for entry in entries:
            by_key.setdefault(entry.key or "", []).append(entry)
        sql = "SELECT identity_key, id, source_digest FROM crm_customers_vehicle WHERE identity_key IN {values}"
        for key, row_id, digest in fetch_in(chunk.connection, sql, list(by_key)):
            for entry in by_key[key]:
                entry.row_id, entry.known_digest = row_id, None if digest is None else bytes(digest)
        unknown = [entry for entry in entries if entry.row_id is None]
        self._find_by_plate(chunk, [entry for entry in unknown if (entry.key or "").startswith(("vin:", "plate:"))])

    def _find_by_plate(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Find by plate what one side knows without VIN; two vehicles that wore the plate leave it open."""
        by_plate: dict[str, list[Entry]] = {}
        for entry in entries:
            if plate := entry.get("valid_plate"):
                by_plate.setdefault(plate, []).append(entry)
        sql = (
            "SELECT plate, plate_kind, id, identity_key, source_digest FROM crm_customers_vehicle "
            "WHERE plate IN {values}"
        )
        found: dict[str, list[Any]] = {}
        for row in fetch_in(chunk.connection, sql, list(by_plate)):
            found.setdefault(row[0], []).append(row)
        for plate, rows in found.items():
            for entry in by_plate[plate]:
                fitting = [row for row in rows if _may_be(entry, kind=row[1], key=row[3])]
                if len(fitting) == 1:
                    entry.row_id, entry.known_digest = fitting[0][2], fitting[0][4] and bytes(fitting[0][4])

    def own_values(self, chunk: Chunk, entry: Entry) -> tuple[Any, ...]:
        """Return the identity key of a new vehicle and put it into the search index."""
        if tokens := entry.get("tokens"):
            chunk.index_document(document_number(VEHICLE_KIND, entry.row_id or 0), tokens, is_new=True)
        return (entry.key,)

    def differences(self, chunk: Chunk, entry: Entry, stored: dict[str, Any]) -> Iterable[tuple[str, Any]]:
        """Yield what the delivery changes; a new plate moves the search index, a first VIN becomes the identity."""
        for name, value in super().differences(chunk, entry, stored):
            if name == "plate":
                tokens = vehicle_tokens(value, entry.get("vin") or stored.get("vin"))
                chunk.index_document(document_number(VEHICLE_KIND, entry.row_id or 0), tokens, is_new=False)
            yield name, value
        if (entry.key or "").startswith("vin:") and not stored.get("vin"):
            yield "identity_key", entry.key


def _may_be(entry: Entry, *, kind: str | None, key: str) -> bool:
    """Whether a stored vehicle with the entry's plate can be the entry's: only one of them has a VIN, kinds agree."""
    both_have_vin = (entry.key or "").startswith("vin:") and key.startswith("vin:")
    own = entry.get("plate_kind")
    return not both_have_vin and (own is None or kind is None or own == kind)


class RegistryVehicleTarget(ImportTarget):
    """Writes entries of the vehicle registry (社会车辆): key VIN, else plate and plate kind (CU-05)."""

    model_id: ClassVar[str] = "crm_customers.registry_vehicle"
    document_kind: ClassVar[int] = REGISTRY_KIND
    own_columns: ClassVar[tuple[str, ...]] = (
        *ImportTarget.own_columns, "insured_state", "owner_id_sealed", "owner_id_index", "phone_sealed", "phone_index",
        "phone_masked", "county", "township", "division_code",
    )  # fmt: skip
    reader: ClassVar[Reader | None] = VEHICLE

    def identify(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Give each entry its key."""
        for entry in entries:
            if (identity := entry.get("identity")) is not None:
                entry.key = identity
            elif entry.key is None:
                entry.key = f"row:{entry.group.digest.hex()}"

    def own_values(self, chunk: Chunk, entry: Entry) -> tuple[Any, ...]:
        """Return the own values of a new entry, with personal numbers sealed and the address read by level."""
        vault, row_id = chunk.vault, entry.row_id or 0
        owner, sealed_owner, owner_index = entry.get("owner_id"), None, None
        if owner:
            sealed_owner, owner_index = vault.seal(owner, OWNER_PLACE, row_id), vault.index(owner, OWNER_PLACE)
        area = chunk.batch.area_codes.get(entry.group.branch_id, "")
        phone = next(iter(read_phones(entry.get("phone"), area)), None) if entry.get("phone") else None
        sealed_phone = vault.seal(phone.number, PHONE_PLACE, row_id) if phone else None
        phone_index = vault.index(phone.number, PHONE_PLACE) if phone else None
        place = parse_address(entry.get("address")) if entry.get("address") else None
        where = (place.county or None, place.street or None, place.division_code) if place else (None, None, None)
        if tokens := entry.get("tokens"):
            chunk.index_document(document_number(REGISTRY_KIND, row_id), tokens, is_new=True)
        masked = mask_phone(phone.number) if phone else None
        return (
            *super().own_values(chunk, entry),
            "none",
            sealed_owner,
            owner_index,
            sealed_phone,
            phone_index,
            masked,
            *where,
        )
