"""Sealing fields: bound to their cell, found by their index, readable after a rotation."""

import stat

import pytest

from core.crypto import Vault, add_seal_key, create_keys
from core.errors import ConfigError, ConflictError

RESIDENT_ID = "11010519491231002X"


@pytest.fixture
def file(tmp_path):
    create_keys(tmp_path / "keys" / "vault.json")
    return tmp_path / "keys" / "vault.json"


def test_a_value_opens_in_its_own_cell_only(file):
    vault = Vault(file)
    sealed = vault.seal(RESIDENT_ID, "t.c", 7)

    assert vault.open(sealed, "t.c", 7) == RESIDENT_ID
    assert RESIDENT_ID.encode() not in sealed
    for place, row in (("t.c", 8), ("t.d", 7)):
        with pytest.raises(ConfigError, match="cannot be decrypted"):
            vault.open(sealed, place, row)


@pytest.mark.parametrize("position", [0, 1, 5, 20, -1])
def test_every_changed_byte_is_noticed(file, position):
    vault = Vault(file)
    sealed = bytearray(vault.seal("value", "t.c", 1))
    sealed[position] ^= 1

    with pytest.raises(ConfigError):
        vault.open(bytes(sealed), "t.c", 1)


def test_equal_values_look_different_but_have_one_index_per_place(file):
    vault = Vault(file)

    assert vault.seal("a", "t.c", 1) != vault.seal("a", "t.c", 1)
    assert vault.index("a", "t.c") == Vault(file).index("a", "t.c")
    assert len({vault.index("a", "t.c"), vault.index("a", "t.d"), vault.index("b", "t.c")}) == 3
    assert len(vault.index("a", "t.c")) == 16


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(file):
    old = Vault(file).seal("old", "t.c", 1)

    number = add_seal_key(file)

    vault = Vault(file)
    assert vault.open(old, "t.c", 1) == "old"
    assert vault.seal("new", "t.c", 1)[:2] == number.to_bytes(2, "big")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_existing_keys_are_never_overwritten(file):
    with pytest.raises(ConflictError):
        create_keys(file)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"seal": {"1": "?"}, "index": "x"}'])
def test_missing_or_damaged_keys_are_named_with_their_cure(tmp_path, content):
    file = tmp_path / "vault.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigError, match="Restore it from its backup"):
        Vault(file).check()
