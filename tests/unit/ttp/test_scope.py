"""What a job reads of records; also of those that an earlier version wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from factories.feature_spaces import features, labels
from synergos.domain.agreement import AGREEMENT, Agreement, Share, TableShare
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey, RunKey, StudyKey
from synergos.domain.records import Kind
from synergos.domain.tags import Purpose
from synergos.records import RecordStore
from synergos_ttp.stages.scope import Scope
from synergos_ttp.workers.session_request import Search

P, R = ProjectKey("c", "p"), RunKey("c", "p", "e", "r")
NODE = {"host": "h", "port": 8020, "f_port": 5000}
BEFORE_PAIRS = {
    "datatype": "tabular",
    "action": "classify",
    "X": ["age", "sex_f", "sex_m"],
    "y": ["target_no", "target_yes"],
    "input_shape": [3],
    "numeric": {"age": {"minimum": 0.0, "maximum": 1.0, "mean": 0.5}},
    "categorical": {"sex": {"levels": ["f", "m"], "most_frequent": "m"}},
}
LAYERS = [
    {"is_input": True, "l_type": "Linear", "structure": {"in_features": 1, "out_features": 1}, "activation": "sigmoid"}
]


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    store.put(Kind.COLLABORATION, P, {})
    store.put(Kind.PROJECT, P, {"action": "classify"})
    store.put(Kind.EXPERIMENT, R, {"model": LAYERS})
    store.put(Kind.RUN, R, {"rounds": 1})
    store.put(Kind.REGISTRATION, P.at("w"), {"n_count": 1, "node_0": NODE})
    store.put(Kind.TAG, P.at("w"), {"train": [["t"]]})
    store.put(Kind.ALIGNMENT, P.at("w"), {"train": {"X": [1], "y": []}})
    yield store
    store.close()


def test_an_alignment_of_before_features_were_pairs_is_trained_on(store: RecordStore) -> None:
    store.put(Kind.FEATURE_SPACE, P, {"space": BEFORE_PAIRS, "auto_fix": True, "rows": {"w": 9}})
    scope = Scope(store, Job(Stage.TRAIN, R))

    recipe, [member] = scope.recipe(), scope.members()

    assert features("age", "sex=f", "sex=m") == recipe.space.X
    assert recipe.space.y == labels("no", "yes")
    structure = recipe.architecture[0]["structure"]
    assert isinstance(structure, dict)
    assert structure["in_features"] == 3
    assert member.rows == {"train": 9}
    assert (member.digests, member.missing_columns) == ({}, {"train": {"X": [1], "y": []}})


def test_what_a_participant_s_data_were_at_alignment_goes_with_it(store: RecordStore) -> None:
    share = Share(tables={Purpose.TRAIN: TableShare(rows=9, digests=("k.1",))})
    agreement = AGREEMENT.write(Agreement(version=1, participants={"w": share}))
    store.put(Kind.FEATURE_SPACE, P, {"space": BEFORE_PAIRS, "auto_fix": True, "agreement": agreement})

    [member] = Scope(store, Job(Stage.TRAIN, R)).members()

    assert member.digests == {"train": ("k.1",)}


def test_a_trial_is_of_its_studys_search_space_and_no_other_run_is_of_one(store: RecordStore) -> None:
    search = {"lr": {"_type": "uniform", "_value": [0.1, 0.5]}}
    trial = RunKey("c", "p", "e", "optim_run_1")
    study = StudyKey("c", "p", "e", "s")
    for key in (trial, RunKey("c", "p", "e", "optim_run_mine")):
        store.put(Kind.RUN, key, {"rounds": 1})
    store.put(Kind.STUDY, study, {"search_space": search, "fixed": {"rounds": 2}})
    store.put(Kind.TRIAL, study.trial("optim_run_1"), {})

    found = {
        run: Scope(store, Job(Stage.TRAIN, RunKey("c", "p", "e", run))).search()
        for run in ("optim_run_1", "optim_run_mine", "r")
    }

    assert found == {"optim_run_1": Search(space=search, fixed={"rounds": 2}), "optim_run_mine": None, "r": None}
