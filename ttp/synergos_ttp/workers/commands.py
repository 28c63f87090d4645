"""What the TTP asks of a worker by its command port. The routes are written down in docs/wire-formats.md, section 1."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import TypeVar
from urllib.parse import quote

import httptools
import structlog
from msgspec import UNSET

from synergos.domain.addresses import shown
from synergos.domain.asker import NOBODY, Asker
from synergos.domain.catalogue import LARGEST, PUBLISHED, Published
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.outputs import Measured, MissingColumns
from synergos.domain.preparation import TOLD, Prepared
from synergos.domain.reachability import COMMAND, DATA, Answered, are_two_workers, mistake_at
from synergos.domain.release import HEADER, agreed
from synergos.domain.removal import FolderKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import (
    InvalidRequest,
    NotSupported,
    WireFormatError,
    WorkerMistaken,
    WorkerUnreachable,
)
from synergos.identity.channel import Channel
from synergos.identity.statements import Consent
from synergos.learning.possible_preparation import check_preparation, read_preparation
from synergos.schema import Definition
from synergos.wire.answers import COMPARED, CONSENTED, OPENED, POLLED, PREDICTED, Opened, State
from synergos_ttp.holds import Check
from synergos_ttp.traces import NO_LINE, Line
from synergos_ttp.workers.checked import checked
from synergos_ttp.workers.client import Request, Transport, WorkerClient
from synergos_ttp.workers.command_port import CommandPort
from synergos_ttp.workers.limits import LARGE_ANSWER, SMALL_ANSWER, Limits
from synergos_ttp.workers.session_request import SESSION_REQUEST, SessionRequest

log = structlog.get_logger(__name__)

Read = TypeVar("Read")

VERSION = version("synergos")
_LARGEST_HEALTH = 2**16
_NO_HTTP = (httptools.HttpParserError, httptools.HttpParserUpgrade)
_GATEWAYS = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""What something in front of a worker says while the worker is away."""

Tags = Mapping[Purpose, Sequence[Tag]]


class WorkerCommands:
    """Commands to one participant's worker.

    Every method raises what :class:`CommandPort` does: :class:`WorkerUnreachable` when the worker does not answer and
    :class:`WorkerRefused` when it answers no, and what ``check`` raises, which is called while a command takes its time.
    """

    def __init__(
        self,
        node: Node,
        limits: Limits,
        check: Callable[[], None],
        asker: Asker = NOBODY,
        *,
        version: str = VERSION,
        transport: Transport | None = None,
        traced: Line = NO_LINE,
    ) -> None:
        self.node = node
        self.limits = limits
        self.check = check
        self._version = version
        self._transport = transport
        self._asker = asker
        self._consented: tuple[Channel, ProjectKey] | None = None
        # Of all attempts to have datasets prepared together; None before the first.
        self._prepared_by: float | None = None
        self._headers = {"Content-Type": "application/json", HEADER: version, **asker.headers}
        self._port = CommandPort(node, limits, check, self._headers, transport, traced)
        self.introduction = self._port.introduction

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
            address = self.node.data_address
            raise WorkerMistaken(f"{address} belongs to {named}; expected both ports of one worker", self._who)
        self._refuse_strange_release(command.version)
        return command

    def ask_again(self, check: Check) -> None:
        """Make oneself known once more: whether the worker's owner has approved by now.

        Raises:
            WorkerAwaitsApproval: not yet.
        """
        again = WorkerCommands(self.node, self.limits, check, self._asker, transport=self._transport)
        if again.introduction is not None:
            again.introduction.agreed()

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
            with WorkerClient(self.node, port, self.limits, self._transport, self.check) as client:
                answer = client.ask(request)
                # A program that is not ours may go on for ever.
                found = Answered.read(answer.read(_LARGEST_HEALTH))
        except WorkerUnreachable as error:
            if isinstance(error.__cause__, _NO_HTTP):
                raise WorkerMistaken(
                    f"what answers at {shown(self.node.host, port)} speaks no HTTP", self._who
                ) from error
            raise
        if not found.is_ours and answer.status in _GATEWAYS:
            raise WorkerUnreachable(f"{shown(self.node.host, port)} answers with status {answer.status}", self._who)
        if mistake := mistake_at(shown(self.node.host, port), found, wanted):
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
        self._have_consent(project)
        if self._prepared_by is None:
            self._prepared_by = time.monotonic() + self.limits.preparation
        less = {} if minimum_rows is None else {"minimum_rows": minimum_rows}
        asked = self._checked(POLLED, self._port.call("POST", path, {"action": action, "tags": tags, **less}))
        while True:
            self.check()
            left = self._prepared_by - time.monotonic()
            query = {"preparation": asked.preparation, "wait": str(self.limits.long_poll)}
            answer = self._port.call(
                "GET", path, query=query, within=max(left, self.limits.connect), largest=LARGE_ANSWER
            )
            polled = self._checked(POLLED, answer)
            if polled.state is State.COMPLETED:
                return self._prepared(answer, action, tags)
            if polled.state is State.FAILED:
                reason, field = (
                    ("no reason given", None) if polled.error is UNSET else (polled.error.message, polled.error.field)
                )
                raise self._port.refused(reason, field, 422)
            if left <= 0:
                raise self._port.refused(
                    f"its datasets were not prepared within {self.limits.preparation:.0f} s", None, 422
                )

    def _prepared(self, answer: memoryview, action: Action, tags: Tags) -> Prepared:
        found = self._checked(TOLD, answer)
        of_all = (found.headers, found.schemas, found.metadata)
        of_some = (found.statistics, found.digests)
        if any(told.keys() != tags.keys() for told in of_all) or any(told.keys() - tags.keys() for told in of_some):
            raise WireFormatError(f"was asked for {', '.join(tags)} and tells of something else", self._who)
        try:
            prepared = read_preparation(found)
            check_preparation(prepared, action)
        except InvalidRequest as error:
            raise WireFormatError(f"what it tells of its datasets cannot be used: {error}", self._who) from None
        return prepared

    def align(
        self,
        project: ProjectKey,
        action: Action,
        tags: Tags,
        missing_columns: Mapping[str, MissingColumns],
        space: FeatureSpace,
        digests: Mapping[Purpose, Sequence[str]],
        agreement: Mapping[str, object] | None = None,
    ) -> None:
        """Have the worker confirm that its data, the one with these digests, fits the feature space.

        Args:
            agreement: the participant's part in what was agreed, which its worker then keeps.
        """
        self._have_consent(project)
        body = {
            "action": action,
            "tags": tags,
            "alignments": missing_columns,
            "feature_space": space.to_dict(),
            "digests": digests,
            **({} if agreement is None else {"agreement": agreement}),
        }
        self._port.call("POST", _path("align", *project.ids), body)

    def catalogue(self, project: ProjectKey) -> Published:
        """What the worker's owner publishes of its datasets.

        Raises:
            WireFormatError: what it answers is no catalogue.
        """
        self._have_consent(project)
        path, most = _path("catalogue", *project.ids), LARGEST + SMALL_ANSWER
        return self._checked(PUBLISHED, self._port.call("POST", path, {}, largest=most))

    def fingerprints(self, project: ProjectKey, tags: Tags) -> Mapping[Purpose, Sequence[str | None]]:
        """In which state the tagged datasets are, by purpose; nothing of a purpose whose folders may not be used.

        Raises:
            WireFormatError: it tells of others than it was asked for.
        """
        self._have_consent(project)
        answer = self._port.call("POST", _path("fingerprints", *project.ids), {"tags": tags})
        found = self._checked(COMPARED, answer).digests
        if any(len(digests) != len(tags.get(purpose, ())) for purpose, digests in found.items()):
            raise WireFormatError("tells of other datasets than it was asked for", self._who)
        return found

    def open_session(self, run: RunKey, request: SessionRequest) -> Opened:
        """Open a session for one run; what the worker says of the rows it has.

        Raises:
            WireFormatError: it says that more rows can be measured than there are, or tells of other datasets than it was asked for.
        """
        self._have_consent(run.project)
        answer = self._port.call("POST", _run_path("initialise", run), SESSION_REQUEST.write(request))
        opened = self._checked(OPENED, answer)
        for purpose, digests in {} if opened.digests is UNSET else opened.digests.items():
            if len(digests) != len(request.tags.get(purpose, ())):
                raise WireFormatError(
                    f"tells of {len(digests)} {purpose} datasets, and was asked for others", self._who
                )
        for purpose, count in {} if opened.measurable is UNSET else opened.measurable.items():
            if count > (rows := opened.rows.get(purpose, 0)):
                raise WireFormatError(f"says that {count} of its {rows} {purpose} rows can be measured", self._who)
        return opened

    def measure(self, run: RunKey, session_id: str, purpose: Purpose) -> Measured:
        """Have the model that was put into the session measured on the worker's rows.

        Raises:
            WireFormatError: what it answers are no statistics.
            WorkerUnreachable: it takes too long.
        """
        until = time.monotonic() + self.limits.measuring
        body = {"session_id": session_id, "metas": [purpose], "wait": self.limits.long_poll}
        while (left := until - time.monotonic()) > 0:
            self.check()
            within = max(left, self.limits.connect)
            answer = self._port.call("POST", _run_path("predict", run), body, within=within, largest=LARGE_ANSWER)
            results = self._checked(PREDICTED, answer).results
            if results is UNSET:
                continue
            if purpose not in results:
                raise WireFormatError(f"its answer's results.{purpose} is not as agreed; is required", self._who)
            return results[purpose]
        raise WorkerUnreachable(f"no results within {self.limits.measuring:.0f} s", self._who)

    def close_session(self, run: RunKey, session_id: str) -> None:
        """End a session; no matter whether it is still open."""
        self._port.tell(_run_path("terminate", run), {"session_id": session_id})

    def remove(self, folder: FolderKey, purpose: Purpose | None, age: float) -> None:
        """Have the worker remove what it has written of something that was deleted ``age`` seconds ago, and not since."""
        body = {"age": age, **({} if purpose is None else {"metas": [purpose]})}
        self._port.tell(_path("remove", *folder.ids), body)

    def forget_consent(self) -> None:
        """Have the worker sign again that it takes part, the next time that something is asked."""
        self._consented = None

    def _have_consent(self, project: ProjectKey) -> None:
        """Have the worker sign that it takes part in a project as it is registered; a registration counts when it has.

        Raises:
            WorkerForbids: it is another participant's worker, or its registration was replaced.
            WireFormatError: what it has signed is something else.
        """
        own, nonce = self.limits.introductions, self.node.nonce
        if own is None or nonce is None or self.introduction is None or (channel := self.introduction.agreed()) is None:
            return
        if (channel, project) == self._consented:
            return
        asked = {"participant": self._who, "nonce": nonce}
        answer = self._port.call("POST", _path("consent", *project.ids), asked)
        shown = self._checked(CONSENTED, answer).consent
        said = Consent.read(shown)
        expected = (channel.peer, own.keys.now.fingerprint, *project.ids, self._who, nonce)
        found = (said.issuer, said.subject, said.collaboration, said.project, said.participant, said.nonce)
        if found != expected:
            raise WireFormatError("has signed something else than that it takes part in this project", self._who)
        self._consented = (channel, project)
        signature = shown["signature"]
        log.info("a worker has consented", fingerprint=channel.peer, nonce=nonce, signature=signature)

    def _checked(self, definition: Definition[Read], answer: memoryview) -> Read:
        return checked(definition, answer, self._who)


def _path(resource: str, *ids: str) -> str:
    return "/".join(["/worker", resource, *(quote(identifier, safe="") for identifier in ids)])


def _run_path(resource: str, run: RunKey) -> str:
    return _path(resource, *run.ids)
