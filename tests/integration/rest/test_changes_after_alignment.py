"""What becomes of an agreement, and of models that were fitted to it, when something is declared anew."""

from __future__ import annotations

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    EXPERIMENT_URL,
    FITTED,
    LAYERS,
    PROJECT,
    PROJECT_URL,
    TAGS_URL,
    Client,
    E,
    tags,
)
from synergos.domain.records import Kind
from synergos.records import RecordStore


@pytest.fixture
def aligned(declared: Client) -> Client:
    declared.data("POST", ALIGNMENTS_URL, {})
    return declared


def standing(client: Client, store: RecordStore) -> tuple[list[str], int]:
    status, answer = client.get(ALIGNMENTS_URL)
    aligned = [record["key"]["participant_id"] for record in answer["data"]] if status == 200 else []
    # What stays of an agreement that does not hold any more is the number of its version.
    return aligned, len([record for record in store.find(Kind.FEATURE_SPACE, PROJECT) if "space" in record])


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize("meta", ["train", "evaluate"])
def test_other_data_ends_the_agreement(aligned: Client, store: RecordStore, verb: str, meta: str) -> None:
    aligned.data(verb, TAGS_URL, {**tags("data1"), meta: [["other"]]})

    assert standing(aligned, store) == (["worker_2"], 0)


@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_the_same_data_or_other_data_to_predict_leaves_the_agreement(
    aligned: Client, store: RecordStore, verb: str
) -> None:
    aligned.data(verb, TAGS_URL, tags("data1"))
    aligned.data(verb, TAGS_URL, {**tags("data1"), "predict": [["new"]]})

    assert standing(aligned, store) == (["worker_1", "worker_2"], 1)


def test_another_action_ends_the_agreement(aligned: Client, store: RecordStore) -> None:
    aligned.put(PROJECT_URL, {"start_at": "now"})
    assert standing(aligned, store) == (["worker_1", "worker_2"], 1)

    aligned.put(PROJECT_URL, {"action": "classify"})
    assert standing(aligned, store) == ([], 0)


def test_fitted_layers_stay_as_long_as_the_layers_they_were_fitted_from(aligned: Client) -> None:
    same = aligned.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS, "fitted_model": "mine"})
    assert same["fitted_model"] == FITTED

    wider = [{**LAYERS[0], "structure": {"in_features": 3, "out_features": 1}}]
    assert "fitted_model" not in aligned.data("PUT", EXPERIMENT_URL, {"model": wider})
    assert "fitted_model" not in aligned.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS})


def test_a_fitted_model_goes_with_the_family_it_is_of(aligned: Client) -> None:
    body = {"expt_id": E, "model": LAYERS}

    assert "fitted_model" in aligned.data("POST", f"{PROJECT_URL}/experiments", {**body, "family": "layers"})
