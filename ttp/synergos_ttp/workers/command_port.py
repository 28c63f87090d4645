"""A worker's command port, as the TTP asks it: how a command is given, waited for and answered. See docs/wire-formats.md, section 1."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlencode

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from synergos.domain.grid import Node
from synergos.errors import InvalidRequest, WireFormatError, WorkerRefused, WorkerUnreachable
from synergos.wire.answers import REFUSAL
from synergos_ttp.traces import Line
from synergos_ttp.workers.checked import refused
from synergos_ttp.workers.client import Request, Transport, WorkerClient
from synergos_ttp.workers.limits import LONGEST_REASON, MOST_ENTRIES, SMALL_ANSWER, Limits


class _Envelope(Struct):
    """Around what a command is answered with."""

    data: Raw


_ENVELOPE = Decoder(_Envelope)


class CommandPort:
    """The command port of one participant's worker.

    A command may take long, as long as its worker lives: beside it, the worker is asked for a sign of life every now and
    then. What is given or told raises :class:`WorkerUnreachable` when the worker does not answer, :class:`WorkerRefused`
    when it answers no or is no worker, and :class:`WireFormatError` when its answer has too many entries.

    Args:
        check: called while a command takes its time; what it raises ends that.
        headers: of every request.
        traced: told of every command.

    Attributes:
        introduction: to the worker; None where this TTP introduces itself to nobody.
    """

    def __init__(
        self,
        node: Node,
        limits: Limits,
        check: Callable[[], None],
        headers: Mapping[str, str],
        transport: Transport | None,
        traced: Line,
    ) -> None:
        self._node = node
        self._who = node.participant_id
        self._limits = limits
        self._check = check
        self._headers = headers
        self._transport = transport
        self._traced = traced
        own = limits.introductions
        self.introduction = None if own is None else own.to(node, self._ask_unsealed)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        within: float | None = None,
        largest: int = SMALL_ANSWER,
    ) -> memoryview:
        """Give a command; what is answered, as JSON.

        Args:
            within: seconds that it may take, if those are fewer than commands may.
            largest: bytes that the answer may have.
        """
        seconds = self._limits.command if within is None else min(within, self._limits.command)
        target = f"{path}?{urlencode(query)}" if query else path
        alive = self._signs_of_life(seconds)
        request = Request(method, target, self._limits.stall, _content(body), self._headers, alive, seconds)
        return self._asked(request, largest, self._check)

    def tell(self, path: str, body: Mapping[str, object]) -> None:
        """Ask for what takes no work; also when the job was asked to stop."""
        request = Request("POST", path, self._limits.connect, _content(body), self._headers)
        self._asked(request, SMALL_ANSWER, lambda: None)

    def refused(self, message: str, field: str | None, status: int) -> WorkerRefused:
        """The worker's no, by its status; a reason is named by its field, and cut where it is too long."""
        named = f"{field}: {message}" if field and not message.startswith(field) else message
        if len(named) > LONGEST_REASON:
            named = f"{named[:LONGEST_REASON]}…"
        return refused(named, self._who, status)

    def _asked(self, request: Request, largest: int, check: Callable[[], None]) -> memoryview:
        # What comes behind the first part of a path are ids.
        what = f"{request.method} {request.path.split('/')[2]}"
        with self._traced.transfer(what, 0 if request.body is None else request.body.length) as transfer:
            headers = {**request.headers, **transfer.headers}
            status, content = self._send(replace(request, headers=headers), largest, check)
            transfer.note(len(content))
            return self._data(status, content)

    def _send(self, request: Request, largest: int, check: Callable[[], None]) -> tuple[int, bytes]:
        """Status and content of the answer; of a refusal no more than what reasons take."""
        # A connection each time: commands are few.
        port, introduction = self._node.command_port, self.introduction
        with WorkerClient(self._node, port, self._limits, self._transport, check, introduction) as client:
            answer = client.ask(request)
            is_refusal = answer.status >= HTTPStatus.BAD_REQUEST
            return answer.status, answer.whole(SMALL_ANSWER if is_refusal else largest)

    def _ask_unsealed(self, method: str, path: str, content: bytes | None) -> tuple[int, bytes]:
        """Ask the command port something that is no secret, by a connection of its own; status and content of the answer."""
        body = None if content is None else _Content(content)
        request = Request(method, path, self._limits.connect, body, self._headers)
        with WorkerClient(self._node, self._node.command_port, self._limits, self._transport, self._check) as client:
            answer = client.ask(request)
            return answer.status, answer.whole(SMALL_ANSWER)

    def _signs_of_life(self, seconds: float) -> Callable[[], None]:
        """What is done while the answer to a command has not begun: a command may take so long, as long as its worker lives."""
        deadline = time.monotonic() + seconds
        question = Request("GET", "/health", self._limits.stall, headers=self._headers)

        def look() -> None:
            self._check()
            if time.monotonic() > deadline:
                raise WorkerUnreachable(f"no answer at {self._node.command_address} within {seconds:.0f} s", self._who)
            self._send(question, SMALL_ANSWER, self._check)

        return look

    def _data(self, status: int, content: bytes) -> memoryview:
        """What is in the envelope.

        Raises:
            WorkerRefused: the worker refuses, or it is none.
        """
        if sum(map(content.count, (b",", b"[", b"{"))) > MOST_ENTRIES:
            raise WireFormatError(f"answers with more than {MOST_ENTRIES} entries", self._who)
        strange = self.refused(f"what answers at {self._node.command_address} is not a Synergos worker", None, status)
        try:
            if status >= HTTPStatus.BAD_REQUEST:
                refusal = REFUSAL.decode(content)
                raise self.refused(refusal.message, refusal.field, status)
            data = memoryview(_ENVELOPE.decode(content).data)
        except (InvalidRequest, DecodeError, ValueError, RecursionError):
            raise strange from None
        if not data or data[0] != ord("{"):
            raise strange
        return data


@dataclass(frozen=True)
class _Content:
    content: bytes

    @property
    def length(self) -> int:
        return len(self.content)

    def buffers(self) -> tuple[bytes]:
        return (self.content,)


def _content(body: Mapping[str, object] | None) -> _Content | None:
    return None if body is None else _Content(json.dumps(body, allow_nan=False).encode())
