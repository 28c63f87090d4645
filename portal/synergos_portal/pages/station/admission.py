"""Who may see other programs' pages: they tell of every participant of every orchestrator, so whoever orchestrates at each that has accounts."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.orchestrator.problems import Nonsense, NotSignedIn, OrchestratorProblem, Refused
from synergos_portal.proxy.tool import Tool
from synergos_portal.proxy.trouble import Kind, Trouble
from synergos_portal.tools import REST
from synergos_portal.web import current

_MAY = "orchestrator"
"""The role."""


def is_interface(tool: Tool) -> bool:
    """Whether it is an orchestrator's own, which decides itself whom it tells what."""
    return tool.name.startswith(f"{REST}:")


def is_offered(tool: Tool) -> bool:
    """Whether a window of it is offered: to a participant none that would only say it is not for them."""
    return is_interface(tool) or all(obstacle.kind is not Kind.NOT_PERMITTED for obstacle in _obstacles(tool.title))


def may_see(tool: Tool) -> bool:
    """Whether whoever has sent this request may see it now."""
    return is_interface(tool) or not any(_obstacles(tool.title))


def admit(tool: Tool) -> None:
    """Let who has sent this request see a program's pages.

    Raises:
        Trouble: they may not, or nobody knows.
    """
    if not is_interface(tool):
        for obstacle in _obstacles(tool.title):
            raise obstacle


def _obstacles(title: str) -> Iterator[Trouble]:
    """Why not, one for each orchestrator that has to be asked and does not say that they may.

    The programs are those of all of them, so whichever was chosen in the header, or has no accounts, opens nothing.
    """
    for orchestrator in current.known_orchestrators().all():
        if (obstacle := _obstacle(orchestrator, title)) is not None:
            yield obstacle


def _obstacle(orchestrator: Orchestrator, title: str) -> Trouble | None:
    accounts = orchestrator.accounts()
    if accounts is False or str(accounts).startswith("off"):
        return None
    who = current.person_at(orchestrator.name)
    if who is None:
        return _away(orchestrator) if accounts is None else _not_signed_in(orchestrator, title)
    role = orchestrator.roles.of(who.token)
    if isinstance(role, OrchestratorProblem):
        return _unknown(role, orchestrator, title)
    return None if role == _MAY else Trouble(Kind.NOT_PERMITTED, title)


def _unknown(problem: OrchestratorProblem, orchestrator: Orchestrator, title: str) -> Trouble:
    """What is wrong where an orchestrator does not say what somebody is to it."""
    match problem:
        case NotSignedIn():
            # The account, or what they have signed in with, is no longer: at nav neither, so that they can sign in anew.
            current.forget_at(orchestrator.name)
            return _not_signed_in(orchestrator, title)
        case Refused(status=HTTPStatus.FORBIDDEN):
            return Trouble(Kind.NOT_PERMITTED, title)
        case Refused():
            return Trouble(Kind.FAILING, orchestrator.name, orchestrator.address, problem.status)
        case Nonsense():
            return Trouble(Kind.NONSENSE, orchestrator.name, orchestrator.address)
        case _:
            return _away(orchestrator)


def _away(orchestrator: Orchestrator) -> Trouble:
    return Trouble(Kind.AWAY, orchestrator.name, orchestrator.address)


def _not_signed_in(orchestrator: Orchestrator, title: str) -> Trouble:
    is_one_of_several = len(current.known_orchestrators().names) > 1
    return Trouble(Kind.NOT_SIGNED_IN, title, orchestrator.name if is_one_of_several else "")
