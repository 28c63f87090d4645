"""A worker's data port, as the TTP uses it: weights down, weights up. See docs/wire-formats.md, section 2."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from torch import Tensor

from synergos.domain.grid import Node
from synergos.errors import WireFormatError, WorkerRefused, WorkerUnreachable
from synergos.wire import Encoded, Header, Layout, read_header
from synergos.wire.codec import CHUNK_BYTES, receive, weights_in
from synergos_ttp.stages.round_store import StoredWeights
from synergos_ttp.workers.limits import Limits

_PIECE = 2**20

_ROWS = {"type": "integer", "minimum": 0}
_LOSS = {"type": ["number", "null"]}
_EVALUATION = {
    "type": ["object", "null"],
    "properties": {"rows": _ROWS, "loss": _LOSS},
    "required": ["rows", "loss"],
}
_ROUND = Draft202012Validator(
    {
        "type": "object",
        "properties": {"rows": _ROWS, "train_loss": _LOSS, "evaluation": _EVALUATION},
        "required": ["rows", "train_loss", "evaluation"],
    }
)
_EVALUATED = Draft202012Validator(
    {"type": "object", "properties": {"evaluation": _EVALUATION}, "required": ["evaluation"]}
)


@dataclass(frozen=True)
class Update:
    """What a participant answered to one round.

    Attributes:
        weights: as a state dict; of a large network they are read from their file, one tensor at a time.
        metadata: what docs/wire-formats.md, section 2.1, lists.
    """

    weights: Mapping[str, Tensor]
    metadata: Mapping[str, Any]


class _Connection(http.client.HTTPConnection):
    """Sends what is small together: every packet wakes the worker up, and a small round is no longer than that takes."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._waiting = bytearray()

    def send(self, data: bytes | memoryview) -> None:  # type: ignore[override]
        """Send, or keep until more comes or an answer is wanted."""
        if len(self._waiting) + len(data) <= CHUNK_BYTES:
            self._waiting += data
            return
        self._flush()
        super().send(data)

    def getresponse(self) -> http.client.HTTPResponse:
        """Send what is left, and wait for the answer."""
        self._flush()
        return super().getresponse()

    def close(self) -> None:
        """Let go of the connection, and of what was not sent."""
        self._waiting = bytearray()
        super().close()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        if waiting:
            super().send(waiting)


class DataPlane:
    """One kept-alive connection to one participant's open session; used by one thread at a time.

    Every method raises :class:`WorkerUnreachable`, :class:`WorkerRefused` or :class:`WireFormatError`, each naming the
    participant, and what ``check`` raises, which is called whenever the worker needs more time.
    """

    def __init__(self, node: Node, session_id: str, limits: Limits, check: Callable[[], None]) -> None:
        self.node = node
        self.limits = limits
        self._check = check
        self._root = f"/sessions/{session_id}"
        self._connection: http.client.HTTPConnection | None = None
        self._buffer = bytearray(_PIECE)

    def train(self, number: int, weights: Encoded, expected: Layout, target: Path) -> Update:
        """Run round ``number`` from ``weights``; those of the answer are written to ``target`` unless they are few."""
        response = self._work(f"/rounds/{number}", weights)
        header = self._header(response, expected)
        found = self._weights(response, header, target)
        if header.metadata.get("round") != number:
            raise WireFormatError(
                f"answered round {header.metadata.get('round')} when asked for round {number}", self._who
            )
        self._check_metadata(_ROUND, header.metadata)
        return Update(found, header.metadata)

    def evaluate(self, number: int, weights: Encoded) -> Mapping[str, Any] | None:
        """Measure ``weights`` on the participant's evaluation rows: ``{"rows", "loss"}``, or None when it has none."""
        answer = self._json(self._work(f"/evaluations/{number}", weights))
        self._check_metadata(_EVALUATED, answer)
        evaluation: Mapping[str, Any] | None = answer["evaluation"]
        return evaluation

    def load(self, weights: Encoded) -> None:
        """Put the model into the session that the worker is to be measured with."""
        self._json(self._work("/model", weights))

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _check_metadata(self, expected: Draft202012Validator, found: Mapping[str, Any]) -> None:
        """Refuse an answer whose numbers cannot be calculated with: it must cost a round, not the job."""
        error = best_match(expected.iter_errors(found))
        if error is not None:
            where = ".".join(map(str, error.path)) or "metadata"
            # Not what was found there: it is the participant's.
            wanted = error.schema.get("type", "what belongs there") if isinstance(error.schema, Mapping) else ""
            raise WireFormatError(f"its answer's {where} is not as agreed; expected {wanted}", self._who)

    @property
    def _who(self) -> str:
        return self.node.participant_id

    def _work(self, path: str, weights: Encoded) -> http.client.HTTPResponse:
        """Send weights and wait until the work they ask for is done."""
        deadline = time.monotonic() + self.limits.round
        response = self._request("PUT", path, weights)
        while response.status == http.HTTPStatus.ACCEPTED:
            response.read()
            self._check()
            if time.monotonic() > deadline:
                raise WorkerUnreachable(f"no result within {self.limits.round:.0f} s", self._who)
            response = self._request("GET", path)
        if response.status != http.HTTPStatus.OK:
            answer = self._json(response)
            raise WorkerRefused(str(answer.get("message", "no reason given")), self._who, response.status)
        return response

    def _request(self, method: str, path: str, body: Encoded | None = None) -> http.client.HTTPResponse:
        reused = self._connection is not None
        try:
            return self._send(method, path, body)
        except TimeoutError as error:
            self.close()
            raise WorkerUnreachable(f"no sign of life at {self._address}", self._who) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not reused:
                raise WorkerUnreachable(f"cannot be reached at {self._address}", self._who) from error
        # A kept-alive connection may have been closed at the other end meanwhile. Every request is idempotent.
        try:
            return self._send(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise WorkerUnreachable(f"the connection to {self._address} was lost", self._who) from error

    def _send(self, method: str, path: str, body: Encoded | None) -> http.client.HTTPResponse:
        connection = self._connect()
        connection.putrequest(method, self._root + path)
        connection.putheader("Prefer", f"wait={self.limits.patience:g}")
        if body is not None:
            connection.putheader("Content-Type", "application/octet-stream")
            connection.putheader("Content-Length", str(body.length))
        connection.endheaders()
        if body is not None:
            for view in body.buffers():
                connection.send(view)
        return connection.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            connection = _Connection(self.node.host, self.node.data_port, self.limits.connect)
            connection.connect()
            # A worker answers after `patience` at the latest, and weights come piece by piece.
            connection.sock.settimeout(self.limits.patience + self.limits.stall)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection
        return self._connection

    def _header(self, response: http.client.HTTPResponse, expected: Layout) -> Header:
        try:
            return read_header(response.read, int(response.headers["Content-Length"] or 0), expected)
        except WireFormatError as error:
            self.close()
            raise WireFormatError(str(error), self._who) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._lost() from error

    def _weights(self, response: http.client.HTTPResponse, header: Header, target: Path) -> Mapping[str, Tensor]:
        if header.data_bytes > CHUNK_BYTES:
            self._write(response, header, target)
            return StoredWeights(target)
        # A file would take longer than all else that is done with it before the next round.
        buffer = bytearray(header.data_bytes)
        try:
            receive(response.read, header, buffer)
        except (OSError, http.client.HTTPException, WireFormatError) as error:
            raise self._lost() from error
        response.read()
        return weights_in(buffer, header)

    def _write(self, response: http.client.HTTPResponse, header: Header, target: Path) -> None:
        view = memoryview(self._buffer)
        left = header.data_bytes
        with target.open("wb") as file:
            file.write(Header(header.offsets).to_bytes())
            while left:
                try:
                    count = response.readinto(view[: min(left, _PIECE)])
                except (OSError, http.client.HTTPException) as error:
                    raise self._lost() from error
                if not count:
                    raise self._lost()
                file.write(view[:count])
                left -= count
        response.read()

    def _json(self, response: http.client.HTTPResponse) -> dict[str, Any]:
        try:
            answer = json.loads(response.read())
        except ValueError as error:
            raise WireFormatError(f"what answers at {self._address} is not a Synergos worker", self._who) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._lost() from error
        if not isinstance(answer, dict):
            raise WireFormatError(f"what answers at {self._address} is not a Synergos worker", self._who)
        return answer

    def _lost(self) -> WorkerUnreachable:
        self.close()
        return WorkerUnreachable(f"the connection to {self._address} was lost", self._who)

    @property
    def _address(self) -> str:
        return f"{self.node.host}:{self.node.data_port}"
