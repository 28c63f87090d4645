"""The driver: everything an orchestrator can be asked, from Python."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from synergos.driver.addresses import checked_host, checked_port
from synergos.driver.alignments import AlignmentTask
from synergos.driver.catalogue import CatalogueTask
from synergos.driver.collaborations import CollaborationTask
from synergos.driver.errors import UsageError
from synergos.driver.experiments import ExperimentTask
from synergos.driver.invitations import InvitationTask
from synergos.driver.jobs import JobTask
from synergos.driver.login import login_for
from synergos.driver.models import ModelTask
from synergos.driver.nodes import NodeTask
from synergos.driver.optimizations import OptimizationTask
from synergos.driver.participants import ParticipantTask
from synergos.driver.predictions import PredictionTask
from synergos.driver.projects import ProjectTask
from synergos.driver.registrations import RegistrationTask
from synergos.driver.removals import RemovalTask
from synergos.driver.runs import RunTask
from synergos.driver.tags import TagTask
from synergos.driver.tls import Tls
from synergos.driver.tokens import TokenTask
from synergos.driver.transport import Transport
from synergos.driver.validations import ValidationTask
from synergos.driver.vocabulary import VocabularyTask


class Driver:
    """Talks to one orchestrator: the TTP of a Basic or Plus grid, or the director of a cluster.

    Every call returns the orchestrator's answer as a dict: ``answer["data"]`` is a record or a list of records, and
    ``answer["status"]`` the HTTP status. An error answer has ``answer["message"]`` and no ``data``; with
    ``raise_errors=True`` it is raised as :class:`~synergos.driver.errors.DriverError` instead. A server that cannot be
    reached, or is no orchestrator, is always raised. Answers show themselves as tables; what they hold is as JSON has it.

    Each attribute (``driver.projects``, …) is a fresh group of calls on every access: keep it in a variable while
    ``configure_…`` or ``add_node`` gather what the next ``create`` sends.

    One driver may be used from several threads, for instance to follow ``jobs`` while a stage request blocks.

    Args:
        host: name or address of the orchestrator.
        port: its command port, 5000 unless it was told otherwise.
        is_secured: speak https instead of http; who it is gets verified, always.
        timeout: seconds to wait for an answer. By default a minute for what only looks, five for what changes a record, and as
            long as it takes for stage requests, which on a Basic grid answer when the work is done. Connecting always has a
            time limit.
        raise_errors: raise error answers as exceptions, and jobs that were waited for and failed. Without it error answers
            are returned, as by the original's client.
        tls_ca: a PEM file of who vouches for the orchestrator, and of what those have revoked; by default ``SYNERGOS_TLS_CA``, then
            whom the library believes (``REQUESTS_CA_BUNDLE``).
        tls_cert: a certificate of yours, for an orchestrator that wants one; by default ``SYNERGOS_TLS_CERT``.
        tls_key: of that certificate; by default ``SYNERGOS_TLS_KEY``.
        token: signs in at an orchestrator with accounts; by default ``SYNERGOS_TOKEN``, then what a ``.netrc`` file has of the host.
        login: name and password of an account, in the place of a token.

    Raises:
        UsageError: host or port cannot be one, or a file is not what it is to be.

    Example:
        >>> driver = Driver("127.0.0.1", 5000, raise_errors=True)  # doctest: +SKIP
        >>> driver.collaborations.create("hospitals")["data"]["key"]  # doctest: +SKIP
        {'collab_id': 'hospitals'}
    """

    def __init__(
        self,
        host: str,
        port: int,
        is_secured: bool = False,
        timeout: float | None = None,
        raise_errors: bool = False,
        tls_ca: str | Path | None = None,
        tls_cert: str | Path | None = None,
        tls_key: str | Path | None = None,
        *,
        token: str | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.host = checked_host(host)
        self.port = checked_port(port)
        self.is_secured = is_secured
        if not is_secured and (tls_ca or tls_cert or tls_key):
            raise UsageError("expected with is_secured=True: nothing is verified by http", "tls_ca")
        self.tls = Tls.of(tls_ca, tls_cert, tls_key) if is_secured else None
        self._transport = Transport(self.address, timeout, raise_errors, self.tls)
        self._transport.sign_in(login_for(self.address, token, login))

    @property
    def address(self) -> str:
        """``http://host:port``, or ``https://…`` when secured."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secured else 'http'}://{host}:{self.port}"

    def close(self) -> None:
        """Let the connections to the orchestrator go."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"Driver of {self.address}{', which raises errors' if self._transport.raise_errors else ''}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def collaborations(self) -> CollaborationTask:
        """Who works together, and which shared services they use."""
        return CollaborationTask(self._transport)

    @property
    def projects(self) -> ProjectTask:
        """What a collaboration wants to predict."""
        return ProjectTask(self._transport)

    @property
    def experiments(self) -> ExperimentTask:
        """The networks a project tries."""
        return ExperimentTask(self._transport)

    @property
    def runs(self) -> RunTask:
        """The hyperparameters an experiment tries."""
        return RunTask(self._transport)

    @property
    def participants(self) -> ParticipantTask:
        """The organisations that hold data."""
        return ParticipantTask(self._transport)

    @property
    def invitations(self) -> InvitationTask:
        """Which participants may register for a project; whose its collaboration is invites them."""
        return InvitationTask(self._transport)

    @property
    def registrations(self) -> RegistrationTask:
        """Which participants take part in which project, and where their workers listen."""
        return RegistrationTask(self._transport)

    @property
    def nodes(self) -> NodeTask:
        """Which of the registered workers the orchestrator reaches."""
        return NodeTask(self._transport)

    @property
    def catalogue(self) -> CatalogueTask:
        """Which datasets participants have, as far as they publish it, and what a model was made of."""
        return CatalogueTask(self._transport)

    @property
    def tokens(self) -> TokenTask:
        """Who you are to the orchestrator, and what signs you in there."""
        return TokenTask(self._transport)

    @property
    def tags(self) -> TagTask:
        """Which of its datasets a participant gives to a project."""
        return TagTask(self._transport)

    @property
    def alignments(self) -> AlignmentTask:
        """Stage 1: agree on one feature space."""
        return AlignmentTask(self._transport)

    @property
    def models(self) -> ModelTask:
        """Stage 2: train."""
        return ModelTask(self._transport)

    @property
    def optimizations(self) -> OptimizationTask:
        """Stage 2: look for good hyperparameters."""
        return OptimizationTask(self._transport)

    @property
    def validations(self) -> ValidationTask:
        """Stage 3: measure a trained model on the participants' evaluation data."""
        return ValidationTask(self._transport)

    @property
    def predictions(self) -> PredictionTask:
        """Stage 3: predict one participant's data with a trained model."""
        return PredictionTask(self._transport)

    @property
    def removals(self) -> RemovalTask:
        """Files of what was deleted that are not gone yet."""
        return RemovalTask(self._transport)

    @property
    def vocabulary(self) -> VocabularyTask:
        """What can be named in requests, with defaults, bounds and meaning."""
        return VocabularyTask(self._transport)

    @property
    def jobs(self) -> JobTask:
        """How stage requests are getting on."""
        return JobTask(self._transport)
