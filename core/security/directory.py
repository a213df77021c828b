"""Sign-in by the company's own directory: OpenID Connect 1.0, authorization code with PKCE, one link per account."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from core.config import DirectorySettings
from core.crypto import Vault
from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import ConfigError, DirectoryError, NotSignedInError
from core.log import logger
from core.security import audit
from core.security.models import DirectoryIdentity, User

WAY = timedelta(minutes=10)
"""How long somebody may take to sign in at the directory."""
PATIENCE = 5.0
"""Seconds to wait for an answer of the directory."""
CLOCK_SECONDS = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures by a public key only: with a shared secret, who knows the client's could write tokens."""
_WAY = "directory.way"


@dataclass(frozen=True)
class Journey:
    """Somebody on the way to the directory and back; sealed in a cookie of the browser that set out.

    Args:
        state: Comes back in the address; proves that the answer belongs to this browser.
        nonce: Comes back in the token; proves that the token was made for this sign-in.
        verifier: Of PKCE (RFC 7636); shows the directory that the same program asks for the token.
        target: Page to go to afterwards.
        expires: Seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    target: str
    expires: int


class Directory:
    """The company's directory.

    Args:
        settings: Its address and what it knows this installation by.
        callback: Address to which it sends people back.
    """

    def __init__(self, settings: DirectorySettings, callback: str) -> None:
        self._settings = settings
        self._callback = callback

    def set_out(self, target: str) -> tuple[str, Journey]:
        """Return the directory's address for a sign-in, and what to remember until the answer.

        Raises:
            DirectoryError: The directory does not answer or is not the one configured.
        """
        expires = int((utc_now() + WAY).timestamp())
        journey = Journey(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64), target, expires
        )
        with self._client() as client:
            facts = self._facts(client)
            address, _ = client.create_authorization_url(
                facts["authorization_endpoint"],
                state=journey.state,
                nonce=journey.nonce,
                code_verifier=journey.verifier,
            )
        return str(address), journey

    def arrive(self, journey: Journey, state: str, code: str) -> dict[str, Any]:
        """Return what the directory says of who came back.

        Args:
            journey: From `set_out`.
            state: From the address.
            code: From the address.

        Returns:
            The claims of the ID token, checked for signature, issuer, audience, time and nonce.

        Raises:
            NotSignedInError: The answer belongs to another sign-in, or came too late.
            DirectoryError: The directory refused, does not answer, or its token is not sound.
        """
        if not secrets.compare_digest(journey.state, state) or journey.expires < utc_now().timestamp():
            raise NotSignedInError("ticket_invalid", "This took too long.", "Sign in again.")
        try:
            with self._client() as client:
                facts = self._facts(client)
                answer = client.fetch_token(facts["token_endpoint"], code=code, code_verifier=journey.verifier)
                keys = client.request("GET", facts["jwks_uri"], withhold_token=True).raise_for_status().json()
            return self._checked(answer["id_token"], keys, journey.nonce)
        except DirectoryError:
            raise
        except Exception as error:
            raise _failed(error) from error

    def username(self, claims: dict[str, Any]) -> str:
        """Return the account that claims name, in lower case; empty when they name none that can be trusted."""
        claim = self._settings.username_claim
        if claim == "email" and claims.get("email_verified") is not True:
            return ""
        return str(claims.get(claim) or "").strip().lower()

    def _client(self) -> Any:
        # The libraries take a tenth of a second to load, which installations without a directory need not spend.
        from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            self._settings.client_id,
            self._settings.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self._settings.client_secret else "none",
            scope="openid profile email",
            redirect_uri=self._callback,
            code_challenge_method="S256",
            timeout=PATIENCE,
        )

    def _facts(self, client: Any) -> dict[str, Any]:
        """Read what the directory publishes of itself (OpenID Connect Discovery 1.0)."""
        issuer = self._settings.issuer
        try:
            address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            facts: dict[str, Any] = client.request("GET", address, withhold_token=True).raise_for_status().json()
        except Exception as error:
            raise _failed(error) from error
        if facts.get("issuer") != issuer:
            raise _failed(ValueError(f"it calls itself {facts.get('issuer')}"))
        return facts

    def _checked(self, token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.jwk import KeySet

        read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]  # a published key set
        jwt.JWTClaimsRegistry(
            leeway=CLOCK_SECONDS,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(read.claims)
        if read.claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise ValueError("the token was made for another program")
        return dict(read.claims)


def seal(vault: Vault, journey: Journey) -> str:
    """Return a journey for the cookie."""
    return base64.urlsafe_b64encode(vault.seal(json.dumps(vars(journey)), _WAY, 0)).decode()


def unseal(vault: Vault, cookie: str) -> Journey:
    """Return the journey of a cookie.

    Raises:
        NotSignedInError: There is no cookie, or it was changed.
    """
    try:
        return Journey(**json.loads(vault.open(base64.urlsafe_b64decode(cookie.encode()), _WAY, 0)))
    except (ConfigError, ValueError, TypeError) as error:
        raise NotSignedInError("ticket_invalid", "This took too long.", "Sign in again.") from error


def linked_user(session: ScopedSession, issuer: str, subject: str, username: str) -> User:
    """Return the account of somebody whom the directory knows; the first time it is linked by its user name.

    Later only the directory's own identifier counts: a name may go to somebody else (OpenID Connect Core 1.0, 5.7).

    Args:
        session: A write session of a system actor.
        issuer: Address of the directory.
        subject: Its identifier of the person.
        username: As the directory says; empty when it says none.

    Raises:
        NotSignedInError: There is no such account, it is off, or it belongs to somebody else in the directory.
    """
    mine = select(User).join(DirectoryIdentity, DirectoryIdentity.user_id == User.id)
    user = session.scalar(mine.where(DirectoryIdentity.issuer == issuer, DirectoryIdentity.subject == subject))
    if user is None and username:
        taken = select(DirectoryIdentity.user_id)
        free = select(User).where(User.username == username, User.active, User.id.not_in(taken))
        user = session.scalar(free)
        if user is not None:
            session.add(DirectoryIdentity(user_id=user.id, issuer=issuer, subject=subject))
            session.flush()
            audit.record(session, "directory.link", "core.user", user.id, {"issuer": issuer})
    if user is None or not user.active:
        raise NotSignedInError(
            "no_account",
            "The directory knows you, but you have no account here.",
            "Ask an administrator of your branch for one.",
        )
    return user


def unlink(session: ScopedSession, user_id: int) -> None:
    """Forget whom the directory knows an account by, so that the next sign-in links it anew; audited."""
    session.execute(delete(DirectoryIdentity).where(DirectoryIdentity.user_id == user_id))
    audit.record(session, "directory.unlink", "core.user", user_id)


def _failed(error: Exception) -> DirectoryError:
    logger(__name__).warning("directory_failed", problem=f"{type(error).__name__}: {error}")
    return DirectoryError(
        "directory_failed",
        "The directory did not confirm who you are.",
        "Try again; if it stays so, an administrator finds the reason in the log.",
    )
