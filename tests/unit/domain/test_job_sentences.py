"""Every event of a job can be said, whatever is known of it."""

from __future__ import annotations

import pytest

from synergos.domain.job_event import JobEvent, JobEventKind
from synergos.domain.job_sentences import sentence


@pytest.mark.parametrize("kind", list(JobEventKind))
def test_every_kind_is_a_sentence_though_nothing_is_told_of_it(kind: JobEventKind) -> None:
    said = sentence(JobEvent(kind))

    assert said[0].isupper() or said.startswith("a participant")
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            JobEvent(JobEventKind.TAKEN_UP, about={"ttp": "ttp_2", "grid": 0, "is_resumed": True}),
            "Taken up again by ttp_2 on sub-grid 0.",
        ),
        (JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 9, "after": 0}), "A training of 9 rounds begins."),
        (
            JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 9, "after": 2}),
            "The training goes on after round 2 of 9.",
        ),
        (JobEvent(JobEventKind.SESSION_OPENED, "a", {"rows": {"train": 5}}), "a takes part with 5 rows to train."),
        (
            JobEvent(JobEventKind.AWAITED, "b", {"until": "12:00", "for": "round 2", "reason": "b: away"}),
            "Waiting for b until 12:00, for round 2: b: away",
        ),
        (JobEvent(JobEventKind.BACK, "b"), "b is back; the job goes on."),
        (JobEvent(JobEventKind.CANCEL_ASKED, about={"by": "lead"}), "lead asked for it to be cancelled."),
        (JobEvent(JobEventKind.CANCEL_ASKED, about={"because": "x"}), "Cancelled because x."),
        (
            JobEvent(JobEventKind.ENDED, about={"state": "failed", "error": {"message": "no answer"}}),
            "Failed: no answer",
        ),
    ],
)
def test_it_says_what_is_known(event: JobEvent, said: str) -> None:
    assert sentence(event) == said
