"""The second factor: codes by time (RFC 6238), recovery codes, and which roles need it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, func, select, update

from core.crypto import Vault
from core.db.base import utc_now
from core.db.session import Database, ScopedSession
from core.errors import ConfigError, InvalidInputError, InvalidValueError, NotSignedInError
from core.security import audit
from core.security.actors import system_actor
from core.security.limits import count_attempt, forget_attempts
from core.security.models import Grant, RecoveryCode, Role, SecondFactor, Setting

STEP_SECONDS, DIGITS = 30, 6
TRIES, WINDOW = 5, timedelta(minutes=15)
RECOVERY_CODES = 10
REQUIRED = "core.second_factor_roles"
"""Setting: codes of the roles whose holders need a second factor."""
_PLACE, _OFFER = "core_second_factor.secret", "second-factor.offer"


def make_offer(vault: Vault, user_id: int) -> tuple[str, str]:
    """Make a secret for an authenticator app; nothing is stored before `confirm`.

    Returns:
        The secret in base32, and its sealed form for the form that confirms it.
    """
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    return secret, base64.urlsafe_b64encode(vault.seal(secret, _OFFER, user_id)).decode()


def open_offer(vault: Vault, user_id: int, sealed: str) -> str:
    """Return the secret of an offer.

    Raises:
        InvalidInputError: The offer was changed or made for somebody else.
    """
    try:
        return vault.open(base64.urlsafe_b64decode(sealed.encode()), _OFFER, user_id)
    except (ConfigError, ValueError) as error:
        raise InvalidInputError({"code": InvalidValueError("offer_invalid", "Start again.")}) from error


def address(secret: str, username: str) -> str:
    """Return the ``otpauth:`` address that an authenticator app reads."""
    return _generator(secret).get_provisioning_uri(username, "Banyan")


def confirm(session: ScopedSession, user_id: int, secret: str, code: str) -> list[str]:
    """Store a person's second factor once a code proves that the app has the secret.

    Args:
        session: A write session.
        user_id: The person; an earlier factor is replaced.
        secret: In base32.
        code: The six digits shown by the app.

    Returns:
        Ten recovery codes, shown once; only their hashes are stored.

    Raises:
        InvalidInputError: The code is wrong.
    """
    step = _step_of(secret, code, utc_now())
    if step is None:
        raise InvalidInputError({"code": InvalidValueError("code_wrong", "This code is wrong.")})
    _forget(session, user_id)
    sealed = _vault(session).seal(secret, _PLACE, user_id)
    session.add(SecondFactor(user_id=user_id, secret=sealed, last_step=step))
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_recovery_hash(each)) for each in codes)
    session.flush()
    audit.record(session, "second_factor.add", "core.user", user_id)
    return codes


def remove(session: ScopedSession, user_id: int) -> None:
    """Take a person's second factor away, for example since the device is lost; who did it is audited."""
    _forget(session, user_id)
    audit.record(session, "second_factor.remove", "core.user", user_id)


def check_code(database: Database, user_id: int, code: str) -> None:
    """Check a code of the app or a recovery code; each is good once.

    Raises:
        NotSignedInError: The code is wrong or was used.
        TooManyRequestsError: Five tries were made within 15 minutes.
    """
    actor, key = system_actor("second factor"), f"second:{user_id}"
    with database.write(actor) as session:
        count_attempt(session, key, TRIES, WINDOW)
    with database.write(actor) as session:
        if _use_step(session, user_id, code) or _use_recovery_code(session, user_id, code):
            forget_attempts(session, key)
            return
        audit.record(session, "second_factor.refused", "core.user", user_id)
    raise NotSignedInError("code_wrong", "This code is wrong or was used already.", "Wait for the next one.")


def has_factor(session: ScopedSession, user_id: int) -> bool:
    """Whether a person has a second factor."""
    return session.scalar(select(SecondFactor.id).where(SecondFactor.user_id == user_id)) is not None


def recovery_codes_left(session: ScopedSession, user_id: int) -> int:
    """Return how many recovery codes a person has not used."""
    query = select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == user_id)
    return int(session.scalar(query) or 0)


def required_roles(session: ScopedSession) -> frozenset[str]:
    """Return the codes of the roles whose holders need a second factor."""
    query = select(Setting.value).where(Setting.name == REQUIRED, Setting.branch_id.is_(None))
    return frozenset(session.scalar(query) or ())


def require_for(session: ScopedSession, roles: frozenset[str]) -> None:
    """Set the roles whose holders need a second factor; it holds from their next request."""
    found = session.scalar(select(Setting).where(Setting.name == REQUIRED, Setting.branch_id.is_(None)))
    if found is None:
        found = Setting(name=REQUIRED, branch_id=None, value=[])
        session.add(found)
    found.value = sorted(roles)
    session.flush()
    audit.record(session, "second_factor.require", detail={"roles": sorted(roles)})


def must_enrol(session: ScopedSession, user_id: int) -> bool:
    """Whether a person holds a role that needs a second factor and has none."""
    needed = required_roles(session)
    if not needed or has_factor(session, user_id):
        return False
    held = select(Role.id).join(Grant, Grant.role_id == Role.id).where(Grant.user_id == user_id)
    return session.scalar(held.where(Role.code.in_(sorted(needed))).limit(1)) is not None


def _forget(session: ScopedSession, user_id: int) -> None:
    found = session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))
    if found is not None:
        session.delete(found)
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.flush()


def _use_step(session: ScopedSession, user_id: int, code: str) -> bool:
    """Use a code of the app; the step moves on only once, also between two processes."""
    found = session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))
    if found is None:
        return False
    step = _step_of(_vault(session).open(found.secret, _PLACE, user_id), code, utc_now())
    if step is None:
        return False
    moved = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    return session.execute(moved.values(last_step=step).returning(SecondFactor.id)).first() is not None


def _use_recovery_code(session: ScopedSession, user_id: int, code: str) -> bool:
    mine = RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _recovery_hash(code)
    return session.execute(delete(RecoveryCode).where(*mine).returning(RecoveryCode.id)).first() is not None


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step a code belongs to; one step of clock difference is allowed either way."""
    generator, present = _generator(secret), int(now.timestamp()) // STEP_SECONDS
    sent = code.replace(" ", "").encode()
    fits = [
        step
        for step in (present - 1, present, present + 1)
        if hmac.compare_digest(generator.generate(step * STEP_SECONDS), sent)
    ]
    return max(fits, default=None)


def _generator(secret: str) -> TOTP:
    # Authenticator apps know no other hash; its collisions do not matter in an HMAC (RFC 6238 1.2).
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 -- the algorithm of the standard


def _new_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _recovery_hash(code: str) -> bytes:
    return hashlib.sha256(code.replace("-", "").replace(" ", "").lower().encode()).digest()


def _vault(session: ScopedSession) -> Vault:
    vault: Vault = session.info["vault"]
    return vault
