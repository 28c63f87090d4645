"""A channel: what two identities say to each other after a handshake. See docs/wire-formats.md, section 4.

AES-256-GCM (NIST SP 800-38D), a key for each direction. Nothing is random about a nonce: it counts. A channel is used by several
connections, each of which has a lane of it; a lane's messages are numbered, and so are the records that a message is cut into.
Who replays, reorders, drops or alters one is found out by the first record, as it is sealed with another number.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synergos.errors import WireFormatError

RECORD = 2**18
"""The most bytes of content in a record. Small enough to stay in a processor's cache."""
_SMALLEST_RECORD = 2**14
_RECORDS = 64
"""How many of a message's records are full ones, at least: what has come of one is lost with its connection."""
TAG = 16
KEY = 32
LONGEST_HEAD = 2**14
LENGTH = struct.Struct(">I")
"""Of a head, in front of it."""
_NONCE = struct.Struct(">III")
_MOST = 2**32 - 1
_LANES = 1024
"""A lane that is so much older than the newest cannot be begun any more: of those in between it is known which were."""


@dataclass(frozen=True)
class Place:
    """Where a message stands in a channel.

    Attributes:
        lane: of the connection.
        message: how many came before it by that connection, in the same direction.
    """

    lane: int
    message: int

    def nonce(self, record: int) -> bytes:
        """Of one of its records; no two of a channel's direction have the same.

        Raises:
            WireFormatError: there are no more.
        """
        if max(self.lane, self.message, record) > _MOST:
            raise WireFormatError("a channel has been used up")
        return _NONCE.pack(self.lane, self.message, record)


def record_size(length: int) -> int:
    """Bytes of content in each record of content of so many, but the last, which has what is left."""
    size = _SMALLEST_RECORD
    while size < RECORD and size * 2 * _RECORDS <= length:
        size *= 2
    return size


def sealed_length(length: int) -> int:
    """Bytes that content of so many takes when it is sealed, without the head."""
    return length + TAG * -(-length // record_size(length))


class Sealing:
    """Seals one message: its head, then its content, piece by piece; used by one thread.

    Args:
        buffer: memory for a record with its tag, which may be used again for the next message.
    """

    def __init__(self, key: AESGCM, place: Place, buffer: bytearray | None = None) -> None:
        self._key = key
        self._place = place
        self._records = 0
        self._record_size = RECORD
        self._buffer = memoryview(bytearray(RECORD + TAG) if buffer is None else buffer)
        # Less than a record, of what was given so far.
        self._gathered = bytearray()

    def head(self, content: bytes, length: int) -> bytes:
        """What comes first, with its length in front; ``length`` is how many bytes are to follow it."""
        self._record_size = record_size(length)
        return LENGTH.pack(len(content) + TAG) + self._key.encrypt(self._next(), content, None)

    def add(self, piece: bytes | memoryview) -> Iterator[memoryview]:
        """The records that are full with another piece. Each is to be sent before the next is asked for: all are in the same memory."""
        view = memoryview(piece).cast("B")
        while view:
            if not self._gathered and len(view) >= self._record_size:
                # Straight from where it is.
                yield self._sealed(view[: self._record_size])
                view = view[self._record_size :]
                continue
            taken = view[: self._record_size - len(self._gathered)]
            self._gathered += taken
            view = view[len(taken) :]
            if len(self._gathered) == self._record_size:
                yield from self.rest()

    def rest(self) -> Iterator[memoryview]:
        """The last record, when everything was given."""
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            yield self._sealed(gathered)

    def content(self, pieces: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
        """All that follows the head, record by record."""
        for piece in pieces:
            yield from self.add(piece)
        yield from self.rest()

    def _sealed(self, record: bytearray | memoryview) -> memoryview:
        target = self._buffer[: len(record) + TAG]
        self._key.encrypt_into(self._next(), record, None, target)
        return target

    def _next(self) -> bytes:
        self._records += 1
        return self._place.nonce(self._records - 1)


class Opening:
    """Opens one message as it comes; used by one thread.

    Args:
        receive: fills memory from its beginning with what comes next; how many bytes, none only at the end.

    Every method raises :class:`WireFormatError` for what was altered, is another message, or ends early.
    """

    def __init__(self, key: AESGCM, place: Place, receive: Callable[[memoryview], int]) -> None:
        self._key = key
        self._place = place
        self._receive = receive
        self._records = 0
        self._record_size = RECORD
        self._left = 0
        self._sealed = memoryview(b"")
        # What was opened and not asked for yet.
        self._early = memoryview(b"")

    def head(self) -> bytes:
        """What comes first."""
        [length] = LENGTH.unpack(self._received(LENGTH.size))
        if not TAG <= length <= LONGEST_HEAD:
            raise WireFormatError("what came is no sealed message")
        return self._opened(self._received(length))

    def expect(self, length: int) -> None:
        """So many bytes of content follow."""
        self._left = length
        self._record_size = record_size(length)

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been read."""
        return not self._left and not self._early

    def read_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with content; how many bytes, none only at the end."""
        if self._early:
            count = min(len(self._early), len(memory))
            memory[:count] = self._early[:count]
            self._early = self._early[count:]
            return count
        size = min(self._record_size, self._left)
        if not size or not memory:
            return 0
        record = self._record(size)
        if len(memory) >= size:
            # Straight to where it is wanted.
            self._open(record, memory[:size])
            return size
        self._early = memoryview(self._opened(record))
        return self.read_into(memory)

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes of content, fewer only at the end."""
        content = bytearray(min(size, self._left + len(self._early)))
        position = 0
        while position < len(content):
            position += self.read_into(memoryview(content)[position:])
        return bytes(content)

    def _record(self, size: int) -> memoryview:
        if len(self._sealed) < size + TAG:
            self._sealed = memoryview(bytearray(size + TAG))
        record = self._sealed[: size + TAG]
        self._fill(record)
        self._left -= size
        return record

    def _received(self, size: int) -> bytes:
        found = bytearray(size)
        self._fill(memoryview(found))
        return bytes(found)

    def _fill(self, memory: memoryview) -> None:
        position = 0
        while position < len(memory):
            count = self._receive(memory[position:])
            if not count:
                raise WireFormatError("a sealed message ended early")
            position += count

    def _opened(self, record: bytes | memoryview) -> bytes:
        content = bytearray(len(record) - TAG)
        self._open(record, memoryview(content))
        return bytes(content)

    def _open(self, record: bytes | memoryview, target: memoryview) -> None:
        nonce = self._place.nonce(self._records)
        self._records += 1
        try:
            self._key.decrypt_into(nonce, record, None, target)
        except InvalidTag as error:
            raise WireFormatError(
                "a sealed message was altered on its way, or is not the one that belongs here"
            ) from error


@dataclass(frozen=True, eq=False)
class Channel:
    """What both ends know of a channel.

    Attributes:
        id: 32 hexadecimal digits, which say nothing to anybody else.
        peer: the fingerprint of the other end.
        asking: the key of requests.
        answering: the key of answers.
    """

    id: str
    peer: str
    asking: AESGCM = field(repr=False)
    answering: AESGCM = field(repr=False)


class Lanes:
    """The lanes of a channel at the end that asks; any thread may take one."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._next = 0
        self._lock = threading.Lock()

    def take(self) -> Lane:
        """One that no connection has had."""
        with self._lock:
            self._next += 1
            return Lane(self.channel, self._next - 1)


class Lane:
    """A connection's lane of a channel, at the end that asks; used by one thread at a time."""

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel = channel
        self.number = number
        self.buffer = bytearray(RECORD + TAG)
        self._messages = 0

    def next(self) -> Place:
        """Where the next message stands, and its answer."""
        self._messages += 1
        return Place(self.number, self._messages - 1)


class Expected:
    """What the end that answers a channel takes: each lane once, its messages in order, each once; any thread may ask."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._newest = -1
        self._lock = threading.Lock()

    def take(self, place: Place) -> None:
        """Take note that a message has come.

        Raises:
            WireFormatError: it came before, or others that belong before it did not.
        """
        with self._lock:
            expected = self._next.get(place.lane, 0)
            is_old = place.lane <= self._newest - _LANES
            if is_old or place.message != expected:
                raise WireFormatError("a sealed message came twice, or out of its order")
            self._next[place.lane] = place.message + 1
            if place.lane > self._newest:
                self._newest = place.lane
                for lane in [lane for lane in self._next if lane <= self._newest - _LANES]:
                    del self._next[lane]
