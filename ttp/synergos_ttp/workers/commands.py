"""A worker's command port, as the TTP calls it. The routes are written down in docs/wire-formats.md, section 1."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, urlencode

import httptools
import structlog

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.outputs import MEASURED, Measured
from synergos.domain.preparation import PREPARED, Prepared
from synergos.domain.reachability import COMMAND, DATA, Answered, are_two_workers, mistake_at
from synergos.domain.release import HEADER, agreed
from synergos.domain.removal import FolderKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import (
    InvalidRequest,
    NotSupported,
    WireFormatError,
    WorkerConflict,
    WorkerMistaken,
    WorkerRefused,
    WorkerUnreachable,
)
from synergos_ttp.workers.client import Request, WorkerClient
from synergos_ttp.workers.limits import Limits

log = structlog.get_logger(__name__)

VERSION = version("synergos")
_LARGEST_HEALTH = 2**16
_NO_HTTP = (httptools.HttpParserError, httptools.HttpParserUpgrade)
_GATEWAYS = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""What something in front of a worker says while the worker is away."""

Tags = Mapping[Purpose, Sequence[Tag]]


class WorkerCommands:
    """Commands to one participant's worker.

    A command may take long, as long as its worker lives: beside it, the worker is asked for a sign of life every now and
    then. Every method raises :class:`WorkerUnreachable` when the worker does not answer and :class:`WorkerRefused` when
    it answers no, and what ``check`` raises, which is called while a command takes its time.
    """

    def __init__(
        self,
        node: Node,
        limits: Limits,
        check: Callable[[], None],
        asker: Asker = NOBODY,
        *,
        version: str = VERSION,
    ) -> None:
        self.node = node
        self.limits = limits
        self.check = check
        self._version = version
        self._headers = {"Content-Type": "application/json", HEADER: version, **asker.headers}

    def greet(self) -> Answered:
        """Make sure that the worker is there, on both its ports, and speaks as this TTP does, before something may take long.

        Returns:
            What it says of itself.

        Raises:
            WorkerMistaken: somebody else is; or a port is the other one, or another worker's; or its version and this TTP's do
                not go together.
        """
        command, data = (self._found_at(port, wanted) for wanted, port in self._ports)
        if are_two_workers(command, data):
            named = f"{data.component_id}, and the command port to {command.component_id}"
            address = f"{self.node.host}:{self.node.data_port}"
            raise WorkerMistaken(f"{address} belongs to {named}; expected both ports of one worker", self._who)
        self._refuse_strange_release(command.version)
        return command

    def _refuse_strange_release(self, theirs: str | None) -> None:
        try:
            speaks = agreed(self._version, "this TTP", theirs, "the worker")
        except NotSupported as error:
            raise WorkerMistaken(str(error), self._who) from None
        if theirs not in (None, self._version):
            log.info("worker of another version", worker=theirs, ttp=self._version, speaks=speaks)

    @property
    def _ports(self) -> tuple[tuple[str, int], tuple[str, int]]:
        return (COMMAND, self.node.command_port), (DATA, self.node.data_port)

    def _found_at(self, port: int, wanted: str) -> Answered:
        request = Request("GET", "/health", self.limits.connect, headers=self._headers)
        try:
            with WorkerClient(self.node, port, self.limits) as client:
                answer = client.ask(request)
                # A program that is not ours may go on for ever.
                found = Answered.read(answer.read(_LARGEST_HEALTH))
        except WorkerUnreachable as error:
            if isinstance(error.__cause__, _NO_HTTP):
                raise WorkerMistaken(f"what answers at {self.node.host}:{port} speaks no HTTP", self._who) from error
            raise
        if not found.is_ours and answer.status in _GATEWAYS:
            raise WorkerUnreachable(f"{self.node.host}:{port} answers with status {answer.status}", self._who)
        if mistake := mistake_at(f"{self.node.host}:{port}", found, wanted):
            raise WorkerMistaken(mistake, self._who)
        return found

    @property
    def _who(self) -> str:
        return self.node.participant_id

    def prepare(self, project: ProjectKey, action: Action, tags: Tags, minimum_rows: int | None = None) -> Prepared:
        """Have the tagged datasets read; what the worker says of them.

        Args:
            minimum_rows: how many rows have to share what is said, should the worker's own limit be lower.

        Raises:
            WorkerRefused: the data cannot be used, with the worker's reason, or takes too long.
            WireFormatError: what it says is not what is said of datasets.
        """
        path = _path("poll", *project.ids)
        deadline = time.monotonic() + self.limits.preparation
        less = {} if minimum_rows is None else {"minimum_rows": minimum_rows}
        asked = self._call("POST", path, {"action": action, "tags": tags, **less})
        while True:
            self.check()
            query = {"preparation": asked["preparation"], "wait": str(self.limits.long_poll)}
            state = self._call("GET", path, query=query)
            if state["state"] == "completed":
                return self._prepared(state)
            if state["state"] == "failed":
                raise self._refused(state["error"]["message"], state["error"].get("field"), 422)
            if time.monotonic() > deadline:
                raise self._refused(f"its datasets were not prepared within {self.limits.preparation:.0f} s", None, 422)

    def _prepared(self, answer: Mapping[str, Any]) -> Prepared:
        try:
            return PREPARED.read(answer)
        except InvalidRequest as error:
            raise WireFormatError(f"what it prepared is not as agreed: {error}", self._who) from None

    def align(
        self,
        project: ProjectKey,
        action: Action,
        tags: Tags,
        missing_columns: Mapping[str, Any],
        space: FeatureSpace,
        digests: Mapping[Purpose, Sequence[str]],
        agreement: Mapping[str, Any] | None = None,
    ) -> None:
        """Have the worker confirm that its data, the one with these digests, fits the feature space.

        Args:
            agreement: the participant's part in what was agreed, which its worker then keeps.
        """
        body = {
            "action": action,
            "tags": tags,
            "alignments": missing_columns,
            "feature_space": space.to_dict(),
            "digests": digests,
            **({} if agreement is None else {"agreement": agreement}),
        }
        self._call("POST", _path("align", *project.ids), body)

    def open_session(self, run: RunKey, body: Mapping[str, Any]) -> dict[str, int]:
        """Open a session for one run; how many rows the worker has for each purpose."""
        rows: dict[str, int] = self._call("POST", _run_path("initialise", run), body)["rows"]
        return rows

    def measure(self, run: RunKey, session_id: str, purpose: Purpose) -> Measured:
        """Have the model that was put into the session measured on the worker's rows.

        Raises:
            WireFormatError: what it answers are no statistics.
        """
        body = {"session_id": session_id, "metas": [purpose], "wait": self.limits.long_poll}
        while True:
            self.check()
            answer = self._call("POST", _run_path("predict", run), body)
            if "results" in answer:
                return self._measured(answer["results"], purpose)

    def _measured(self, results: Any, purpose: Purpose) -> Measured:
        try:
            return MEASURED.read(results[purpose])
        except (InvalidRequest, KeyError, TypeError) as error:
            reason = str(error) if isinstance(error, InvalidRequest) else "there are none"
            raise WireFormatError(f"its statistics are not as agreed: {reason}", self._who) from None

    def close_session(self, run: RunKey, session_id: str) -> None:
        """End a session; no matter whether it is still open."""
        self._call("POST", _run_path("terminate", run), {"session_id": session_id}, timeout=self.limits.connect)

    def remove(self, folder: FolderKey, purpose: Purpose | None, age: float) -> None:
        """Have the worker remove what it has written of something that was deleted ``age`` seconds ago, and not since."""
        body = {"age": age, **({} if purpose is None else {"metas": [purpose]})}
        self._call("POST", _path("remove", *folder.ids), body, timeout=self.limits.connect)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        return self._data(*self._send(method, path, body, query, timeout))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> tuple[int, bytes]:
        """Status and content of the answer; ``timeout`` is for a question that takes no work, None for one that may."""
        request = Request(
            method,
            f"{path}?{urlencode(query)}" if query else path,
            self.limits.stall if timeout is None else timeout,
            None if body is None else _Content(json.dumps(body, allow_nan=False).encode()),
            self._headers,
            self._signs_of_life() if timeout is None else None,
        )
        # A connection each time: commands are few.
        with WorkerClient(self.node, self.node.command_port, self.limits) as client:
            answer = client.ask(request)
            return answer.status, answer.read()

    def _signs_of_life(self) -> Callable[[], None]:
        """What is done while the answer to a command has not begun: a command may take so long, as long as its worker lives."""
        deadline = time.monotonic() + self.limits.command

        def look() -> None:
            self.check()
            if time.monotonic() > deadline:
                seconds = f"{self.limits.command:.0f} s"
                raise WorkerUnreachable(f"no answer at {self._address} within {seconds}", self._who)
            self._send("GET", "/health", timeout=self.limits.stall)

        return look

    def _data(self, status: int, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._refused(f"what answers at {self._address} is not a Synergos worker", None, status)
        if status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(str(answer.get("message")), answer.get("field"), status)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise self._refused(f"what answers at {self._address} is not a Synergos worker", None, status)
        return data

    @property
    def _address(self) -> str:
        return f"{self.node.host}:{self.node.command_port}"

    def _refused(self, message: str, field: object, status: int) -> WorkerRefused:
        named = f"{field}: {message}" if field and not message.startswith(str(field)) else message
        kind = WorkerConflict if status == HTTPStatus.CONFLICT else WorkerRefused
        return kind(named, self._who, status)


@dataclass(frozen=True)
class _Content:
    content: bytes

    @property
    def length(self) -> int:
        return len(self.content)

    def buffers(self) -> tuple[bytes]:
        return (self.content,)


def _path(resource: str, *ids: str) -> str:
    return "/".join(["/worker", resource, *(quote(identifier, safe="") for identifier in ids)])


def _run_path(resource: str, run: RunKey) -> str:
    return _path(resource, *run.ids)
