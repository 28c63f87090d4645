"""The flags that turn accounts on, and what a program makes of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import structlog

from synergos.accounts.openid.issuer import Issuer, read_issuers
from synergos.accounts.openid.issuers import OpenIdIssuers
from synergos.accounts.sign_in import SignIn
from synergos.program.flags import add_flag, refusing
from synergos.records.accounts import Accounts
from synergos.records.store import RecordStore

log = structlog.get_logger(__name__)

VARIABLE = "SYNERGOS_AUTH"
ISSUERS_FLAG, ISSUERS_VARIABLE = "--auth_issuers", "SYNERGOS_AUTH_ISSUERS"
_ON, _OFF = "on", "off"


@dataclass(frozen=True)
class Auth:
    """What an orchestrator is told of accounts.

    Attributes:
        is_on: whether nobody is asked anything without one.
        issuers: who vouches for people that have none here.
    """

    is_on: bool = False
    issuers: tuple[Issuer, ...] = ()

    @property
    def bound(self) -> frozenset[str]:
        """The participants that sign in by an issuer."""
        return frozenset(
            rule.participant for issuer in self.issuers for rule in issuer.rule if rule.participant is not None
        )

    def sign_in(self, store: RecordStore, *, in_the_clear: bool = False) -> SignIn | None:
        """What signs people in; None where everybody may everything, which the log says.

        Args:
            in_the_clear: whether passwords and tokens come over a network as they are, which the log says as well.
        """
        if not self.is_on:
            log.warning(
                "no accounts: whoever reaches this port may read, change and delete everything; --auth turns them on"
            )
            return None
        if in_the_clear:
            log.warning(
                "passwords and tokens come by this port as they are: have it speak TLS (--tls_cert), or listen on loopback"
            )
        accounts = Accounts(store)
        if not self.issuers and not accounts.are_there():
            log.warning("there is no account yet, so nobody can sign in; `synergos account add` makes one")
        issuers = OpenIdIssuers(self.issuers) if self.issuers else None
        if issuers is not None:
            issuers.warm()
        return SignIn(accounts, issuers=issuers)


def add_auth_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags; :func:`auth_of` reads them."""
    add_flag(
        parser,
        "--auth",
        nargs="?",
        const=_ON,
        choices=(_ON, _OFF),
        default=_OFF,
        variable=VARIABLE,
        help="whether whoever asks needs an account; without, whoever reaches the port may everything. Accounts are made by"
        " `synergos account add`",
    )
    add_flag(
        parser,
        ISSUERS_FLAG,
        type=Path,
        variable=ISSUERS_VARIABLE,
        metavar="FILE",
        help="of the OpenID providers that vouch for people, and what those are here; takes --auth",
    )


def auth_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Auth:
    """What a command line says of accounts; ends the program with a clear message when that makes no sense."""
    if given.auth not in {_ON, _OFF}:
        parser.error(f"{VARIABLE}: expected on or off, got {given.auth!r}")
    if given.auth_issuers is None:
        return Auth(given.auth == _ON)
    if given.auth == _OFF:
        parser.error(f"{ISSUERS_FLAG}: has no effect without --auth")
    with refusing(parser, ISSUERS_FLAG):
        return Auth(is_on=True, issuers=read_issuers(given.auth_issuers))
