"""A grid on this machine that lets nobody in whom it does not know: what organisations turn on that do not trust each other.

All programs speak TLS, each with a certificate of the grid's own authority. Who asks the orchestrator has an account, and participants
their own. Workers trust that one orchestrator, listen nowhere, and let it use a folder for the collaboration that its owner named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from synergos.accounts.administration import Administration, administration
from synergos.domain.roles import Role
from synergos.errors import InvalidRequest
from synergos.identity.identity import FOLDER as TRUST
from synergos.identity.identity import identity_in
from synergos.permission import editing
from synergos.permission.folders import PermissionFiles
from synergos.permission.use import Reader, Uses
from synergos.pki.consortium import LocalConsortium
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import Plan

LEAD = "lead"
"""The account of whom the collaboration belongs to."""
MOST_WORKERS = 32
"""Of one machine that may wait at a rendezvous before anybody has registered them."""
_LIFE = timedelta(days=1)


@dataclass(frozen=True)
class Admission:
    """What lets those in who are known.

    Attributes:
        orchestrator: its fingerprint, which the workers trust.
        lead: the token of whom the collaboration belongs to.
        members: each participant's token.
    """

    orchestrator: str
    lead: str
    members: Mapping[str, str]


def closed(plan: Plan | ClusterPlan) -> tuple[Plan | ClusterPlan, Admission]:
    """The plan of a closed grid, whose orchestrator has its identity and its accounts before it starts.

    Raises:
        InvalidRequest: it has more participants than such a grid can have.
    """
    refuse_many(len(plan.workers))
    if isinstance(plan, ClusterPlan):
        # Its TTPs are trusted as its director's.
        home, program, database = plan.records, "director", f"sqlite:///{plan.records / 'records.sqlite'}"
    else:
        home, program, database = plan.folder / "ttp" / "data", "ttp", None
    home.mkdir(parents=True, exist_ok=True)
    orchestrator = identity_in(home / TRUST / f"{program}.json").fingerprint
    with administration(home, database, make=True) as accounts:
        lead = _token(accounts, LEAD, Role.ORCHESTRATOR)
        members = {name: _token(accounts, name, Role.PARTICIPANT) for name in plan.workers}
    told = replace(
        plan,
        trust=(orchestrator,),
        outbound=plan.workers,
        worker_flags=[*plan.worker_flags, "--unlisted", "deny"],
        orchestrator_flags=[*plan.orchestrator_flags, "--auth"],
        consortium=LocalConsortium(plan.folder / "pki"),
    )
    return told, Admission(orchestrator, lead, members)


def refuse_many(participants: int) -> None:
    """Refuse a closed grid that would not start: all its workers dial out, from one address.

    Raises:
        InvalidRequest: it has more participants than it can have.
    """
    if participants > MOST_WORKERS:
        raise InvalidRequest(f"expected at most {MOST_WORKERS} participants with it, got {participants}", "--secure")


def permit(root: Path, folders: Sequence[Path], orchestrator: str, collaboration: str) -> None:
    """Let an orchestrator use folders for a collaboration, and for nothing else.

    Args:
        root: the data root of the workers.

    Raises:
        InvalidRequest: a folder's file of permissions cannot be believed.
    """
    files = PermissionFiles(root)
    for folder in folders:
        editing.grant(files, folder, Uses.checked(collaboration, "*", "*"), Reader(orchestrator, None))


def _token(accounts: Administration, name: str, role: Role) -> str:
    """An account without a password, and a token of it."""
    accounts.add(name, role, name if role is Role.PARTICIPANT else None, None)
    _, text = accounts.add_token(name, _LIFE, "of this grid's start")
    return text
