"""A data type that is registered here and nowhere else goes all the way: nothing but its two halves knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from factories.feature_spaces import prepared
from factories.network_models import layer, linear
from fakes.signals import LEVELS_OF_VOLTAGE, known_signals, write_signals
from fakes.worker_client import Agreement, Weights, WorkerClient, blob_of, message_in
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.fit_to_feature_space import fit_layers
from synergos.learning.families.layers.network import build_network
from synergos.learning.feature_space_agreement import drift, feature_space

TAGS = {"train": [["signals"]], "evaluate": [["more"]]}
LAYERS = [layer("Conv1d", "relu", in_channels=9, out_channels=4, kernel_size=3), layer("Flatten"), linear(1, 1)]


@pytest.fixture(autouse=True)
def signals(data: Path) -> Iterator[None]:
    write_signals(data, ["signals"], 40)
    write_signals(data, ["more"], 20, seed=1)
    write_signals(data, ["longer"], 20, length=13)
    with known_signals():
        yield


def space_of(client: WorkerClient) -> FeatureSpace:
    return client.agree(TAGS).space


def test_its_participants_agree_on_its_inputs_and_labels(client: WorkerClient) -> None:
    space = space_of(client)

    assert (space.datatype, space.X, space.input_shape) == ("signal", (), (1, 12))
    assert space.labels == ("falling", "rising")


def test_participants_who_differ_are_refused_in_its_own_words(client: WorkerClient) -> None:
    polled = {"p1": prepared(client.prepared(TAGS)), "p2": prepared(client.prepared({"train": [["longer"]]}))}

    with pytest.raises(InvalidRequest, match="signals differ in length"):
        feature_space(polled, Action.CLASSIFY)


def test_rows_that_drifted_are_refused_by_ttp_and_worker(client: WorkerClient) -> None:
    agreement, longer = client.agree(TAGS), prepared(client.prepared({"predict": [["longer"]]}))

    header, metadata = longer.headers[Purpose.PREDICT], longer.metadata[Purpose.PREDICT]
    assert drift(header, metadata, agreement.space) == ["length 13 (agreed: 12)"]
    drifted = Agreement({"train": [["longer"]]}, agreement.space, agreement.missing_columns)
    layers = fit_layers(LAYERS, agreement.space)
    answer = client.initialise(drifted, status=409, metas=["train"], architecture=layers)
    assert "the rows differ from those at alignment: length 13 (agreed: 12)" in answer["message"]


def test_what_looks_inputs_up_has_as_many_places_as_it_says(client: WorkerClient) -> None:
    layers = [layer("Flatten"), layer("Embedding", num_embeddings=1, embedding_dim=2), layer("Flatten"), linear(1, 1)]

    embedding = fit_layers(layers[1:], space_of(client))[0]

    assert embedding["structure"]["num_embeddings"] == LEVELS_OF_VOLTAGE


def test_networks_learn_from_it_and_predict(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    layers = fit_layers(LAYERS, agreement.space)
    run = {"rounds": 3, "epochs": 5, "lr": 0.1, "lr_scheduler": "LambdaLR", "algorithm": "FedAvg"}
    weights: Weights = build_network(layers, 1).state_dict()

    client.initialise(agreement, architecture=layers, hyperparameters=run)
    losses = []
    for number in range(3):
        trained, metadata = message_in(client.data("PUT", f"rounds/{number}", blob_of(weights)), weights)
        losses.append(metadata["evaluation"]["loss"])
        weights = {name: tensor.clone() for name, tensor in trained.items()}
    assert client.data("PUT", "model", blob_of(weights)).status_code == 200
    found = client.predict("evaluate")["data"]["results"]["evaluate"]["statistics"]

    assert losses[-1] < losses[0]
    assert found["accuracy"] == [1.0, 1.0]
