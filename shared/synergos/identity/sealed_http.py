"""How a request to a worker, and its answer, go by a channel: inside the content of another request, which says nothing of them.

See docs/wire-formats.md, section 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.channel import Place
from synergos.schema import Definition

IDENTITY, HANDSHAKE, SEALED = "/identity", "/handshake", "/sealed/"
CONTENT_TYPE = "application/octet-stream"

_PATH = re.compile(f"{SEALED}([0-9a-f]{{32}})/([0-9]{{1,10}})/([0-9]{{1,10}})")


class RequestHead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a request that was sealed.

    Attributes:
        target: path and query, quoted.
        length: bytes of its content.
        has_content: whether it has any, be it none.
    """

    method: Annotated[str, Meta(pattern="^[A-Z]{1,16}$")]
    target: Annotated[str, Meta(pattern="^/[!-~]*$", max_length=2**13)]
    headers: Mapping[str, str] = {}
    length: Annotated[int, Meta(ge=0, le=2**53)] = 0
    has_content: bool = False


class AnswerHead(Struct, frozen=True, kw_only=True):
    """Of an answer."""

    status: Annotated[int, Meta(ge=200, le=599)]
    type: Annotated[str, Meta(max_length=200)]
    length: Annotated[int, Meta(ge=0, le=2**53)]


REQUEST_HEAD = Definition(RequestHead, quotes=False)
ANSWER_HEAD = Definition(AnswerHead, quotes=False)


def path_of(channel: str, place: Place) -> str:
    """Where a message of a channel is sent."""
    return f"{SEALED}{channel}/{place.lane}/{place.message}"


def place_in(path: str) -> tuple[str, Place] | None:
    """The channel that a path names, and the message's place in it; None where it names none."""
    found = _PATH.fullmatch(path)
    return None if found is None else (found[1], Place(int(found[2]), int(found[3])))


def request_head(content: bytes) -> RequestHead:
    """The head of a request.

    Raises:
        WireFormatError: it is none.
    """
    try:
        return REQUEST_HEAD.decode(content)
    except InvalidRequest as error:
        raise WireFormatError(f"a sealed request is not as agreed: {error}") from None


def answer_head(content: bytes) -> AnswerHead:
    """The head of an answer; raises what :func:`request_head` does."""
    try:
        return ANSWER_HEAD.decode(content)
    except InvalidRequest as error:
        raise WireFormatError(f"a sealed answer is not as agreed: {error}") from None
