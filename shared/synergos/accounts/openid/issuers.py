"""Tokens that organisations sign for their own people: verified, always, and made into who that is here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import jwt
import structlog

from synergos.accounts.openid.issuer import Issuer
from synergos.accounts.openid.keys import Keys
from synergos.accounts.sign_in import SignedIn
from synergos.domain.roles import Role
from synergos.errors import IssuerAway, NotPermitted

log = structlog.get_logger(__name__)

LEEWAY_SECONDS = 30
"""By which clocks may differ."""
_TYPES = frozenset({None, "JWT", "at+jwt", "application/at+jwt"})
"""Other tokens that an issuer signs are for something else."""
_LONGEST_SUBJECT = 255


class OpenIdIssuers:
    """Those who vouch for people; any thread may ask.

    Args:
        keys: what knows the keys of an issuer.
    """

    def __init__(self, issuers: Sequence[Issuer], keys: Callable[[Issuer], Keys] = Keys) -> None:
        self._issuers = {issuer.issuer: (issuer, keys(issuer)) for issuer in issuers}

    def warm(self) -> None:
        """Have the keys fetched, in a thread of its own; whoever cannot be asked now is when somebody comes."""
        threading.Thread(target=self._fetch, name="issuers", daemon=True).start()

    def signed_in(self, text: str) -> SignedIn | None:
        """Who brings this token; None where it is none that counts.

        Raises:
            IssuerAway: nobody knows, as who vouches for it cannot be asked for its keys.
            NotPermitted: it counts, and is of somebody who is nothing here.
        """
        try:
            header = jwt.get_unverified_header(text)
            # Only to see whom it says it is of; everything else is read when that is verified.
            named = jwt.decode(text, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        issuer, keys = self._issuers.get(named, (None, None)) if isinstance(named, str) else (None, None)
        if issuer is None or keys is None or not _is_sound(header, issuer):
            return None
        key = keys.get(header.get("kid"))
        claims = None if key is None else _verified(text, key, issuer)
        return None if claims is None else _somebody(issuer, claims)

    def _fetch(self) -> None:
        for issuer, keys in self._issuers.values():
            try:
                keys.refresh()
            except IssuerAway as error:
                log.warning("the keys of an issuer cannot be fetched", issuer=issuer.name, reason=str(error))


def _is_sound(header: Mapping[str, object], issuer: Issuer) -> bool:
    key_id, kind = header.get("kid"), header.get("typ")
    is_of_kind = kind is None or (isinstance(kind, str) and kind in _TYPES)
    return header.get("alg") in issuer.algorithms and is_of_kind and (key_id is None or isinstance(key_id, str))


def _verified(text: str, key: jwt.PyJWK, issuer: Issuer) -> Mapping[str, object] | None:
    """What a token says; None where it is not signed, over, or for somebody else."""
    try:
        claims: Mapping[str, object] = jwt.decode(
            text,
            key.key,
            algorithms=list(issuer.algorithms),
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        # TypeError: an algorithm of another kind than the key.
        return None
    return claims


def _time(seconds: object) -> datetime | None:
    """A moment; None of one beyond all calendars."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _somebody(issuer: Issuer, claims: Mapping[str, object]) -> SignedIn | None:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        return None
    name = f"{issuer.name}/{subject}"
    for rule in issuer.rule:
        if rule.holds(claims):
            return SignedIn(name, Role(rule.role), rule.participant, until=_time(claims["exp"]))
    raise NotPermitted(f"{name} is known, and no rule of --auth_issuers says what it is here")
