"""Tokens: an id to find one by, and a secret of which only the digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from synergos.errors import InvalidRequest
from synergos.records.accounts import Token

PREFIX = "syn"
"""What they begin with, so that they are found where they should not be."""
DEFAULT_LIFE = timedelta(hours=12)
LONGEST_LIFE = timedelta(days=366)
_FORM = re.compile(rf"{PREFIX}_([0-9a-f]{{16}})_([A-Za-z0-9_-]{{43}})")
_NOBODYS = "0" * 64


def made(
    account: str, life: timedelta = DEFAULT_LIFE, label: str = "", *, until: datetime | None = None
) -> tuple[Token, str]:
    """A new token, and its text, which nobody is told again.

    Args:
        until: when it expires at the latest.

    Raises:
        InvalidRequest: nobody may have one for so long, or its label is too long.
    """
    if not timedelta(seconds=1) <= life <= LONGEST_LIFE:
        raise InvalidRequest(f"expected 1 second to {LONGEST_LIFE.days} days", "expires_in")
    if len(label) > 128 or not label.isprintable():
        raise InvalidRequest("expected at most 128 printable characters", "label")
    token_id, secret, now = secrets.token_hex(8), secrets.token_urlsafe(32), datetime.now(UTC)
    expires = now + life if until is None else min(now + life, until)
    return Token(token_id, account, _digest(secret), label, now, expires), f"{PREFIX}_{token_id}_{secret}"


def parts_of(text: str) -> tuple[str, str] | None:
    """The id and the secret of a token; None of what is none."""
    found = _FORM.fullmatch(text)
    return None if found is None else (found[1], found[2])


def is_right(token: Token | None, secret: str) -> bool:
    """Whether a secret is a token's; as quick where there is none."""
    return hmac.compare_digest(_digest(secret), _NOBODYS if token is None else token.digest) and token is not None


def has_expired(token: Token) -> bool:
    """Whether its time is over."""
    return token.expires_at <= datetime.now(UTC)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
