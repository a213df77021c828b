"""Encryption of single fields and keyed indexes for finding encrypted values; keys live outside the database."""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from core.errors import ConfigError, ConflictError

NONCE_BYTES = 12
KEY_BYTES = 32
INDEX_BYTES = 16
KEY_ID_BYTES = 2


class Vault:
    """Seals and opens field values with the keys of one installation (PIPL §51(3), JR/T 0171-2020).

    The keys are read on first use, so that a command without them can still start and explain.

    Args:
        file: The key file, made by `create_keys`.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._ciphers: dict[int, AESGCMSIV] = {}
        self._newest = 0
        self._index_secret = b""
        self._index_keys: dict[str, bytes] = {}

    def seal(self, value: str, place: str, row_id: int) -> bytes:
        """Encrypt a value for one cell; moved to another cell it cannot be opened.

        Args:
            value: The clear text.
            place: ``table.column``.
            row_id: Identity of the row.

        Returns:
            Key id (2 bytes), nonce (12), cipher text with tag (length + 16).

        Raises:
            ConfigError: The key file is missing or unreadable.
        """
        if not self._newest:
            self._load()
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, value.encode(), f"{place}:{row_id}".encode())
        return self._newest.to_bytes(KEY_ID_BYTES, "big") + nonce + sealed

    def open(self, sealed: bytes, place: str, row_id: int) -> str:
        """Decrypt a value sealed for the same place and row.

        Raises:
            ConfigError: The key is not in the key file, or the value was changed, moved or sealed elsewhere.
        """
        if not self._newest:
            self._load()
        key_id = int.from_bytes(sealed[:KEY_ID_BYTES], "big")
        body = KEY_ID_BYTES + NONCE_BYTES
        nonce, text, bound = sealed[KEY_ID_BYTES:body], sealed[body:], f"{place}:{row_id}".encode()
        try:
            return self._ciphers[key_id].decrypt(nonce, text, bound).decode()
        except (KeyError, InvalidTag, ValueError):
            raise ConfigError(
                "cannot_decrypt",
                "The value of {place} in row {row} cannot be decrypted.",
                "Restore the key file {file} that belongs to this database.",
                place=place,
                row=row_id,
                file=str(self.file),
            ) from None

    def index(self, value: str, place: str) -> bytes:
        """Return the 16-byte blind index of a normalised value: equal values of one place give equal bytes.

        Args:
            value: The normalised clear text.
            place: What is compared with what, for example ``crm_customers.identity``; each place has its own key.
        """
        key = self._index_keys.get(place)
        if key is None:
            if not self._newest:
                self._load()
            key = self._index_keys[place] = hmac.digest(self._index_secret, f"index:{place}".encode(), "sha256")
        return hmac.digest(key, value.encode(), "sha256")[:INDEX_BYTES]

    def check(self) -> None:
        """Read the keys now.

        Raises:
            ConfigError: The key file is missing, unreadable or damaged.
        """
        self._load()

    def _load(self) -> None:
        keys = _read(self.file)
        try:
            secret = {int(number): base64.b64decode(text, validate=True) for number, text in keys["seal"].items()}
            self._ciphers = {number: AESGCMSIV(key) for number, key in secret.items()}
            self._index_secret = base64.b64decode(keys["index"], validate=True)
            self._newest = max(secret)
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise _unusable(self.file, "it is damaged") from error


def create_keys(file: Path) -> None:
    """Write a new key file, readable by its owner only; an existing one is never touched.

    Raises:
        ConflictError: The file exists.
    """
    _write_new(file, {"seal": {"1": _new_secret()}, "index": _new_secret()})


def add_seal_key(file: Path) -> int:
    """Add a key that seals from now on; values sealed with older keys stay readable. Returns its id."""
    keys = _read(file)
    number = max(map(int, keys["seal"])) + 1
    keys["seal"][str(number)] = _new_secret()
    replacement = file.with_suffix(".new")
    replacement.unlink(missing_ok=True)
    _write_new(replacement, keys)
    replacement.replace(file)
    return number


def copy_keys(file: Path, target: Path) -> None:
    """Write a copy of a key file, readable by its owner only.

    Raises:
        ConfigError: The key file is missing or damaged.
        ConflictError: The target exists.
    """
    Vault(file).check()
    _write_new(target, _read(file))


def _new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _read(file: Path) -> dict[str, Any]:
    try:
        keys = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise _unusable(file, "it does not exist") from None
    except (OSError, ValueError) as error:
        raise _unusable(file, f"it cannot be read ({type(error).__name__})") from error
    if not isinstance(keys, dict):
        raise _unusable(file, "it is damaged")
    return keys


def _unusable(file: Path, problem: str) -> ConfigError:
    return ConfigError(
        "keys_unusable",
        "The key file {file} cannot be used: {problem}.",
        "Restore it from its backup; for a new installation run `banyan init`.",
        file=str(file),
        problem=problem,
    )


def _write_new(file: Path, keys: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConflictError(
            "keys_exist",
            "The key file {file} exists already.",
            "Keep it: without it encrypted values are lost.",
            file=str(file),
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(keys, stream)
        stream.flush()
        os.fsync(stream.fileno())
