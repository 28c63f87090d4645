"""Everything an orchestrator can be asked, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from synergos.domain.addresses import Places
from synergos.domain.job import Stage
from synergos.domain.quotas import Quotas
from synergos.domain.reachability import Probe
from synergos.domain.records import Kind
from synergos.orchestration.access import Access
from synergos.orchestration.alignments import Alignments
from synergos.orchestration.artifacts import Artifacts
from synergos.orchestration.catalogues import PublishedCatalogues
from synergos.orchestration.changes import Changes
from synergos.orchestration.collaborations import Collaborations
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.dispatcher import Dispatcher
from synergos.orchestration.experiments import Experiments
from synergos.orchestration.grids import Broker, Grids
from synergos.orchestration.invitations import Invitations
from synergos.orchestration.jobs import Jobs
from synergos.orchestration.lineage import Lineages
from synergos.orchestration.models import Models
from synergos.orchestration.nodes import Nodes
from synergos.orchestration.overviews import Overviews
from synergos.orchestration.participants import Participants
from synergos.orchestration.predictions import Predictions
from synergos.orchestration.projects import Projects
from synergos.orchestration.registrations import Registrations
from synergos.orchestration.runs import Runs
from synergos.orchestration.search import Search
from synergos.orchestration.shares import Shares
from synergos.orchestration.stage_requests import StageRequests
from synergos.orchestration.studies import Studies
from synergos.orchestration.submission import Submission
from synergos.orchestration.tags import Tags
from synergos.orchestration.trainings import Trainings
from synergos.orchestration.validations import Validations
from synergos.records.leases import Leases
from synergos.records.store import RecordStore

_DECLARED: tuple[type[Declarations[Any]], ...] = (
    Projects,
    Experiments,
    Runs,
    Participants,
    Invitations,
    Tags,
)
_STAGES: tuple[type[StageRequests[Any]], ...] = (Alignments, Models, Validations, Predictions)


class Orchestrator:
    """The use cases of one record store.

    Attributes:
        access: who may do what.
        declarations: what is declared before anything runs, by kind of record.
        stages: what is asked for and leaves results, by stage.
        deletions: deletes what is declared, with its files.
        shares: what each collaboration may have.
        submission: how stored jobs are handed over, for who stores several requests' jobs in one transaction.

    Args:
        dispatcher: where accepted jobs go.
        outputs: the folder trained models and pictures are written to; None for a program that has none.
        wake_tuner: has studies looked after at once, when there is something new.
        wake_remover: has files removed at once, when something was deleted; None where nobody removes any.
        tracking_servers: those that collaborations may name; None where nothing is written to any.
        probe: asks registered nodes what they are; None where nobody can be asked.
        quotas: how much each collaboration may have.
        access: who may do what; by the accounts of the record store alone without it.
        wake_catalogues: has workers asked at once what they publish; None where nobody asks them.
        name: what this program is called.
        look_at_queues: how a cluster's queues stand; None where there is no cluster.
    """

    def __init__(
        self,
        store: RecordStore,
        dispatcher: Dispatcher,
        outputs: Path | None = None,
        wake_tuner: Callable[[], None] = lambda: None,
        probe: Probe | None = None,
        wake_remover: Callable[[], None] | None = None,
        tracking_servers: Places | None = None,
        quotas: Quotas = Quotas(),  # noqa: B008 - it is frozen
        access: Access | None = None,
        wake_catalogues: Callable[[], None] | None = None,
        name: str = "",
        look_at_queues: Callable[[], Broker] | None = None,
    ) -> None:
        self.access = access = access or Access(store)
        self.submission = Submission(store, dispatcher)
        self.shares = Shares(store, quotas)
        declarations = [
            Collaborations(store, self.shares, tracking_servers, access),
            *(made(store, self.shares, access) for made in _DECLARED),
            Registrations(store, self.shares, probe, access),
        ]
        self.declarations: Mapping[Kind, Declarations[Any]] = {each.kind: each for each in declarations}
        self.stages: Mapping[Stage, StageRequests[Any]] = {
            made.stage: made(store, self.submission, self.shares, access) for made in _STAGES
        }
        self.jobs = Jobs(store, dispatcher, access)
        self.deletions = Deletions(store, dispatcher, self.declarations, wake_tuner, wake_remover, access=access)
        self.changes = Changes(store, access)
        self.grids = Grids(store, name, look_at_queues, access)
        self.overviews = Overviews(store, access)
        self.search = Search(store, access)
        self.nodes = Nodes(store, probe, access=access)
        # In a cluster a node's sub-grid may have no TTP, and nobody who asks it.
        grids = None if look_at_queues is None else Leases(store).grids.living
        self.catalogues = PublishedCatalogues(store, wake_catalogues, access, grids)
        self.lineages = Lineages(store, self.catalogues, access)
        self.studies = Studies(store, wake_tuner, self.shares, access)
        self.trainings = Trainings(store, access)
        self.artifacts = Artifacts(store, outputs, access)
