"""Exchanges of a round at a worker: their addresses, their order, and what it holds on to in between."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from werkzeug.test import TestResponse

from fakes.worker_client import RUN, HeldExecutor, Weights, WorkerClient, blob_of, message_of
from support.decoding import decode
from synergos.learning.algorithms import ALGORITHMS, Answer, Bag, Like, Local, Model, Step
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.wire import Parcel, encode_parcel, layout_of, parcel_of

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


@dataclass(frozen=True)
class Echo(FedAvg):
    """Sends back what it was sent, and wants to be given the same again, with one more for each time."""

    name: ClassVar[str] = "Echo"

    @property
    def kept(self) -> Mapping[str, Like]:
        return {"copy": Like.MODEL}

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        times = kept.numbers["times"] + 1 if kept else 1
        return Answer(message, Bag({"copy": message["weights"]}, {"times": times}))


@pytest.fixture
def weights(client: WorkerClient) -> Iterator[Weights]:
    with ALGORITHMS.having(Echo):
        agreement = client.agree(TAGS)
        client.initialise(agreement, hyperparameters=RUN | {"algorithm": "Echo"})
        yield agreement.weights()


def blob(weights: Weights, exchange: int = 0, kept: Bag | None = None) -> bytes:
    at = {"round": 0, **({"exchange": exchange} if exchange else {})}
    return b"".join(encode_parcel(Parcel(Bag({"weights": weights}), kept, at)).chunks())


def parcel_in(response: TestResponse, weights: Weights) -> Parcel:
    assert response.status_code == 200, response.get_data(as_text=True)
    content = response.get_data()
    model = Model(weights, list(weights))
    layout = layout_of({"weights": Like.MODEL}, model, {"copy": Like.MODEL})
    return parcel_of(*decode(io.BytesIO(content).read, len(content), layout, bytearray()))


def test_each_exchange_has_an_address_and_says_in_its_answer_which_it_was(
    client: WorkerClient, weights: Weights
) -> None:
    first = parcel_in(client.data("PUT", "rounds/0", blob(weights)), weights)
    second = parcel_in(client.data("PUT", "rounds/0/exchanges/1", blob(weights, 1, first.kept)), weights)

    assert (first.metadata["round"], "exchange" in first.metadata, second.metadata["exchange"]) == (0, False, 1)
    # Nothing was trained, and what is measured is measured once a round.
    assert (first.metadata["epochs"], first.metadata["train_loss"]) == (0, None)
    evaluation = first.metadata["evaluation"]
    assert isinstance(evaluation, dict)
    assert evaluation["rows"] == 40
    assert second.metadata["evaluation"] is None
    assert first.kept is not None
    assert second.kept is not None
    assert (first.kept.numbers, second.kept.numbers) == ({"times": 1}, {"times": 2})


def test_the_first_exchange_is_the_round_itself(client: WorkerClient, weights: Weights) -> None:
    put = client.data("PUT", "rounds/0/exchanges/0", blob(weights)).get_data()

    assert client.data("GET", "rounds/0").get_data() == put


def test_an_exchange_that_is_over_is_refused_and_a_later_one_unknown(client: WorkerClient, weights: Weights) -> None:
    client.data("PUT", "rounds/0/exchanges/2", blob(weights, 2))

    refused = client.data("PUT", "rounds/0/exchanges/1", blob(weights, 1))

    assert refused.status_code == 409
    assert message_of(refused) == "round 0, exchange 1 is older than the newest, which is 0, exchange 2"
    assert client.data("GET", "rounds/0").status_code == 409
    assert client.data("GET", "rounds/0/exchanges/3").status_code == 404
    assert client.data("GET", "rounds/0/exchanges/2").status_code == 200


def test_a_message_for_another_exchange_than_its_address_is_refused(client: WorkerClient, weights: Weights) -> None:
    refused = client.data("PUT", "rounds/0/exchanges/1", blob(weights, 2))

    assert (refused.status_code, message_of(refused)) == (
        417,
        "the message is for round 0, exchange 2, its address says 0, exchange 1",
    )


def test_an_exchange_that_takes_longer_says_which_it_is(
    client: WorkerClient, weights: Weights, compute: HeldExecutor
) -> None:
    compute.is_held = True
    running = client.data("PUT", "rounds/0/exchanges/1", blob(weights, 1), wait=0)
    compute.release()

    assert running.status_code == 202
    assert running.get_json() == {"state": "running", "round": 0, "exchange": 1, "epoch": 0, "epochs": RUN["epochs"]}


def test_an_answer_stays_what_it_was_though_other_weights_are_received(client: WorkerClient, weights: Weights) -> None:
    """Also where it is nothing but what was received, in the memory that the next message is read into."""
    answered = client.data("PUT", "rounds/0", blob(weights)).get_data()
    others = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}

    client.data("PUT", "evaluations/0", blob_of(others))
    client.data("PUT", "model", blob_of(others))

    assert client.data("GET", "rounds/0").get_data() == answered


@pytest.mark.parametrize(
    "kept",
    [Bag({"copy": {"nnl_0_linear.weight": torch.zeros(3, 13)}}), Bag({"other": {"w": torch.zeros(1)}})],
)
def test_what_was_never_kept_is_refused(client: WorkerClient, weights: Weights, kept: Bag) -> None:
    assert client.data("PUT", "rounds/0", blob(weights, kept=kept)).status_code == 417
