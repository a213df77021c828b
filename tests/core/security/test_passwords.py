"""Which passwords are taken, and how they are stored."""

import pytest

from core.errors import InvalidValueError
from core.security.passwords import check_password, hash_password, needs_rehash, verify_password

GOOD = [
    "correct horse battery staple",
    "seven green apples",
    "梅花三弄与二十四桥明月夜里",
    "x" * 3 + "kfjwmgzolrtp",
    "Gr8vity-holds-us",
    "ändernözüäß wort",
    "k" + "fjwmgzolrtp9" * 21,
]
BAD = [
    "short",
    "eleven char",
    "a" * 12,
    "123456789012",
    "password1234",
    "Password2026!",
    "qwertyuiop123",
    "abcdefghijkl",
    "iloveyou1234",
    "banyanbanyan",
    "zhejiang2026",
    "woaini520520",
    "19900101abcd",
    "1qaz2wsx3edc",
    "admin@123456",
    "zhangwei1234",
    "Zhang Wei 2026",
    "x" * 257,
    "",
]


@pytest.mark.parametrize("password", GOOD)
def test_long_and_unusual_passwords_are_taken_whatever_their_characters(password):
    check_password(password, ("zhangwei", "Zhang Wei"))


@pytest.mark.parametrize("password", BAD)
def test_short_common_and_personal_passwords_are_refused(password):
    with pytest.raises(InvalidValueError):
        check_password(password, ("zhangwei", "Zhang Wei"))


def test_the_hash_is_argon2id_with_64_mib_three_passes_one_lane():
    assert hash_password("seven green apples").startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_passwords_are_compared_exactly():
    stored = hash_password("Café du matin ")
    assert verify_password(stored, "Café du matin ")
    assert not verify_password(stored, "Café du matin")
    assert not verify_password(stored, "Cafe\u0301 du matin ")
    assert not verify_password(stored, "café du matin ")


def test_nobody_and_a_broken_hash_have_no_password():
    assert not verify_password(None, "seven green apples")
    assert not verify_password("not a hash", "seven green apples")


def test_todays_hash_needs_no_renewal():
    assert not needs_rehash(hash_password("seven green apples"))
