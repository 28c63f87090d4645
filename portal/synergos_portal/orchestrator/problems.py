"""What goes wrong between the portal and an orchestrator."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from synergos.errors import SynergosError


class OrchestratorProblem(SynergosError):
    """An orchestrator did not give what was asked of it.

    Attributes:
        message: what it said, or what happened.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Away(OrchestratorProblem):
    """Nobody answers at its address, or not in time."""


class Nonsense(OrchestratorProblem):
    """Somebody answers at its address, but not as an orchestrator does."""


class NotSignedIn(OrchestratorProblem):
    """The orchestrator has accounts, and whoever asks has not signed in, or no longer."""


class Refused(OrchestratorProblem):
    """The orchestrator refuses a request.

    Attributes:
        status: of its answer: 404 for what there is not, 409 for what is in the way, 412 for what was changed meanwhile, …
        field: of what was sent that is wrong; None where it is none of them.
        changed: with 412, what the fields say by now that have been changed since it was read.
    """

    def __init__(
        self,
        message: str,
        status: int,
        field: str | None = None,
        changed: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.changed = changed

    @property
    def words(self) -> str:
        """What is wrong, without the field it is about, which the orchestrator says in front of it."""
        return self.message.removeprefix(f"{self.field}: ")

    @property
    def is_untold(self) -> bool:
        """Whether there is nothing yet, or nothing that whoever asks may know."""
        return self.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
