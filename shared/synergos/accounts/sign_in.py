"""Whose a request is, by the ``Authorization`` that it came with: Basic with a password, or Bearer with a token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

import structlog

from synergos.accounts import passwords, tokens
from synergos.accounts.throttle import Throttle
from synergos.domain.roles import Role
from synergos.errors import NotPermitted, NotSignedIn
from synergos.records.accounts import Account, Accounts, Token

log = structlog.get_logger(__name__)

_REMEMBERED_SECONDS = 600.0
_MOST_REMEMBERED = 1000
_LONGEST_HEADER = 16 * 1024
_SAY_SOMETHING = "sign in: with an account's name and password (Basic), or with a token (Bearer)"
_WRONG_PASSWORD = "no account has this name and password"  # noqa: S105 - it is what is answered
_WRONG_TOKEN = "this token is none, has expired, or was revoked"  # noqa: S105 - likewise


@dataclass(frozen=True)
class SignedIn:
    """Somebody who has shown who it is.

    Attributes:
        name: of the account.
        participant: which participant it is; None for who is none.
        token: the id of the token it has signed in with; None where that was something else.
        until: when what it has signed in with expires; None for a password.
    """

    name: str
    role: Role
    participant: str | None = None
    token: str | None = None
    until: datetime | None = None


class Issuers(Protocol):
    """Whoever else vouches for people: see :mod:`synergos.accounts.openid`."""

    def signed_in(self, text: str) -> SignedIn | None:
        """Who brings this token; None where it is none that counts."""


class SignIn:
    """Signs people in; any thread may ask.

    Args:
        issuers: who vouches for whoever has no account here.
    """

    def __init__(self, accounts: Accounts, throttle: Throttle | None = None, issuers: Issuers | None = None) -> None:
        self._accounts = accounts
        self._throttle = throttle or Throttle()
        self._issuers = issuers
        self._comparison = passwords.Comparison()
        self._remembered = _Remembered()

    def who(self, authorization: str | None, address: str) -> SignedIn:
        """Whose a request is.

        Args:
            authorization: the header; None where there is none.
            address: where the request comes from.

        Raises:
            NotSignedIn: it does not say, or not rightly.
            TooManyAttempts: from there too much was wrong.
        """
        scheme, _, value = (authorization or "").strip().partition(" ")
        if len(value) <= _LONGEST_HEADER:
            if scheme.lower() == "basic" and (named := _name_and_password(value)) is not None:
                return self._by_password(*named, address)
            if scheme.lower() == "bearer":
                return self._by_token(value.strip(), address)
        raise NotSignedIn(_SAY_SOMETHING)

    # Tokens

    def new_token(self, who: SignedIn, life: timedelta, label: str, *, is_rehearsal: bool = False) -> tuple[Token, str]:
        """A token for somebody, and its text.

        One that is asked for with another token expires no later than that.

        Args:
            is_rehearsal: only see that there may be one; it is good for nothing.

        Raises:
            NotPermitted: somebody else vouches for who asks, and gives out its own.
            InvalidRequest: nobody may have one for so long.
        """
        if self._accounts.find(who.name) is None:
            raise NotPermitted(f"{who.name} has no account here; its tokens are those of who vouches for it")
        token, text = tokens.made(who.name, life, label, until=who.until)
        if is_rehearsal:
            return token, ""
        self._accounts.add_token(token)
        log.info("token given out", account=who.name, token=token.id, expires_at=token.expires_at.isoformat())
        return token, text

    def tokens_of(self, who: SignedIn) -> Sequence[Token]:
        """Those of somebody that have not expired, oldest first."""
        return [token for token in self._accounts.tokens(who.name) if not tokens.has_expired(token)]

    def revoke(self, who: SignedIn, token_id: str) -> Token:
        """End a token of somebody's at once.

        Raises:
            RecordNotFound: it has no such token.
        """
        ended = self._accounts.revoke(token_id, who.name)
        log.info("token revoked", account=who.name, token=ended.id)
        return ended

    def _by_password(self, name: str, password: str, address: str) -> SignedIn:
        self._throttle.check(name, address)
        account = self._accounts.find(name)
        if account is None or not self._remembered.has(account, password):
            if (
                not self._comparison.is_right(password, None if account is None else account.password)
                or account is None
            ):
                self._refuse(name, address, _WRONG_PASSWORD)
            self._remembered.add(account, password)
            self._throttle.succeeded(name, address)
            self._hash_anew(account, password)
        return SignedIn(account.name, account.role, account.participant)

    def _by_token(self, text: str, address: str) -> SignedIn:
        parts = tokens.parts_of(text)
        if parts is None:
            found = None if self._issuers is None else self._issuers.signed_in(text)
            if found is None:
                raise NotSignedIn(_WRONG_TOKEN)
            return found
        token_id, secret = parts
        token = self._accounts.find_token(token_id)
        if not tokens.is_right(token, secret) or token is None:
            # Nobody guesses a secret: a right one is let in however many wrong ones have come from where it comes.
            self._throttle.check(token_id, address)
            self._refuse(token_id, address, _WRONG_TOKEN)
        account = self._accounts.find(token.account)
        if account is None or tokens.has_expired(token):
            raise NotSignedIn(_WRONG_TOKEN)
        return SignedIn(account.name, account.role, account.participant, token.id, token.expires_at)

    def _refuse(self, name: str, address: str, why: str) -> NoReturn:
        self._throttle.failed(name, address)
        # What was given for a name may be a password that somebody has typed in the wrong place.
        log.warning("somebody could not be signed in", address=address)
        raise NotSignedIn(why)

    def _hash_anew(self, account: Account, password: str) -> None:
        if (
            account.password is not None
            and passwords.is_old(account.password)
            and not self._accounts.replace_password(account.name, account.password, passwords.hashed(password))
            and self._accounts.find(account.name) is None
        ):
            # It was removed while its password was compared.
            raise NotSignedIn(_WRONG_PASSWORD)


class _Remembered:
    """Passwords that were right a while ago, so that not each request of a client takes the work of a comparison.

    Nothing is kept by which one could be found: digests with a key that ends with the process, of the password and of what is
    stored of it, so that another one in its place is another.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        # Guards the table.
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def has(self, account: Account, password: str) -> bool:
        with self._lock:
            return self._until.get(self._digest(account, password), 0.0) > time.monotonic()

    def add(self, account: Account, password: str) -> None:
        with self._lock:
            self._until[self._digest(account, password)] = time.monotonic() + _REMEMBERED_SECONDS
            while len(self._until) > _MOST_REMEMBERED:
                self._until.popitem(last=False)

    def _digest(self, account: Account, password: str) -> bytes:
        words = "\0".join((account.name, account.password or "", password))
        return hmac.digest(self._key, words.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _name_and_password(value: str) -> tuple[str, str] | None:
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        # What requests makes of a .netrc file.
        text = decoded.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
