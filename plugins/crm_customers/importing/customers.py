"""Import of customers: each once, found by strong keys, then by name and phone, never by name alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, ClassVar

from core.api import Chunk, Entry, ImportTarget, Reader, canonical, document_number, encode_json, fetch_in
from plugins.crm_customers.company_names import company_core
from plugins.crm_customers.importing.details import CustomerDetails
from plugins.crm_customers.importing.directory import refuse_known
from plugins.crm_customers.importing.managers import managed
from plugins.crm_customers.importing.person import CUSTOMER, CustomerReading
from plugins.crm_customers.importing.readers import customer_words
from plugins.crm_customers.importing.winners import winning_values
from plugins.crm_customers.models import Customer, CustomerSource
from plugins.crm_customers.search import CUSTOMER_KIND

KEYS_REMEMBERED = 100_000
"""Customers whose key is known by what was delivered of them: some 25 MB."""

_PLAIN = (
    "kind", "sex", "birth_on", "occupation", "income", "industry_code", "ownership_code", "origin", "channel",
    "credit", "lost_to", "swept_on",
)  # fmt: skip
"""Fields that a source delivers and a column keeps."""

_INSERT = (
    "id", "number", "name", "name_key", "pinyin", *_PLAIN, "manager_id", "class_code", "link_code", "good", "important",
    "blacklist_candidate", "policies_in_force", "premium_12m", "earned", "incurred", "claim_count",
    "receivable", "intention_on",
    "township", "division_code", "attributes", "version", "created_at", "changed_at", "created_batch_id",
)  # fmt: skip
_SOURCE = (
    "id",
    "customer_id",
    "source",
    "source_key",
    "source_digest",
    "delivered",
    "delivered_at",
    "batch_id",
    "batch_row",
    "created_batch_id",
)


class CustomerTarget(ImportTarget):
    """Writes customers with identities, contact points, addresses, branch relations, source links and search tokens.

    Order of keys (domain facts 9.2, 11 row 26): the source's own number; a valid ID or USCC; for persons name, phone,
    unless both sides carry different IDs. An organisation without USCC is found again only by its own source.
    """

    model_id: ClassVar[str] = "crm_customers.customer"
    document_kind: ClassVar[int] = CUSTOMER_KIND
    reader: ClassVar[Reader | None] = CUSTOMER
    named_by: ClassVar[str] = "name"

    def identify(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Read each customer and give it the key by which its source knows it."""
        rows: dict[int, list[Entry]] = {}
        for entry in entries:
            rows.setdefault(id(entry.siblings), []).append(entry)
        for found in rows.values():
            self._give_keys(chunk, found)

    def _give_keys(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Give keys to the customers of one row; one that was delivered before in the same words is not read again."""
        first, keys = entries[0], chunk.memory.setdefault("customer_keys", {})
        alone = len(entries) == 1 and first.group.main is not first and first.key is None
        if alone and (key := keys.get(first.digest)) is not None:
            first.key = key
            return
        for entry in entries:
            entry.reading = _read(chunk, entry)
        for entry in entries:
            if entry.key is None:
                entry.key = _key_in_row(entry) or entry.reading.own_key or _key_of_row(entry)
        if alone and first.reading.document is not None and first.reading.document.valid:
            if len(keys) >= KEYS_REMEMBERED:
                keys.clear()
            keys[first.digest] = first.key

    def find_known(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Find what the source delivered before; a directory may say that other known customers are not wanted."""
        super().find_known(chunk, entries)
        strict = {record.name for record in chunk.profile.records if record.known == "reject"}
        fresh = [entry for entry in entries if entry.record in strict and entry.row_id is None]
        if fresh:
            _read_all(chunk, fresh)
            self._find_by_identity(chunk, fresh)
            refuse_known(chunk, fresh)

    def look_up(self, chunk: Chunk, source: str, keys: Sequence[str]) -> Iterable[tuple[str, int, Any]]:
        """Return (key, customer id, digest) of the source's keys that are known."""
        sql = (
            "SELECT source_key, customer_id, source_digest FROM crm_customers_customer_source "
            "WHERE source = ? AND source_key IN {values}"
        )
        return fetch_in(chunk.connection, sql, keys, source)

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the customers of the entries."""
        changed = [entry for entry in entries if entry.known_digest != entry.digest]
        changed.sort(key=attrgetter("row_no"))
        _read_all(chunk, changed)
        linked = {entry.key for entry in entries if entry.row_id is not None}
        unlinked = [entry for entry in entries if entry.row_id is None]
        self._find_by_identity(chunk, unlinked)
        # An insured without numbers of its own has the key of its holder, who may be known from another file.
        known = {entry.key: entry.row_id for entry in unlinked if entry.row_id is not None}
        for entry in unlinked:
            entry.row_id = entry.row_id or known.get(entry.key)
        fresh = self._make(chunk, [entry for entry in unlinked if entry.row_id is None])
        self._insert(chunk, fresh, changed)
        self._link_sources(chunk, changed, linked)
        self._update(chunk, [entry for entry in changed if entry.row_id not in fresh])
        CustomerDetails(chunk, fresh).write(entries, changed)

    def _find_by_identity(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        by_document = {
            entry.reading.document.index: entry
            for entry in entries
            if entry.reading.document and entry.reading.document.valid
        }
        sql = (
            "SELECT number_index, customer_id FROM crm_customers_customer_identity "
            "WHERE valid AND number_index IN {values}"
        )
        found = {bytes(index): customer for index, customer in fetch_in(chunk.connection, sql, list(by_document))}
        for entry in entries:
            document = entry.reading.document
            if document is not None and document.valid:
                entry.row_id = found.get(document.index)
        self._find_by_name_and_phone(chunk, [entry for entry in entries if entry.row_id is None])

    def _find_by_name_and_phone(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        wanted = {
            number.index
            for entry in entries
            if entry.reading.kind == "person" and entry.reading.name_key
            for number in entry.reading.numbers
        }
        found = _people_by_number(chunk, list(wanted))
        for entry in entries:
            reading = entry.reading
            if reading.kind != "person":
                continue
            for number in reading.numbers:
                customer_id, documents = found.get((number.index, reading.name_key), (None, 0))
                if customer_id is not None and not (documents and reading.document and reading.document.valid):
                    entry.row_id = customer_id
                    break

    def _make(self, chunk: Chunk, entries: Sequence[Entry]) -> dict[int, Entry]:
        """Give identities to new customers; entries of one new customer share it."""
        firsts: list[Entry] = []
        by_key: dict[Any, Entry] = {}
        followers: list[tuple[Entry, Entry]] = []
        for entry in entries:
            keys = _keys_in_chunk(entry)
            first = next((by_key[key] for key in keys if key in by_key and _compatible(by_key[key], entry)), None)
            if first is None:
                firsts.append(entry)
            else:
                followers.append((entry, first))
            for key in keys:
                by_key.setdefault(key, first or entry)
        for entry, row_id in zip(firsts, chunk.take_ids(self.table, len(firsts)), strict=True):
            entry.row_id = row_id
            entry.state = "new"
        for entry, first in followers:
            entry.row_id = first.row_id
        return {entry.row_id or 0: entry for entry in firsts}

    def _insert(self, chunk: Chunk, fresh: dict[int, Entry], entries: Sequence[Entry]) -> None:
        """Insert new customers with all that the chunk says of them; the later row wins a field."""
        said: dict[int, dict[str, Any]] = {row_id: {} for row_id in fresh}
        mine = [entry for entry in entries if entry.row_id in said]
        for entry in mine:
            said[entry.row_id or 0].update({name: value for name, value in entry.delivered() if value is not None})
        managers = {entry.row_id: manager_id for entry, manager_id in managed(chunk, mine)}
        rows = []
        for entry in fresh.values():
            reading, get = entry.reading, said[entry.row_id or 0].get
            document = reading.document
            place = reading.place
            plain = [get(name) for name in _PLAIN[3:9]]
            rows.append((
                entry.row_id, f"C{entry.row_id:08d}", reading.name[:200], reading.name_key[:200], reading.pinyin,
                reading.kind, get("sex") or (document.sex if document else None),
                get("birth_on") or (document.birth_on if document else None), *plain, get("credit") or "good",
                get("lost_to"), get("swept_on"),
                managers.get(entry.row_id), "unattached", "acquire", False, False, False, 0, 0, 0, 0, 0, 0,
                chunk.batch.day.isoformat() if get("intention") else None, (place.street or None) if place else None,
                place.division_code if place else None, _dump(get("attributes")), 1, chunk.batch.now,
                chunk.batch.now, chunk.batch.id,
            ))  # fmt: skip
            if reading.tokens:
                chunk.index_document(document_number(CUSTOMER_KIND, entry.row_id or 0), reading.tokens, is_new=True)
        chunk.insert(Customer.__table__, _INSERT, rows)  # type: ignore[arg-type]  # a mapped class's table is a Table

    def _link_sources(self, chunk: Chunk, entries: Sequence[Entry], linked: set[str | None]) -> None:
        """Keep what each source delivered, under its key."""
        batch = chunk.batch
        said: dict[str | None, dict[str, Any]] = {}
        for entry in entries:
            said.setdefault(entry.key, {}).update(_delivered(entry))
        latest = {entry.key: entry for entry in entries}
        fresh = [entry for key, entry in latest.items() if key not in linked]
        ids = chunk.take_ids(CustomerSource.__table__, len(fresh))  # type: ignore[arg-type]  # a mapped class's table is a Table
        rows = [
            (
                row_id, entry.row_id, batch.source, entry.key, entry.digest, _dump(said[entry.key]),
                batch.now, batch.id, entry.row_no, batch.id,
            )
            for entry, row_id in zip(fresh, ids, strict=True)
        ]  # fmt: skip
        chunk.insert(CustomerSource.__table__, _SOURCE, rows)  # type: ignore[arg-type]  # a mapped class's table is a Table
        self._renew_sources(chunk, {key: entry for key, entry in latest.items() if key in linked}, said)

    def _renew_sources(
        self, chunk: Chunk, again: dict[str | None, Entry], said: dict[str | None, dict[str, Any]]
    ) -> None:
        """Write what known sources say now, with what they said before into the change log."""
        batch, table = chunk.batch, CustomerSource.__table__
        sql = (
            "SELECT source_key, id, source_digest, delivered, batch_id, batch_row FROM crm_customers_customer_source "
            "WHERE source = ? AND source_key IN {values}"
        )
        found = fetch_in(chunk.connection, sql, list(again), batch.source)
        for key, link_id, digest, delivered, batch_id, batch_row in found:
            entry = again[key]
            before, new = canonical("json", delivered) or {}, entry.digest
            old = [None if digest is None else bytes(digest).hex(), batch_id, batch_row, before]
            model = "crm_customers.customer_source"
            chunk.note_change(entry.row_no, model, link_id, "source_digest", old, new.hex())
            columns = ("source_digest", "delivered", "delivered_at", "batch_id", "batch_row")
            values = (new, _dump({**before, **said[key]}), batch.now, batch.id, entry.row_no, link_id)
            chunk.update(table, columns, values)  # type: ignore[arg-type]  # a mapped class's table is a Table

    def _update(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Change fields of known customers where this delivery wins."""
        managers = {entry.row_id: manager_id for entry, manager_id in managed(chunk, entries)}
        for change in winning_values(chunk, entries, managers):
            chunk.note_change(change.row_no, self.model_id, change.customer_id, change.name, change.old, change.new)
            columns, values = change.columns()
            chunk.update(Customer.__table__, (*columns, "changed_at"), (*values, chunk.batch.now, change.customer_id))  # type: ignore[arg-type]  # a mapped class's table is a Table


def _people_by_number(chunk: Chunk, indexes: Sequence[bytes]) -> dict[tuple[bytes, str], tuple[int, int]]:
    """Return (blind index, folded name) -> (customer, valid documents) of persons; the first customer wins.

    One table at a time: PostgreSQL counts a table only now and then, and joins one that has grown since row by row.
    """
    sql = "SELECT value_index, customer_id FROM crm_customers_contact_point WHERE value_index IN {values}"
    numbers = fetch_in(chunk.connection, sql, indexes)
    ids = sorted({row[1] for row in numbers})
    sql = (
        "SELECT id, name_key FROM crm_customers_customer "
        "WHERE kind = 'person' AND merged_into_id IS NULL AND id IN {values}"
    )
    names = dict(map(tuple, fetch_in(chunk.connection, sql, ids)))
    sql = "SELECT customer_id FROM crm_customers_customer_identity WHERE valid AND customer_id IN {values}"
    documents = Counter(row[0] for row in fetch_in(chunk.connection, sql, ids))
    found = [(customer_id, index) for index, customer_id in numbers if customer_id in names]
    return {
        (bytes(index), names[customer_id]): (customer_id, documents[customer_id])
        for customer_id, index in sorted(found, key=lambda pair: -pair[0])
    }


def _read(chunk: Chunk, entry: Entry) -> CustomerReading:
    area_code = chunk.batch.area_codes.get(entry.group.branch_id, "")
    said = entry.get("reading") or customer_words(*map(entry.get, CUSTOMER.takes))
    return CustomerReading(said, chunk.vault, area_code)


def _read_all(chunk: Chunk, entries: Sequence[Entry]) -> None:
    """Read the customers whose key was known without."""
    for entry in entries:
        entry.reading = entry.reading or _read(chunk, entry)


def _key_in_row(entry: Entry) -> str | None:
    """Return the key of a customer of that name in the same row: an insured without a number is the holder."""
    if entry.reading.document is not None or not entry.reading.name_key:
        return None
    others = [other for name, found in entry.siblings.items() if name != entry.record for other in found]
    read = (other for other in others if isinstance(other.reading, CustomerReading))
    same = [other for other in read if _same_name(other.reading, entry.reading)]
    return next((key for other in same if (key := other.key or other.reading.own_key) is not None), None)


def _same_name(one: CustomerReading, other: CustomerReading) -> bool:
    """Whether two names of one row mean the same; an organisation's region and legal form are written or left out."""
    if one.name_key == other.name_key:
        return True
    if one.kind != "organisation" or other.kind != "organisation":
        return False
    return company_core(one.name).core == company_core(other.name).core


def _key_of_row(entry: Entry) -> str:
    """A customer without any key of its own is known by the record of its row that has one."""
    for name, others in entry.siblings.items():
        if name != entry.record and others and others[0].key is not None:
            return f"{name}:{others[0].key}:{entry.record}"[:120]
    return f"row:{entry.group.digest.hex()}"


def _keys_in_chunk(entry: Entry) -> list[Any]:
    reading = entry.reading
    keys: list[Any] = [("key", entry.key)]
    if reading.document is not None and reading.document.valid:
        keys.append(("id", reading.document.index))
    if reading.kind == "person":
        keys.extend(("np", index) for index in reading.name_phones)
    return keys


def _compatible(first: Entry, entry: Entry) -> bool:
    one, other = first.reading.document, entry.reading.document
    if first.key == entry.key or one is None or other is None or not (one.valid and other.valid):
        return True
    return bool(one.index == other.index)


def _delivered(entry: Entry) -> dict[str, Any]:
    """Values for the provenance of fields; personal numbers stay out, their own rows name the source."""
    kept = {name: value for name, value in entry.delivered() if value is not None and name in _KEPT}
    return {**kept, "kind": entry.reading.kind} if entry.reading.name else kept


_KEPT = frozenset({"name", *_PLAIN, "manager_code", "manager_name", "attributes"})


def _dump(value: Any) -> str | None:
    return encode_json(value) if value else None
