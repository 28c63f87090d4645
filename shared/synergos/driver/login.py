"""What requests show who they are of: a token that was said, or what a ``.netrc`` file has of the orchestrator."""

from __future__ import annotations

import os

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import get_netrc_auth

from synergos.driver.errors import UsageError

TOKEN_VARIABLE = "SYNERGOS_TOKEN"  # noqa: S105 - the name of a variable
_MOST = 16 * 1024


class Bearer(AuthBase):
    """A token in each request.

    Args:
        said: what the token was given as, for the message.

    Raises:
        UsageError: it cannot stand in a header.
    """

    def __init__(self, token: str, said: str = "token") -> None:
        if (
            not isinstance(token, str)
            or not 0 < len(token) <= _MOST
            or not (token.isascii() and token.isprintable())
            or " " in token
        ):
            raise UsageError("expected a token: letters, digits and signs, without blanks", said)
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """The same request with it."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "Bearer(…)"


def login_for(address: str, token: str | None = None, login: tuple[str, str] | None = None) -> AuthBase | None:
    """What is shown to an orchestrator; None where there is nothing to show.

    Args:
        token: in the place of what the environment says, which is ``SYNERGOS_TOKEN``, then a ``.netrc`` file.
        login: name and password, likewise.

    Raises:
        UsageError: a token is none, or there are both.
    """
    if token is not None and login is not None:
        raise UsageError("say either this or login", "token")
    if token is not None:
        return Bearer(token)
    if login is not None:
        return _password(*login)
    if said := os.environ.get(TOKEN_VARIABLE):
        return Bearer(said, TOKEN_VARIABLE)
    # Asked here, as whoever does without proxies on loopback does without this file too.
    if (known := get_netrc_auth(address)) is None:
        return None
    return _password(*known)


def _password(name: str, password: str) -> AuthBase:
    # As bytes: of text requests takes some letters only.
    return HTTPBasicAuth(name.encode(), password.encode())
