"""A worker's data port, as the TTP uses it: messages down, answers up. See docs/wire-formats.md, section 2."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from synergos.domain.grid import Node
from synergos.errors import WireFormatError, WorkerUnreachable
from synergos.learning.algorithms import Step
from synergos.wire import Encoded, Header, Layout, Parcel, numbers_of, parcel_of, read_header, stored_parcel
from synergos.wire.answers import EVALUATION_ANSWER, REFUSAL, ROUND_ANSWER, Evaluation, RoundAnswer
from synergos.wire.codec import weights_in
from synergos_ttp.workers.answer_memory import Destination
from synergos_ttp.workers.checked import checked, refused
from synergos_ttp.workers.client import PLAIN, Answer, Request, Transport, WorkerClient
from synergos_ttp.workers.limits import LONGEST_REASON, SMALL_ANSWER, Limits
from synergos_ttp.workers.prompt import AT_ONCE_SECONDS

_PIECE = 2**20


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
        transport: Transport = PLAIN,
    ) -> None:
        self.node = node
        self.limits = limits
        self._check = check
        self._root = f"/sessions/{session_id}"
        self._client = WorkerClient(node, node.data_port, limits, transport, check)
        self._buffer = bytearray(_PIECE)

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        """Have one exchange of a round done; what is answered.

        Args:
            expected: which tensors an answer has.
            target: where those of an answer go; they are read one at a time where that is a file.
        """
        return self._taken(self._work(_path(step), message), step, expected, target)

    def begin(self, step: Step, message: Encoded) -> int | None:
        """Send the message of an exchange, if there is a connection for it, and wait for nothing.

        Returns:
            The file descriptor that becomes readable when the answer begins; None when :meth:`exchange` has to be called.
        """
        return self._client.begin(self._request("PUT", _path(step), message, AT_ONCE_SECONDS, AT_ONCE_SECONDS))

    def finish(self, step: Step, expected: Layout, target: Destination) -> Answered | None:
        """What is answered to the message that was begun; None when the worker needs more time, which :meth:`exchange` gives.

        See there for the arguments.
        """
        answer = self._client.finish(AT_ONCE_SECONDS)
        if answer.status == HTTPStatus.ACCEPTED:
            answer.whole(SMALL_ANSWER)
            return None
        self._refuse(answer)
        return self._taken(answer, step, expected, target)

    def _taken(self, answer: Answer, step: Step, expected: Layout, target: Destination) -> Answered:
        header = self._header(answer, expected)
        found = self._parcel(answer, header, target)
        answered = (found.metadata.get("round"), found.metadata.get("exchange", 0))
        if answered != (step.round, step.exchange):
            raise WireFormatError(f"answered another exchange when asked for round {step}", self._who)
        return Answered(found, checked(ROUND_ANSWER, found.metadata, self._who))

    def evaluate(self, number: int, weights: Encoded) -> Evaluation | None:
        """Measure ``weights`` on the participant's evaluation rows; None when it has none."""
        answer = self._work(f"/evaluations/{number}", weights)
        return checked(EVALUATION_ANSWER, answer.whole(SMALL_ANSWER), self._who).evaluation

    def load(self, weights: Encoded) -> None:
        """Put the model into the session that the worker is to be measured with."""
        self._work("/model", weights).whole(SMALL_ANSWER)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def _who(self) -> str:
        return self.node.participant_id

    def _work(self, path: str, weights: Encoded) -> Answer:
        """Send weights and wait until the work they ask for is done."""
        deadline = time.monotonic() + self.limits.round
        answer = self._ask("PUT", path, self.limits.round, weights)
        while answer.status == HTTPStatus.ACCEPTED:
            answer.whole(SMALL_ANSWER)
            self._check()
            if (left := deadline - time.monotonic()) <= 0:
                raise WorkerUnreachable(f"no result within {self.limits.round:.0f} s", self._who)
            answer = self._ask("GET", path, max(left, self.limits.connect))
        self._refuse(answer)
        return answer

    def _refuse(self, answer: Answer) -> None:
        if answer.status == HTTPStatus.OK:
            return
        try:
            reason = checked(REFUSAL, answer.whole(SMALL_ANSWER), self._who).message
        except WireFormatError:
            # Something in front of a worker that is being started again has words of its own; its status counts.
            reason = f"what answers at {self.node.host}:{self.node.data_port} is not a Synergos worker"
        raise refused(reason[:LONGEST_REASON], self._who, answer.status)

    def _ask(self, method: str, path: str, within: float, weights: Encoded | None = None) -> Answer:
        # A worker answers after `long_poll` at the latest, and weights come piece by piece.
        return self._client.ask(self._request(method, path, weights, self.limits.long_poll + self.limits.stall, within))

    def _request(self, method: str, path: str, weights: Encoded | None, stall: float, within: float) -> Request:
        headers = {"Prefer": f"wait={self.limits.long_poll:g}"}
        if weights is not None:
            headers["Content-Type"] = "application/octet-stream"
        return Request(method, self._root + path, stall, weights, headers, within=within)

    def _header(self, answer: Answer, expected: Layout) -> Header:
        try:
            return read_header(answer.read, answer.length, expected)
        except WireFormatError as error:
            raise WireFormatError(str(error), self._who) from error

    def _parcel(self, answer: Answer, header: Header, target: Destination) -> Parcel:
        try:
            memory = target.memory.take(header.data_bytes)
            if memory is None:
                self._write(answer, header, target)
                return replace(stored_parcel(target.path), metadata=header.metadata)
            parcel = parcel_of(weights_in(memory.data, header), header.metadata)
            arrived, begin = target.watch(parcel), memory.ctypes.data
            for start in range(0, header.data_bytes, _PIECE):
                piece = memory.data[start : start + _PIECE]
                answer.fill(piece)
                arrived(begin + start + len(piece))
            return parcel
        except WireFormatError as error:
            raise WireFormatError(str(error), self._who) from error

    def _write(self, answer: Answer, header: Header, target: Destination) -> None:
        view = memoryview(self._buffer)
        with target.create() as file:
            file.write(Header(header.offsets, numbers_of(header.metadata)).to_bytes())
            for start in range(0, header.data_bytes, _PIECE):
                piece = view[: min(_PIECE, header.data_bytes - start)]
                answer.fill(piece)
                file.write(piece)
            file.truncate()


def _path(step: Step) -> str:
    return f"/rounds/{step.round}" + (f"/exchanges/{step.exchange}" if step.exchange else "")
