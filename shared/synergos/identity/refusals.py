"""What an orchestrator says of a worker that does not let it in: in its own words, as what such an answer says is signed by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

NO_IDENTITY = "shows no identity, as releases without identities do: a TTP asks it with --sealed any alone, and nothing of that is sealed"


def refusal(status: int, address: str, own: str, endorsement: Mapping[str, object] | None) -> str | None:
    """Why a handshake was refused, and what its owner can do; None where that is for another reason than who asks.

    Args:
        status: of the answer; nothing else of it is repeated.
        own: the fingerprint of who asked.
        endorsement: what it has shown of whom it belongs to; one approval is for all of a cluster.
    """
    statement = None if endorsement is None else endorsement["statement"]
    whom = str(statement["issuer"]) if isinstance(statement, Mapping) else own
    if status == HTTPStatus.UNAUTHORIZED:
        return (
            f"the owner of the worker at {address} has not approved of {whom} yet, and does so with:"
            f" synergos peer approve {whom}"
        )
    if status == HTTPStatus.FORBIDDEN:
        return f"the owner of the worker at {address} has revoked its approval of {whom}"
    return None
