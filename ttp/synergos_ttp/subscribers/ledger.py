"""A job's beginning and end in the TTP's ledger, with how far the ledgers of its participants went when they took part."""

from __future__ import annotations

from synergos.domain.job import Job
from synergos.ledger.ledger import Ledger
from synergos.ledger.line import COLUMN_OF
from synergos_ttp.events import Event, JobEnded, JobStarted, ParticipantNoted
from synergos_ttp.outcomes import NAMES


class JobLedger:
    """Follows one job; told in the job's thread, but of participants also in others."""

    def __init__(self, ledger: Ledger, job: Job) -> None:
        self._ledger = ledger
        self._about = {
            "job": job.id,
            "stage": job.stage.value,
            **{COLUMN_OF[name]: value for name, value in job.keys.items() if name in COLUMN_OF},
        }
        # A participant's is put in by the thread that talks to it; each has its own entry.
        self._heads = dict[str, str]()

    def __call__(self, event: Event) -> None:
        """Write an event down, if it is one of those."""
        match event:
            case JobStarted(job):
                self._ledger.note("job started", {**self._about, "attempt": job.attempts})
            case ParticipantNoted(participant, head):
                self._heads[participant] = head
            case JobEnded(outcome=outcome):
                heads = {"heads": dict(sorted(self._heads.items()))} if self._heads else {}
                self._ledger.note("job ended", {**self._about, "how": NAMES[type(outcome)], **heads})
