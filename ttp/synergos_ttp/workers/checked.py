"""Nothing that a worker answers is used before it is checked, and whatever fails there is that participant's failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

import structlog

from synergos.errors import (
    InvalidRequest,
    WireFormatError,
    WorkerAwaitsApproval,
    WorkerConflict,
    WorkerForbids,
    WorkerRefused,
)
from synergos.schema import Definition

log = structlog.get_logger(__name__)

Read = TypeVar("Read")

_OF_VALUES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What Python says of values that are not as somebody expected."""

_REFUSALS: Mapping[int, type[WorkerRefused]] = {
    HTTPStatus.CONFLICT: WorkerConflict,
    HTTPStatus.FORBIDDEN: WorkerForbids,
    HTTPStatus.PRECONDITION_REQUIRED: WorkerAwaitsApproval,
}


def refused(message: str, participant: str, status: int) -> WorkerRefused:
    """A worker's no, by its status."""
    return _REFUSALS.get(status, WorkerRefused)(message, participant, status)


def checked(definition: Definition[Read], answer: bytes | memoryview | Mapping[str, object], participant: str) -> Read:
    """What a worker answered, as the type that holds it.

    Args:
        answer: JSON as text, or as it has been decoded with a message's header.

    Raises:
        WireFormatError: names the participant and the first field that is not as agreed, and repeats nothing of it.
    """
    try:
        return definition.read(answer) if isinstance(answer, Mapping) else definition.decode(answer)
    except InvalidRequest as error:
        where = error.field or "content"
        reason = str(error).removeprefix(f"{where}: ")
        raise WireFormatError(f"its answer's {where} is not as agreed; {reason}", participant) from None


@contextmanager
def blaming(participant: str) -> Iterator[None]:
    """Whatever is done here is done with what one participant answered: if that cannot be, it is the only one who fails.

    Raises:
        WireFormatError: in the place of errors that say no more than that a value is not as somebody expected; they are logged.
    """
    try:
        yield
    except _OF_VALUES as error:
        log.exception("an answer that nobody foresaw", participant=participant)
        kind = type(error).__name__
        raise WireFormatError(
            f"what it answers cannot be used ({kind}; the TTP's log has the details)", participant
        ) from error
