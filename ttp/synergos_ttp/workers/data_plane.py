"""A worker's data port, as the TTP uses it: messages down, answers up. See docs/wire-formats.md, section 2."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeVar

import structlog

from synergos.domain.grid import Node
from synergos.errors import WireFormatError, WorkerUnreachable
from synergos.learning.algorithms import Step
from synergos.wire import Encoded, Header, Layout, Parcel, numbers_of, parcel_of, read_header, stored_parcel
from synergos.wire.answers import EVALUATION_ANSWER, REFUSAL, ROUND_ANSWER, Evaluation, RoundAnswer
from synergos.wire.codec import weights_in
from synergos_ttp.traces import NO_LINE, NO_TRANSFER, Line, Transfer
from synergos_ttp.workers.answer_memory import Destination
from synergos_ttp.workers.checked import checked, refused
from synergos_ttp.workers.client import Answer, Request, Transport, WorkerClient
from synergos_ttp.workers.flow import UNWATCHED, Direction, Flow
from synergos_ttp.workers.interrupted_transfers import RECEIVED, Arriving, InHand, Received, rest_headers
from synergos_ttp.workers.limits import LONGEST_REASON, SMALL_ANSWER, Limits
from synergos_ttp.workers.sealing import Introduction
from synergos_ttp.workers.small_messages import AT_ONCE_BYTES, AT_ONCE_SECONDS

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_PIECE = 2**20
_PATIENCE = 4
"""How many times longer silence is borne by each connection after one that has brought nothing further."""
_NO_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answered:
    """What a participant answered to one exchange of a round.

    Attributes:
        said: beside the tensors and numbers of the parcel.
    """

    parcel: Parcel
    said: RoundAnswer


class DataPlane:
    """One kept-alive connection to one participant's open session; used by one thread at a time.

    Every method raises :class:`WorkerUnreachable`, :class:`WorkerRefused` or :class:`WireFormatError`, each naming the
    participant, and what ``check`` raises, which is called whenever the worker needs more time.
    """

    def __init__(
        self,
        node: Node,
        session_id: str,
        limits: Limits,
        check: Callable[[], None],
        transport: Transport | None = None,
        introduction: Introduction | None = None,
        traced: Line = NO_LINE,
        flow: Flow = UNWATCHED,
    ) -> None:
        self.node = node
        self.limits = limits
        self._check = check
        self._traced = traced
        # An exchange that was begun; the same goes on when the worker needs more time.
        self._begun: tuple[Step, Transfer] | None = None
        self._root = f"/sessions/{session_id}"
        self._client = WorkerClient(node, node.data_port, limits, transport, check, introduction)
        self._flow = flow
        # The message that was sent last and is not answered yet; another connection goes on with it.
        self._in_hand: InHand | None = None

    @property
    def has_cut_transfer(self) -> bool:
        """Whether there is a large message in hand, and with it something that need not pass again."""
        return self._in_hand is not None and self._in_hand.is_large

    @property
    def done(self) -> int:
        """Bytes of the message in hand, and of its answer, that need not pass again."""
        return 0 if self._in_hand is None else self._in_hand.done

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        """Have one exchange of a round done; what is answered.

        Args:
            expected: which tensors an answer has.
            target: where those of an answer go; they are read one at a time where that is a file.
        """
        begun, self._begun = self._begun, None
        with (
            begun[1]
            if begun is not None and begun[0] == step
            else self._transfer("round", message, step.round) as transfer
        ):
            return self._answered(self._taken(self._work(_path(step), message, transfer), step, expected, target))

    def begin(self, step: Step, message: Encoded) -> int | None:
        """Send the message of an exchange, if there is a connection for it, and wait for nothing.

        Returns:
            The file descriptor that becomes readable when the answer begins; None when :meth:`exchange` has to be called.
        """
        transfer = self._transfer("round", message, step.round)
        request = self._request("PUT", _path(step), message, AT_ONCE_SECONDS, AT_ONCE_SECONDS, transfer)
        descriptor = self._client.begin(request)
        self._begun = None if descriptor is None else (step, transfer)
        return descriptor

    def finish(self, step: Step, expected: Layout, target: Destination) -> Answered | None:
        """What is answered to the message that was begun; None when the worker needs more time, which :meth:`exchange` gives.

        See there for the arguments.
        """
        with NO_TRANSFER if self._begun is None else self._begun[1] as transfer:
            answer = self._client.finish(AT_ONCE_SECONDS)
            if answer.status == HTTPStatus.ACCEPTED:
                answer.whole(SMALL_ANSWER)
                transfer.keep_open()
                return None
            self._begun = None
            self._refuse(answer)
            transfer.note(answer.length)
            return self._taken(answer, step, expected, target)

    def _answered(self, answer: Result) -> Result:
        self._in_hand = None
        self._flow.end()
        return answer

    def _taken(self, answer: Answer, step: Step, expected: Layout, target: Destination) -> Answered:
        arriving = self._arriving(answer, expected, target)
        self._flow.begin(
            Direction.RECEIVING, arriving.before + arriving.position, arriving.before + arriving.header.data_bytes
        )
        found = self._parcel(answer, arriving, target)
        answered = (found.metadata.get("round"), found.metadata.get("exchange", 0))
        if answered != (step.round, step.exchange):
            raise WireFormatError(f"answered another exchange when asked for round {step}", self._who)
        return Answered(found, checked(ROUND_ANSWER, found.metadata, self._who))

    def evaluate(self, number: int, weights: Encoded) -> Evaluation | None:
        """Measure ``weights`` on the participant's evaluation rows; None when it has none."""
        with self._transfer("evaluation", weights) as transfer:
            content = self._work(f"/evaluations/{number}", weights, transfer).whole(SMALL_ANSWER)
            return checked(EVALUATION_ANSWER, self._answered(content), self._who).evaluation

    def load(self, weights: Encoded) -> None:
        """Put the model into the session that the worker is to be measured with."""
        with self._transfer("model", weights) as transfer:
            self._answered(self._work("/model", weights, transfer).whole(SMALL_ANSWER))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def _who(self) -> str:
        return self.node.participant_id

    @cached_property
    def _buffer(self) -> bytearray:
        # Only what is read into a file passes through it.
        return bytearray(_PIECE)

    def _transfer(self, what: str, message: Encoded, number: int | None = None) -> Transfer:
        return self._traced.transfer(f"PUT {what}", message.length, number)

    def _work(self, path: str, weights: Encoded, transfer: Transfer) -> Answer:
        """Send weights and wait until the work they ask for is done."""
        deadline = time.monotonic() + self.limits.round
        answer = self._put(path, weights, transfer)
        while answer.status == HTTPStatus.ACCEPTED:
            answer.whole(SMALL_ANSWER)
            self._check()
            if (left := deadline - time.monotonic()) <= 0:
                raise WorkerUnreachable(f"no result within {self.limits.round:.0f} s", self._who)
            answer = self._ask("GET", path, max(left, self.limits.connect), transfer)
        self._refuse(answer)
        transfer.note(answer.length)
        return answer

    def _put(self, path: str, weights: Encoded, transfer: Transfer) -> Answer:
        """Send weights, or what is left of them, or ask for what is left of the answer: as a connection that broke has left it."""
        known = self._in_hand
        if known is None or not known.is_of(path, weights):
            self._in_hand = InHand(path, weights)
            return self._ask("PUT", path, self.limits.round, transfer, weights)
        if known.answer is not None:
            known.go_on()
            return self._ask("GET", path, self.limits.round, transfer, more=known.answer.wanted)
        rest = known.rest(self._received(path, transfer))
        known.go_on()
        log.info("a message goes on", participant=self._who, bytes=rest.offset, of=rest.whole)
        rest = replace(rest, sent=weights.sent)
        answer = self._ask("PUT", path, self.limits.round, transfer, rest, more=rest_headers(rest))
        if not rest.offset or answer.status != HTTPStatus.CONFLICT:
            return answer
        # Something else has come meanwhile, or nothing is there any more.
        answer.whole(SMALL_ANSWER)
        return self._ask("PUT", path, self.limits.round, transfer, weights)

    def _received(self, path: str, transfer: Transfer) -> Received:
        answer = self._ask("GET", f"{path}/received", self.limits.command, transfer)
        if answer.status == HTTPStatus.CONFLICT:
            raise WorkerUnreachable(f"{self.node.data_address} still reads from a connection that broke", self._who)
        # A worker that does not know its session any more says so, and one that cannot go on says the same.
        self._refuse(answer)
        return checked(RECEIVED, answer.whole(SMALL_ANSWER), self._who)

    def _refuse(self, answer: Answer) -> None:
        if answer.status == HTTPStatus.OK or (answer.status == HTTPStatus.PARTIAL_CONTENT and self._is_in_the_middle):
            return
        try:
            reason = checked(REFUSAL, answer.whole(SMALL_ANSWER), self._who).message
        except WireFormatError:
            # Something in front of a worker that is being started again has words of its own; its status counts.
            reason = f"what answers at {self.node.data_address} is not a Synergos worker"
        raise refused(reason[:LONGEST_REASON], self._who, answer.status)

    @property
    def _is_in_the_middle(self) -> bool:
        return self._in_hand is not None and self._in_hand.answer is not None

    def _ask(
        self,
        method: str,
        path: str,
        within: float,
        transfer: Transfer,
        weights: Encoded | None = None,
        more: Mapping[str, str] = _NO_MORE,
    ) -> Answer:
        request = self._request(method, path, weights, self._stall, within, transfer)
        if weights is not None and weights.whole > AT_ONCE_BYTES:
            self._flow.begin(Direction.SENDING, weights.offset, weights.whole)
        is_watched = self._in_hand is not None and self._in_hand.is_large
        return self._client.ask(
            replace(
                request,
                headers={**request.headers, **more},
                moved=self._flow.passed if is_watched else None,
            )
            if more or is_watched
            else request
        )

    @property
    def _stall(self) -> float:
        """Seconds without a byte: a worker answers after ``long_poll`` at the latest, and weights come piece by piece.

        What lies between may pass on whole messages alone, so that nothing comes as long as one passes behind it: where nothing comes
        any further the next connection is given longer.
        """
        usual = self.limits.long_poll + self.limits.stall
        vain = 0 if self._in_hand is None else self._in_hand.vain
        return max(usual, min(usual * math.pow(_PATIENCE, vain), self.limits.outage))

    def _request(
        self, method: str, path: str, weights: Encoded | None, stall: float, within: float, transfer: Transfer
    ) -> Request:
        headers = {"Prefer": f"wait={self.limits.long_poll:g}", **transfer.headers}
        if weights is not None:
            headers["Content-Type"] = "application/octet-stream"
        return Request(method, self._root + path, stall, weights, headers, within=within)

    def _arriving(self, answer: Answer, expected: Layout, target: Destination) -> Arriving:
        """The answer of which more is about to come: from its beginning, or from where it was cut off."""
        known = None if self._in_hand is None else self._in_hand.answer
        if answer.status == HTTPStatus.PARTIAL_CONTENT and known is not None:
            if answer.length != known.left:
                raise WireFormatError(f"answers with {answer.length} bytes when {known.left} were left", self._who)
            log.info("an answer goes on", participant=self._who, bytes=known.position, of=known.header.data_bytes)
            return known
        before = sha256()

        def read(size: int) -> bytes:
            piece = answer.read(size)
            before.update(piece)
            return piece

        try:
            header = read_header(read, answer.length, expected)
        except WireFormatError as error:
            raise WireFormatError(str(error), self._who) from error
        arriving = Arriving(header, before.hexdigest(), answer.length - header.data_bytes)
        arriving.memory = target.memory.take(header.data_bytes)
        if self._in_hand is not None and answer.length > AT_ONCE_BYTES:
            self._in_hand.answer = arriving
        return arriving

    def _parcel(self, answer: Answer, arriving: Arriving, target: Destination) -> Parcel:
        header, memory = arriving.header, arriving.memory
        try:
            if memory is None:
                self._write(answer, arriving, target)
                return replace(stored_parcel(target.path()), metadata=header.metadata)
            if arriving.parcel is None:
                arriving.parcel = parcel_of(weights_in(memory.data, header), header.metadata)
            arrived, begin = target.watch(arriving.parcel), memory.ctypes.data
            while arriving.left:
                self._fill(answer, arriving, memory.data[arriving.position : arriving.position + _PIECE])
                arrived(begin + arriving.position)
            return arriving.parcel
        except WireFormatError as error:
            raise WireFormatError(str(error), self._who) from error

    @staticmethod
    def _fill(answer: Answer, arriving: Arriving, piece: memoryview) -> None:
        try:
            answer.fill(piece)
        finally:
            arriving.position += answer.filled

    def _write(self, answer: Answer, arriving: Arriving, target: Destination) -> None:
        view, header = memoryview(self._buffer), arriving.header
        begins = not arriving.in_front
        with target.create() if begins else target.path().open("r+b") as file:
            if begins:
                arriving.in_front = file.write(Header(header.offsets, numbers_of(header.metadata)).to_bytes())
            file.seek(arriving.in_front + arriving.position)
            while arriving.left:
                start, piece = arriving.position, view[: min(_PIECE, arriving.left)]
                try:
                    self._fill(answer, arriving, piece)
                finally:
                    file.write(piece[: arriving.position - start])
            file.truncate()


def _path(step: Step) -> str:
    return f"/rounds/{step.round}" + (f"/exchanges/{step.exchange}" if step.exchange else "")
