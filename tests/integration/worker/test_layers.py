"""Layers that are not plain: each goes through rounds of two participants, as a TTP would have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from factories.feature_spaces import prepared
from factories.image_data import stripes, write_images
from factories.network_models import layer, linear
from factories.worker_data import wine, write_dataset, write_frame
from fakes.worker_client import Agreement, HeldExecutor, Weights, WorkerClient, blob_of, message_in
from synergos.domain.feature_space import Action
from synergos.learning.algorithms import Weighted, average
from synergos.learning.families.layers.fit_to_feature_space import fit_layers
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import build_network
from synergos.learning.feature_space_agreement import feature_space
from synergos_worker.bootstrap import build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["train"]], "evaluate": [["evaluate"]]}
ROUNDS, EPOCHS = 3, 3
RUN = {
    "epochs": EPOCHS,
    "algorithm": "FedAvg",
    "criterion": "NLLLoss",
    "optimizer": "Adam",
    "lr": 0.03,
    "lr_scheduler": "LambdaLR",
}
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")


class Party:
    """One participant: its worker and what it agreed to."""

    def __init__(self, name: str, root: Path, device: str = "cpu") -> None:
        self.name = name
        self.service = build_worker(
            Settings(root, root.parent / f"{root.name}-outputs", device=device, policy=OPEN, limits=UNLIMITED),
            compute=HeldExecutor(),
        )
        self.client = WorkerClient(self.service)
        self.polled = self.client.prepared(TAGS)
        assert self.polled["state"] == "completed", self.polled


def rounds_of(
    parties: Sequence[Party], layers: Sequence[Layer], run: dict[str, Any] | None = None
) -> tuple[Weights, list[float]]:
    """Train together; the last global weights, and the evaluation loss before each round and at the end."""
    space, alignment = feature_space({party.name: prepared(party.polled) for party in parties}, Action.CLASSIFY)
    fitted = fit_layers(layers, space)
    weights: Weights = build_network(fitted, 1).state_dict()
    for party in parties:
        agreement = Agreement(TAGS, space, alignment.missing_columns[party.name])
        party.client.initialise(agreement, architecture=fitted, hyperparameters=RUN | (run or {}))
    losses = []
    for number in range(ROUNDS):
        updates, measured = [], []
        for party in parties:
            trained, metadata = message_in(party.client.data("PUT", f"rounds/{number}", blob_of(weights)), weights)
            # A copy: what was received are views into a message.
            own = {name: tensor.clone() for name, tensor in trained.items()}
            updates.append(Weighted(party.name, metadata["rows"], own))
            measured.append(metadata["evaluation"]["loss"])
        losses.append(sum(measured) / len(measured))
        weights = average(updates)
    final = [party.client.data("PUT", "evaluations/9", blob_of(weights)).get_json() for party in parties]
    losses.append(sum(answer["evaluation"]["loss"] for answer in final) / len(final))
    for party in parties:
        assert party.client.data("PUT", "model", blob_of(weights)).status_code == 200
        results = party.client.predict("evaluate")["data"]["results"]
        assert len(results["evaluate"]["statistics"]["accuracy"]) == max(2, space.outputs)
    return weights, losses


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[list[Party]]:
    """Two participants with wines; one row is left over where batches have eight."""
    frame = wine()
    write_frame(tmp_path / "one", ["train"], frame[:65])
    write_frame(tmp_path / "one", ["evaluate"], frame[65:90])
    write_frame(tmp_path / "two", ["train"], frame[90:155])
    write_frame(tmp_path / "two", ["evaluate"], frame[155:])
    yield from _parties(tmp_path)


@pytest.fixture
def images(tmp_path: Path) -> Iterator[list[Party]]:
    """Two participants with striped images."""
    for seed, name in enumerate(("one", "two")):
        write_images(tmp_path / name, ["train"], *stripes(33, seed=seed))
        write_images(tmp_path / name, ["evaluate"], *stripes(12, seed=seed + 10))
    yield from _parties(tmp_path)


def _parties(root: Path) -> Iterator[list[Party]]:
    parties = [Party(name, root / name) for name in ("one", "two")]
    yield parties
    for party in parties:
        party.service.close()


NORMALISED = [linear(1, 16), layer("BatchNorm1d", "relu", num_features=16), linear(16, 1)]
ON_IMAGES: dict[str, list[Layer]] = {
    "convolution": [
        layer("Conv2d", "relu", in_channels=1, out_channels=4, kernel_size=3, padding=1),
        layer("MaxPool2d", kernel_size=2),
        layer("Flatten"),
        linear(1, 1),
    ],
    "batch normalisation": [
        layer("Conv2d", in_channels=1, out_channels=4, kernel_size=3),
        layer("BatchNorm2d", "relu", num_features=4),
        layer("Flatten"),
        linear(1, 1),
    ],
    "lines of pixels in a recurrent layer": [
        layer("Flatten", start_dim=1, end_dim=2),
        layer("GRU", input_size=1, hidden_size=12),
        linear(1, 1),
    ],
}


@pytest.mark.parametrize("batch_size", [8, None])
def test_batch_normalisation_learns_and_its_statistics_travel(tables: list[Party], batch_size: int | None) -> None:
    weights, losses = rounds_of(tables, NORMALISED, {"batch_size": batch_size})

    assert losses[-1] < losses[0] * 0.8
    counted = weights["nnl_1_batchnorm1d.num_batches_tracked"]
    assert counted.dtype == torch.int64
    assert counted == ROUNDS * EPOCHS * (8 if batch_size else 1)  # of 65 rows the last one goes with the batch before
    assert weights["nnl_1_batchnorm1d.running_mean"].abs().sum() > 0


@pytest.mark.parametrize("purpose", ["evaluate", "predict"])
def test_one_labelled_row_is_measured_and_predicted_with_batch_normalisation(
    tables: list[Party], tmp_path: Path, purpose: str
) -> None:
    """A batch of one row cannot be trained on, which no session wants that does not train."""
    party = tables[0]
    write_frame(tmp_path / party.name, ["one"], wine()[:1])
    space, _ = feature_space({party.name: prepared(party.polled)}, Action.CLASSIFY)
    fitted = fit_layers(NORMALISED, space)
    party.client.initialise(
        Agreement({purpose: [["one"]]}, space, {}), architecture=fitted, hyperparameters=RUN, metas=[purpose]
    )
    party.client.data("PUT", "model", blob_of(build_network(fitted, 1).state_dict()))

    results = party.client.predict(purpose)["data"]["results"]

    assert sum(results[purpose]["statistics"]["TPs"]) + sum(results[purpose]["statistics"]["FPs"]) == 1


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("stacked", [False, True])
def test_recurrent_layers_learn(tables: list[Party], kind: str, stacked: bool) -> None:
    deep: dict[str, Any] = {"num_layers": 2, "bidirectional": True, "dropout": 0.1} if stacked else {}
    layers = [layer(kind, input_size=1, hidden_size=8, **deep), *([layer(kind, input_size=1, hidden_size=8)] * stacked)]

    _, losses = rounds_of(tables, [*layers, linear(1, 1)], {"batch_size": 8})

    assert losses[-1] < losses[0] * 0.8


@pytest.mark.parametrize("following", [[layer("Flatten")], [layer("LSTM", input_size=1, hidden_size=8)]])
def test_embeddings_learn_from_categories(tmp_path: Path, following: list[Layer]) -> None:
    schema = {"ward": "category", "diet": "category", "target": "category"}
    rows = ["north,a,0", "south,b,1", "east,a,2", "north,b,0", "east,b,2", "south,a,1"] * 6
    for name in ("one", "two"):
        for purpose in ("train", "evaluate"):
            write_dataset(tmp_path / name, [purpose], "\n".join(["ward,diet,target", *rows]) + "\n", schema)

    for parties in _parties(tmp_path):
        layers = [layer("Embedding", num_embeddings=1, embedding_dim=4), *following, linear(1, 1)]
        _, losses = rounds_of(parties, layers, {"batch_size": 6})

    assert losses[-1] < losses[0] * 0.8


def test_an_embedding_takes_values_beyond_those_of_the_training_rows(tmp_path: Path) -> None:
    schema = {"age": "float64", "target": "category"}
    for name in ("one", "two"):
        write_dataset(tmp_path / name, ["train"], "age,target\n20,0\n40,1\n30,0\n", schema)
        write_dataset(tmp_path / name, ["evaluate"], "age,target\n90,1\n-70,0\n", schema)

    for parties in _parties(tmp_path):
        layers = [layer("Embedding", num_embeddings=1, embedding_dim=2), layer("Flatten"), linear(1, 1)]
        _, losses = rounds_of(parties, layers)

    assert all(loss < 5 for loss in losses)


@pytest.mark.parametrize("name", ON_IMAGES)
def test_images_are_learnt(images: list[Party], name: str) -> None:
    _, losses = rounds_of(images, ON_IMAGES[name], {"batch_size": 8})

    assert losses[-1] < losses[0] * 0.7


@needs_cuda
@pytest.mark.parametrize("name", ON_IMAGES)
def test_a_gpu_comes_to_what_the_processor_does(images: list[Party], tmp_path: Path, name: str) -> None:
    expected, losses = rounds_of(images, ON_IMAGES[name], {"batch_size": 8})

    weights, on_gpu = rounds_of(
        [Party(each, tmp_path / each, "cuda") for each in ("one", "two")], ON_IMAGES[name], {"batch_size": 8}
    )

    assert on_gpu == pytest.approx(losses, rel=1e-3)
    for key, tensor in expected.items():
        torch.testing.assert_close(weights[key], tensor, rtol=1e-3, atol=1e-4)


@needs_cuda
def test_a_gpu_trains_the_same_bytes_twice(images: list[Party], tmp_path: Path) -> None:
    first, again = (
        rounds_of([Party(name, tmp_path / name, "cuda") for name in ("one", "two")], ON_IMAGES["batch normalisation"])[
            0
        ]
        for _ in range(2)
    )

    assert blob_of(first) == blob_of(again)


@needs_cuda
def test_a_gpu_s_memory_is_free_when_the_session_has_ended(images: list[Party], tmp_path: Path) -> None:
    wide = [layer("Flatten"), linear(1, 4096, "relu"), linear(1, 1)]
    parties = [Party(name, tmp_path / name, "cuda") for name in ("one", "two")]
    before = torch.cuda.memory_allocated()

    rounds_of(parties, wide)
    during = torch.cuda.memory_allocated()
    for party in parties:
        party.client.terminate()

    assert during > before
    assert torch.cuda.memory_allocated() == before
    # What cuBLAS keeps to work in stays with the process.
    assert torch.cuda.memory_reserved() <= 64 * 2**20
