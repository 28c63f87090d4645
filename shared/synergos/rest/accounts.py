"""Signing in and out: which account the request is of, and its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar

from flask import Response

from synergos.accounts.sign_in import SignedIn, SignIn
from synergos.bodies.tokens import NEW_TOKEN
from synergos.errors import NotSupported
from synergos.orchestration.access import Access
from synergos.records.accounts import Token
from synergos.rest.api import Route
from synergos.rest.body import json_object
from synergos.rest.caller import caller, signed_in
from synergos.rest.envelope import success
from synergos.rest.resource import ABOUT_CHECKING, CHECK, Resource, is_wanted

OWNED = "owned"
"""The query parameter of who one is, by which it is said what belongs to one."""


def routes(sign_in: SignIn | None, access: Access) -> list[Route]:
    """The routes below ``/ttp``."""
    about_owned = "true: say also which collaborations belong to you, and which participants you act for"
    return [
        Route("Account", OwnAccount, access, ("/account",), "accounts", parameters={OWNED: about_owned}),
        Route("Tokens", TokenCollection, sign_in, ("/tokens",), "accounts", NEW_TOKEN),
        Route("Token", SingleToken, sign_in, ("/tokens/<token_id>",), "accounts"),
    ]


class _AccountResource(Resource):
    def __init__(self, api: object, sign_in: SignIn | None) -> None:
        super().__init__(api)
        self._sign_in = sign_in

    @property
    def sign_in(self) -> SignIn:
        """What signs people in.

        Raises:
            NotSupported: nothing does.
        """
        if self._sign_in is None:
            raise NotSupported("this orchestrator has no accounts: it was started without --auth")
        return self._sign_in


class OwnAccount(Resource):
    """Who you are to this orchestrator."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": (OWNED,)}

    def __init__(self, api: object, access: Access) -> None:
        super().__init__(api)
        self._access = access

    def get(self) -> Response:
        """Read it: name, role, participant, and until when what you have signed in with holds."""
        told = {"kind": "Account", **_account(_who())}
        if is_wanted(OWNED):
            who = caller()
            told |= {"collaborations": self._access.owned(who), "participants": self._access.acted_for(who)}
        return success("account.get", told)


class TokenCollection(_AccountResource):
    """Your tokens."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"POST": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {"post": {"params": ABOUT_CHECKING}}

    def get(self) -> Response:
        """List those that have not expired; what is secret in them nobody knows any more."""
        return success("tokens.get", [_shown(token) for token in self.sign_in.tokens_of(_who())])

    def post(self) -> Response:
        """Sign in: be given a token, which is told this once. One that is asked for with a token expires no later than that one."""
        wanted = NEW_TOKEN.read(json_object())
        is_rehearsal = is_wanted(CHECK)
        life = timedelta(seconds=wanted.expires_in)
        token, text = self.sign_in.new_token(_who(), life, wanted.label, is_rehearsal=is_rehearsal)
        if is_rehearsal:
            return success("tokens.check", _shown(token) | {"id": None})
        more = {"token": text, "account": _account(_who())}
        return success(
            "tokens.post", {**_shown(token), **more}, HTTPStatus.CREATED, headers={"Cache-Control": "no-store"}
        )


class SingleToken(_AccountResource):
    """One of your tokens."""

    def delete(self, token_id: str) -> Response:
        """Sign out: it is good for nothing from now on."""
        return success("token.delete", _shown(self.sign_in.revoke(_who(), token_id)))


def _who() -> SignedIn:
    """Whose the request at hand is.

    Raises:
        NotSupported: nobody can be told from others.
    """
    found = signed_in()
    if found is None:
        raise NotSupported("this orchestrator has no accounts: it was started without --auth")
    return found


def _account(who: SignedIn) -> Mapping[str, object]:
    return {
        "name": who.name,
        "role": who.role.value,
        "participant_id": who.participant,
        "token": who.token,
        "expires_at": None if who.until is None else who.until.isoformat(),
    }


def _shown(token: Token) -> dict[str, object]:
    return {
        "kind": "Token",
        "id": token.id,
        "label": token.label,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
    }
