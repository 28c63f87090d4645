"""A hundred thousand answers that are nearly right: each is taken, or is its participant's failure; none ends a job.

They are the same in each run. The TTP's own reading of HTTP, of JSON and of messages is what they meet, by connections that lead nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from structlog.testing import capture_logs

from factories.feature_spaces import prepared as told_by
from fakes.answering import NODE, WHO, Saying, session_request
from support.mutations import changed, spoilt
from synergos.domain.feature_space import LABEL, Action, Feature, FeatureSpace
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.loss_history import LossHistory
from synergos.domain.outputs import MEASURED
from synergos.domain.tags import Purpose
from synergos.errors import GridError, InvalidRequest, SynergosError
from synergos.learning.agreement import agreement_of
from synergos.learning.algorithms import Bag, Step
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.hyperparameters import Hyperparameters
from synergos.learning.pooling import pooled
from synergos.learning.possible_figures import check_figures
from synergos.wire import Layout, Parcel, encode
from synergos_ttp.stages.divergence import Divergence
from synergos_ttp.stages.evaluation_rows import EvaluationRows
from synergos_ttp.stages.exchange import Asking, passed
from synergos_ttp.stages.round_files import RoundFiles
from synergos_ttp.stages.spare_files import SpareFiles
from synergos_ttp.workers.answer_memory import AnswerMemory
from synergos_ttp.workers.checked import blaming
from synergos_ttp.workers.commands import VERSION, WorkerCommands
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import JobParticipant, OpenSession

RUN, PROJECT = RunKey("c", "p", "e", "r"), ProjectKey("c", "p")
TAGS = {Purpose.TRAIN: [("t",)], Purpose.EVALUATE: [("e",)]}
QUICK = Limits(connect=5.0, preparation=0.002, round=0.002, long_poll=0.01)
"""Nobody waits for what never comes. What is sound has as much time as always, on a busy machine too."""
WEIGHTS = {"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "v": torch.tensor([1.0])}

TABLE = {"X": [["age", None], ["sex", "f"], ["sex", "m"]], "y": [["target", "no"], ["target", "yes"]]}
SCHEMA = {"age": "float64", "sex": "category", "target": "category"}
METADATA = {
    "_type": "tabular",
    "src_count": 10,
    "files": {"a.csv": 10},
    "cells": {"age": {"missing": 1, "unreadable": 0, "filled": 1}},
    "columns": {"age": {"type": "number", "unit": "a"}, "sex": {"type": "category"}},
}
POLLED = {
    "preparation": "0f",
    "state": "completed",
    "jobs": 0,
    "headers": {"train": TABLE, "evaluate": TABLE},
    "schemas": {"train": SCHEMA, "evaluate": SCHEMA},
    "metadata": {"train": METADATA, "evaluate": METADATA},
    "statistics": {
        "train": {
            "numeric": {"age": {"count": 9, "sum": 450.0, "minimum": 20.0, "maximum": 80.0}},
            "categorical": {"sex": {"f": 4, "m": 6}},
        }
    },
    "digests": {"train": ["k.1"], "evaluate": ["k.2"]},
}
SESSION = {"rows": {"train": 10, "evaluate": 10}, "measurable": {"evaluate": 8}, "digests": {"train": ["k.1"]}}
STATISTICS = {
    **{name: [0.5, 0.5] for name in ("accuracy", "roc_auc_score", "f_score", "TPRs", "FDRs")},
    **{name: [2, 3] for name in ("TPs", "TNs", "FPs", "FNs")},
}
RESULTS = {
    "evaluate": {
        "statistics": STATISTICS,
        "res_path": "a/b",
        "classes": ["no", "yes"],
        "overall": {"rows": 10, "accuracy": 0.5, "brier_score": 0.2, "confusion_matrix": [[2, 3], [3, 2]]},
        "reasons": {"pr_auc_score": ["too few", None], "overall.balanced_accuracy": "too few"},
        "curves": [None, {"thresholds": [1.0, 0.5, 0.0], "TPs": [0, 2, 5], "FPs": [0, 3, 5]}],
        "never_trained": {"sex": {"treated": "as missing", "rows": 2, "which": [{"file": "a.csv", "row": 1}]}},
    }
}
SAID = {"round": 0, "rows": 10, "train_loss": 0.5, "first_loss": 0.7, "epochs": 1, "seconds": 0.1}
EVALUATED = {"evaluation": {"rows": 8, "loss": 0.5}}
SPACE = FeatureSpace("tabular", Action.CLASSIFY, (Feature("age"),), (Feature(LABEL, "no"), Feature(LABEL, "yes")), (1,))


def commands(answer: bytes, limits: Limits) -> WorkerCommands:
    return WorkerCommands(NODE, limits, lambda: None, transport=Saying(answer=answer))


def prepared(answer: bytes, _: Path, limits: Limits = QUICK) -> None:
    """Takes part in an agreement with somebody honest."""
    mine = commands(answer, limits).prepare(PROJECT, Action.CLASSIFY, TAGS)
    with blaming(WHO):
        polled = {WHO: mine, "honest": told_by(POLLED)}
        space, _alignment = feature_space(polled, Action.CLASSIFY)
        agreement_of(polled, space, 1)


def opened(answer: bytes, _: Path, limits: Limits = QUICK) -> None:
    commands(answer, limits).open_session(RUN, session_request({Purpose.TRAIN: [("t",)], Purpose.EVALUATE: []}))


def greeted(answer: bytes, _: Path, limits: Limits = QUICK) -> None:
    commands(answer, limits).greet()


def measured(answer: bytes, _: Path, limits: Limits = QUICK) -> None:
    found = commands(answer, limits).measure(RUN, "s", Purpose.EVALUATE)
    with blaming(WHO):
        try:
            check_figures(found, 10, SPACE)
        except InvalidRequest as error:
            raise GridError(str(error), WHO) from None
    # What has passed is nobody's failure any more.
    pooled({"honest": HONEST, WHO: found})


def evaluated(answer: bytes, _: Path, limits: Limits = QUICK) -> None:
    with closing(DataPlane(NODE, "s", limits, lambda: None, Saying(answer=answer))) as data:
        found = data.evaluate(0, encode(WEIGHTS, {"round": 0}))
        session = OpenSession(JobParticipant(NODE, {}, {}), "s", commands(answer, limits), data, {"evaluate": 10}, 8)
    EvaluationRows(LossHistory()).check(session, found, is_due=True)


def exchanged(answer: bytes, folder: Path, limits: Limits = QUICK) -> None:
    """Its answer to a round, beside somebody honest: whatever becomes of it, the round is not lost."""
    messages, files = {WHO: parcel()}, RoundFiles(folder, SpareFiles(folder))
    asking = Asking(Step(0), messages, LAYOUT, files, "weights", AnswerMemory(), EvaluationRows(LossHistory()))
    with closing(DataPlane(NODE, "s", limits, lambda: None, Saying(answer=answer))) as data, blaming(WHO):
        member = JobParticipant(NODE, {}, {})
        arrived = asking(OpenSession(member, "s", commands(answer, limits), data, {"train": 10, "evaluate": 10}, 8))
    outcomes, _ = passed({WHO: arrived}, {WHO: 10}, 0, DIVERGENCE)
    if isinstance(outcome := outcomes[WHO], SynergosError):
        raise outcome


def parcel() -> Parcel:
    return Parcel(Bag({"weights": WEIGHTS}), None, {"round": 0})


LAYOUT = Layout.of(WEIGHTS)
DIVERGENCE = Divergence(Hyperparameters.from_run({"algorithm": "FedAvg"}), 0.0)


HONEST = MEASURED.read(RESULTS["evaluate"])

KINDS: Mapping[str, tuple[Callable[..., object], object, int]] = {
    "health": (greeted, {"component": "worker", "id": WHO, "version": VERSION, "instance": "1"}, 8_000),
    "preparation": (prepared, {"data": POLLED}, 25_000),
    "session": (opened, {"data": SESSION}, 12_000),
    "statistics": (measured, {"data": {"results": RESULTS}}, 25_000),
    "evaluation": (evaluated, EVALUATED, 10_000),
    "round": (exchanged, SAID | EVALUATED, 20_000),
}
"""What a TTP does with an answer, what a worker says that has no faults, and how many mutations of that are tried."""

STATUSES = (
    b"200 OK",
    b"201 X",
    b"202 X",
    b"204 X",
    b"100 X",
    b"301 X",
    b"404 X",
    b"409 X",
    b"422 X",
    b"500 X",
    b"999 X",
    b"-1 X",
)


def mutated(kind: str, sound: object, random: Random) -> bytes:
    """One answer that is nearly right, as it comes by a connection."""
    how = random.random()
    told = changed(sound, random) if how < 0.75 else sound
    try:
        content = message_of(told) if kind == "round" else json.dumps(told).encode()
    except (TypeError, ValueError):
        # Of numbers that are none there is no message; and of keys that are none no JSON.
        content = b"{}"
    if 0.75 <= how < 0.9:
        content = spoilt(content, random)
    length = len(content) if random.random() < 0.97 else random.choice((0, 1, len(content) + 1, 10**12))
    status = STATUSES[0] if random.random() < 0.9 else random.choice(STATUSES)
    answer = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, length) + content
    return spoilt(answer, random) if how >= 0.9 else answer


def message_of(said: Any) -> bytes:
    return b"".join(encode(WEIGHTS, said).chunks())


def test_they_are_a_hundred_thousand() -> None:
    assert sum(count for _, _, count in KINDS.values()) == 100_000


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sound_is_taken(kind: str, tmp_path: Path) -> None:
    use, sound, _ = KINDS[kind]
    content = message_of(sound) if kind == "round" else json.dumps(sound).encode()
    use(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content, tmp_path, Limits())


@pytest.mark.parametrize("kind", KINDS)
def test_no_mutation_is_more_than_its_participants_failure(kind: str, tmp_path: Path) -> None:
    use, sound, count = KINDS[kind]
    random = Random(kind)
    failed = taken = 0
    with capture_logs():
        for number in range(count):
            answer = mutated(kind, sound, random)
            try:
                use(answer, tmp_path)
            except SynergosError as error:
                # Two honest participants may disagree about their data too, and that says who they are.
                is_its_own = isinstance(error, GridError) and error.participant == WHO
                failed += is_its_own or (kind == "preparation" and WHO in str(error))
            except Exception as error:
                raise AssertionError(f"{number}: {answer[:3000]!r}") from error
            else:
                taken += 1
    assert failed + taken == count, "some are nobody's failure by name"
    assert taken > 0
    assert failed > count * 0.3
