"""A TTP's ledger says of each job how it went, and keeps how far its participants' ledgers went."""

from __future__ import annotations

from pathlib import Path

from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.identity.identity import Renewable
from synergos.ledger.ledger import Ledger
from synergos.ledger.line import Head
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import lines_in
from synergos_ttp.events import Event, JobEnded, JobStarted, ParticipantNoted, RoundJudged
from synergos_ttp.outcomes import Interrupted
from synergos_ttp.subscribers.ledger import JobLedger

JOB = Job(Stage.TRAIN, job_key({"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}))


def test_a_job_and_the_heads_of_its_participants_are_written_down(tmp_path: Path) -> None:
    place = LedgerPlace(tmp_path, "ttp")
    follow = JobLedger(Ledger(place, Renewable(tmp_path / "ttp.json")), JOB)
    heads = {who: str(Head(number, f"{number:064}")) for who, number in (("hospital_2", 4), ("hospital_1", 7))}

    told = [ParticipantNoted(who, head) for who, head in heads.items()]
    events: list[Event] = [JobStarted(JOB), *told, RoundJudged(0, 0.5), JobEnded(JOB, Interrupted("the program stops"))]
    for event in events:
        follow(event)

    _, started, ended = (line for line in lines_in(place) if line is not None)
    ids = {"job": JOB.id, "stage": "train", "collaboration": "c", "project": "p", "experiment": "e", "run": "r"}
    assert (started.what, started.about) == ("job started", {**ids, "attempt": JOB.attempts})
    assert (ended.what, ended.about) == ("job ended", {**ids, "how": "interrupted", "heads": heads})
