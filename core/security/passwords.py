"""Passwords: hashing with a bound on parallel work, and refusing those that are easily guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import InvalidValueError

SHORTEST = 12
LONGEST = 256
UNEXPLAINED = 6
"""Characters that must remain when common words, sequences, years and the person's own words are taken out."""

_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
_two_at_a_time = BoundedSemaphore(2)

_COMMON_TEXT = """
password passw0rd p@ssw0rd p@ssword passwort letmein welcome admin administrator root master login secret
changeme default guest test temp user demo hello iloveyou loveyou dragon monkey shadow sunshine princess
football baseball superman batman trustno qwerty qwertz azerty asdf zxcv woaini woaiwojia nihao aini mima
zhongguo beijing shanghai hangzhou zhejiang jiaxing guangdong picc renbao baoxian chexian yuangong
taiping pingan huatai summer winter spring autumn monday friday january december company insurance
customer banyan china
"""
COMMON = frozenset(_COMMON_TEXT.split())
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb",
    "!@#$%^&*()",
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:[01]\d[0-3]\d)?")
_REPEATED = re.compile(r"(.+?)\1{2,}")


def hash_password(password: str) -> str:
    """Return the argon2id hash (64 MiB, 3 passes, 1 lane: OWASP ASVS 5.0 appendix C asks for at least 12 MiB at 3)."""
    with _two_at_a_time:
        return _hasher.hash(password)


_NOBODY = "$argon2id$v=19$m=65536,t=3,p=1$3T5Atl91ELPfFGCy5vBsaA$PM/I2PMNg58JpqlcRC9uyq00GhqUkzOFrBHms4WYMvk"
"""Hash of a random text nobody kept, verified for unknown people, so that their answer takes as long.

Made once, since hashing slows every start.
"""


def verify_password(stored: str | None, password: str) -> bool:
    """Whether a password belongs to a hash; without a hash the same work is done, so that time tells nothing."""
    with _two_at_a_time:
        try:
            _hasher.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def check_password(password: str, own_words: Iterable[str] = ()) -> None:
    """Refuse a password that is too short or easily guessed; there is no rule about kinds of characters.

    Args:
        password: As typed; compared exactly, Chinese and spaces are welcome.
        own_words: User name, name, staff code: what an attacker would try first.

    Raises:
        InvalidValueError: It is too short, too long or easily guessed (OWASP ASVS 5.0 6.2.1-6.2.12).
    """
    if len(password) < SHORTEST:
        raise InvalidValueError("password_short", "The password needs at least {least} characters.", least=SHORTEST)
    if len(password) > LONGEST:
        raise InvalidValueError("password_long", "The password may have at most {most} characters.", most=LONGEST)
    if _unexplained(password, own_words) < UNEXPLAINED:
        raise InvalidValueError(
            "password_guessable",
            "This password is easily guessed.",
            "Several unrelated words make a good one.",
        )


def _unexplained(password: str, own_words: Iterable[str]) -> int:
    rest = _REPEATED.sub(r"\1", password.casefold())
    words = {word.casefold() for text in own_words for word in (text, *text.split()) if len(word) >= 2}
    for word in sorted(COMMON | words, key=len, reverse=True):
        rest = rest.replace(word, "\0")
    rest = _YEAR.sub("\0", rest)
    return _outside_sequences(_REPEATED.sub(r"\1", rest))


def _outside_sequences(text: str) -> int:
    """Count the characters that belong to no run of three along the alphabet, the digits or a keyboard row."""
    runs = {row[start : start + 3] for line in _ROWS for row in (line, line[::-1]) for start in range(len(line) - 2)}
    covered: set[int] = set()
    for start in range(len(text) - 2):
        if text[start : start + 3] in runs:
            covered.update(range(start, start + 3))
    return sum(1 for place, letter in enumerate(text) if place not in covered and letter != "\0")
