"""What is known of a message that was sent, and of its answer, when the connection breaks in the middle: where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from synergos.schema import Definition
from synergos.wire import Encoded, Header, Parcel
from synergos_ttp.workers.small_messages import AT_ONCE_BYTES

Count = Annotated[int, Meta(ge=0, le=2**53)]


class Received(Struct, frozen=True):
    """How much of a message has come to a worker.

    Attributes:
        size: bytes; 0 also where a part of it is of no use.
        digest: of the message, see :attr:`synergos.wire.Encoded.digest`; empty where nothing of it is there.
    """

    bytes: Count
    of: Count = 0
    digest: Annotated[str, Meta(max_length=64)] = ""


RECEIVED = Definition(Received, quotes=False)


@dataclass
class Arriving:
    """An answer of which a part has come.

    Attributes:
        digest: of all in front of its tensors, which are ``before`` bytes.
        memory: where its tensors go, and the parcel that is made of it; None where they go into a file, whose own header has
            ``in_front`` bytes.
        position: bytes of the tensors that are there.
    """

    header: Header
    digest: str
    before: int
    memory: NDArray[np.uint8] | None = None
    parcel: Parcel | None = None
    in_front: int = 0
    position: int = 0

    @property
    def left(self) -> int:
        """Bytes that have not come."""
        return self.header.data_bytes - self.position

    @property
    def wanted(self) -> Mapping[str, str]:
        """The header fields of a question for the rest."""
        return {"Range": f"bytes={self.before + self.position}-", "If-Range": f'"{self.digest}"'}


@dataclass
class InHand:
    """A message that was sent, perhaps not to its end, and what has come of the answer.

    Attributes:
        confirmed: bytes of the message that are known to be at the worker.
        answer: None while nothing has come that is worth keeping.
        vain: how many connections in a row have brought nothing further.
    """

    path: str
    message: Encoded
    confirmed: int = 0
    answer: Arriving | None = None
    vain: int = 0
    _reached: int = 0

    def is_of(self, path: str, message: Encoded) -> bool:
        """Whether it is this very message."""
        own = self.message
        return self.path == path and own.header == message.header and own.tensors is message.tensors

    @property
    def is_large(self) -> bool:
        """Whether it is worth waiting for: a small one is as soon sent again."""
        return self.message.whole > AT_ONCE_BYTES

    @property
    def done(self) -> int:
        """Bytes that need not pass again."""
        return self.confirmed if self.answer is None else self.message.whole + self.answer.position

    def go_on(self) -> None:
        """Another connection is to bring it further than the one before."""
        self.vain = 0 if self.done > self._reached else self.vain + 1
        self._reached = self.done

    def rest(self, received: Received) -> Encoded:
        """What is left of the message when so much of it has come; all of it where that is of another one, or of none."""
        own = self.message
        is_own = received.digest == own.digest and received.of == own.whole and received.bytes <= own.whole
        self.confirmed = received.bytes if is_own else 0
        return own.after(self.confirmed)


def rest_headers(rest: Encoded) -> Mapping[str, str]:
    """The header fields that say which message something is the rest of; none for a whole one."""
    return {"Upload-Offset": str(rest.offset), "If-Match": f'"{rest.digest}"'} if rest.offset else {}
