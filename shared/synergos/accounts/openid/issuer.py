"""Who vouches for people, and what those are here: read from the file that ``--auth_issuers`` names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from synergos.domain.addresses import is_loopback
from synergos.domain.identifiers import check_identifier
from synergos.domain.roles import Role
from synergos.errors import InvalidRequest
from synergos.schema import Definition

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Those with a public key: what somebody verifies with, nobody can sign with."""
_Text = Annotated[str, Meta(min_length=1, max_length=1024)]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody is here, by what is said of them.

    Attributes:
        role: one of :class:`~synergos.domain.roles.Role`.
        participant: which participant they are, for that role.
        claim: what has to be said of them; None for everybody.
        value: and what of it: that, or a list that has it.
    """

    role: str
    participant: _Text | None = None
    claim: _Text | None = None
    value: str | int | bool | None = None

    def holds(self, claims: Mapping[str, object]) -> bool:
        """Whether it is about somebody of whom this is said."""
        if self.claim is None:
            return True
        said = claims.get(self.claim)
        return any(_same(each, self.value) for each in (said if isinstance(said, list) else [said]))


class Issuer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who vouches for people.

    Attributes:
        name: their accounts are called by it: ``<name>/<subject>``.
        issuer: its address, as its tokens have it.
        audience: whom its tokens have to be for.
        rule: what its people are here; the first that holds counts, and whom none holds for is nobody.
        algorithms: its tokens may be signed by these and no others.
        jwks_uri: where its keys are; without it where it says itself.
        ca: a file of who vouches for its address, by https; without it the system's.
    """

    name: _Text
    issuer: _Text
    audience: _Text
    rule: Annotated[Sequence[Rule], Meta(min_length=1, max_length=1000)]
    algorithms: Annotated[Sequence[str], Meta(min_length=1, max_length=len(ALGORITHMS))] = ("RS256",)
    jwks_uri: _Text | None = None
    ca: _Text | None = None


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    issuer: Annotated[Sequence[Issuer], Meta(min_length=1, max_length=100)]


_FILE = Definition(_File)


def read_issuers(path: Path) -> tuple[Issuer, ...]:
    """The issuers that a file names.

    Raises:
        InvalidRequest: it cannot be read, or something in it makes no sense; names it.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"cannot be read: {error.strerror}", str(path)) from error
    except ValueError as error:
        raise InvalidRequest(f"is not TOML: {error}", str(path)) from error
    issuers = tuple(_FILE.read(found).issuer)
    for number, issuer in enumerate(issuers):
        _check(issuer, f"issuer[{number}]")
        for other in issuers[:number]:
            if issuer.name == other.name or issuer.issuer == other.issuer:
                raise InvalidRequest("is that of another one, too", f"issuer[{number}]")
    return issuers


def check_address(url: str, field: str) -> str:
    """An address that tokens may hang on: by https, or on this very machine.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        known = False
    if not known or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))):
        raise InvalidRequest("expected an address with https://", field)
    return url


def _check(issuer: Issuer, field: str) -> None:
    check_identifier(issuer.name, f"{field}.name")
    check_address(issuer.issuer, f"{field}.issuer")
    if issuer.jwks_uri is not None:
        check_address(issuer.jwks_uri, f"{field}.jwks_uri")
    for algorithm in issuer.algorithms:
        if algorithm not in ALGORITHMS:
            raise InvalidRequest(
                f"expected some of {', '.join(ALGORITHMS)}; got {algorithm[:80]!r}", f"{field}.algorithms"
            )
    if issuer.ca is not None and not Path(issuer.ca).is_file():
        raise InvalidRequest("expected a file", f"{field}.ca")
    for number, rule in enumerate(issuer.rule):
        _check_rule(rule, f"{field}.rule[{number}]")


def _check_rule(rule: Rule, field: str) -> None:
    if rule.role not in set(Role):
        raise InvalidRequest(f"expected one of {', '.join(Role)}; got {rule.role[:80]!r}", f"{field}.role")
    if (rule.role == Role.PARTICIPANT) is not (rule.participant is not None):
        expected = "which participant it is" if rule.role == Role.PARTICIPANT else f"nothing: the role is {rule.role}"
        raise InvalidRequest(f"expected {expected}", f"{field}.participant")
    if rule.participant is not None:
        check_identifier(rule.participant, f"{field}.participant")
    if (rule.claim is None) is not (rule.value is None):
        raise InvalidRequest("expected a claim and its value, or neither", f"{field}.claim")


def _same(said: object, wanted: object) -> bool:
    """Whether two values are the same, of the same type: true is not 1."""
    return type(said) is type(wanted) and said == wanted
