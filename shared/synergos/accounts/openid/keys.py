"""An issuer's keys: fetched within bounds, by one thread at a time, and kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
import requests
import structlog

from synergos.accounts.openid.cut_off import CutOff
from synergos.accounts.openid.issuer import Issuer, check_address
from synergos.domain.addresses import is_loopback
from synergos.errors import InvalidRequest, IssuerAway

log = structlog.get_logger(__name__)

FRESH_SECONDS = 3600.0
"""For so long keys are taken for those the issuer has."""
KEPT_SECONDS = 24 * 3600.0
"""For so long they are believed when the issuer cannot be asked."""
RETRY_SECONDS = 30.0
"""Between two attempts, whoever brings a key that is not known."""
LARGEST = 256 * 1024
"""Bytes of an answer."""
MOST_KEYS = 100
_SECONDS = 5.0
_PIECE = 2**14
_KINDS = frozenset({"RSA", "EC", "OKP"})


class Fetch(Protocol):
    """Gets a document of JSON."""

    def __call__(self, url: str, ca: str | None, /) -> Any:
        """The document.

        Raises:
            IssuerAway: it is not to be had.
        """


def fetched(url: str, ca: str | None, seconds: float = _SECONDS) -> Any:
    """A document of JSON from an issuer: one answer, of so many bytes, within so many seconds, and from nowhere else.

    Raises:
        IssuerAway: it is not to be had.
    """
    deadline = time.monotonic() + seconds
    with requests.Session() as session:
        cut_off = CutOff(seconds)
        session.mount("https://", cut_off)
        session.mount("http://", cut_off)
        # A proxy named in the environment cannot reach this machine's own loopback address.
        session.trust_env = not is_loopback(urlsplit(url).hostname or "")
        # Nor is anything of a .netrc file shown to the issuer.
        session.auth = _nothing_more
        try:
            with session.get(
                url,
                timeout=(seconds, seconds),
                stream=True,
                allow_redirects=False,
                verify=ca or True,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    raise IssuerAway(f"{url} answers with {answer.status_code}")
                content = b""
                while piece := answer.raw.read(_PIECE):
                    content += piece
                    if len(content) > LARGEST:
                        raise IssuerAway(f"{url} answers with more than {LARGEST} bytes")
        except (requests.RequestException, OSError) as error:
            raise IssuerAway(f"{url} cannot be reached ({type(error).__name__})") from error
    if time.monotonic() > deadline:
        # What was cut looks as if it were the end.
        raise IssuerAway(f"{url} takes longer than {seconds:g} s to answer")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise IssuerAway(f"{url} answers with no JSON") from error


class Keys:
    """The public keys of one issuer; any thread may ask.

    Args:
        fetch: gets a document of JSON.
        now: seconds on a clock that never goes back.
    """

    def __init__(self, issuer: Issuer, fetch: Fetch = fetched, now: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._now = now
        # Held by the one thread that fetches; nobody waits for it.
        self._fetching = threading.Lock()
        # Replaced as a whole, so nobody needs a lock to read them.
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._at = self._tried = float("-inf")

    def get(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key of an id, or the only one where no id is said; None where there is none.

        Raises:
            IssuerAway: nobody knows, as the issuer cannot be asked.
        """
        known = self._known(key_id)
        is_fresh = self._now() - self._at < FRESH_SECONDS
        if known is not None and is_fresh:
            return known
        if self._now() - self._tried >= RETRY_SECONDS and self._fetching.acquire(blocking=False):
            try:
                self._tried = self._now()
                self.refresh()
            except IssuerAway as error:
                log.warning("the keys of an issuer cannot be fetched", issuer=self._issuer.name, reason=str(error))
            finally:
                self._fetching.release()
        if self._now() - self._at >= KEPT_SECONDS:
            raise IssuerAway(f"{self._issuer.name}, who vouches for this, cannot be asked for its keys now")
        return self._known(key_id)

    def refresh(self) -> None:
        """Fetch them.

        Raises:
            IssuerAway: they are not to be had.
        """
        found = self._fetch(self._place(), self._issuer.ca)
        listed = found.get("keys") if isinstance(found, Mapping) else None
        if not isinstance(listed, list):
            raise IssuerAway(f"the keys of {self._issuer.name} are no keys")
        keys = {key.key_id: key for each in listed[:MOST_KEYS] if (key := _key(each)) is not None}
        if not keys:
            raise IssuerAway(f"{self._issuer.name} has no key that tokens could be verified with")
        self._keys, self._at = keys, self._now()

    def _known(self, key_id: str | None) -> jwt.PyJWK | None:
        keys = self._keys
        return next(iter(keys.values())) if key_id is None and len(keys) == 1 else keys.get(key_id)

    def _place(self) -> str:
        if self._issuer.jwks_uri is not None:
            return self._issuer.jwks_uri
        told = self._fetch(f"{self._issuer.issuer.rstrip('/')}/.well-known/openid-configuration", self._issuer.ca)
        if not isinstance(told, Mapping) or told.get("issuer") != self._issuer.issuer:
            raise IssuerAway(f"what answers at {self._issuer.issuer} says that it is somebody else")
        try:
            return check_address(str(told.get("jwks_uri")), "jwks_uri")
        except InvalidRequest as error:
            raise IssuerAway(f"{self._issuer.name} has its keys at no address of https") from error


def _key(found: object) -> jwt.PyJWK | None:
    """A key that signatures can be verified with; None of another."""
    if not isinstance(found, Mapping) or found.get("kty") not in _KINDS or found.get("use", "sig") != "sig":
        return None
    try:
        return jwt.PyJWK(dict(found))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None


def _nothing_more(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
