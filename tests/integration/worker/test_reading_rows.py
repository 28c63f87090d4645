"""Rows read from an update, as a lying orchestrator and a lying participant do it, and the limits that they are refused by."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import torch
from msgspec import structs
from numpy.typing import NDArray

from factories.worker_data import write_frame
from fakes.federation import NoServer
from fakes.worker_client import Agreement, HeldExecutor, Weights, WorkerClient, blob_of, message_in, message_of
from support.decoding import decode
from support.row_reconstruction import BIAS, OUT, OUT_BIAS, WEIGHT, recovered, rows_in, trap, wide
from synergos.domain.feature_space import Feature
from synergos.domain.tags import Purpose
from synergos.errors import GridError, NotAllowed
from synergos.learning.algorithms import Answers, Bag, Model, Reply, Step
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.scaffold import Scaffold
from synergos.learning.bags import WEIGHTS
from synergos.learning.families.layers.network import build_network
from synergos.wire import Parcel, encode_parcel, layout_of, parcel_of
from synergos_worker.bootstrap import build_worker
from synergos_worker.message import Message
from synergos_worker.policy.limits import UNLIMITED, USUAL, OwnerLimits
from synergos_worker.settings import Settings

COUNT, COLUMNS = 200, 6
TAGS = {"train": [["rows"]]}
C1 = {"algorithm": "FedAvg", "rounds": 3, "epochs": 1, "lr": 1, "lr_scheduler": "StepLR", "step_size": 1, "gamma": 1000}
C2 = {"algorithm": "FedAvg", "rounds": 1, "epochs": 1, "lr": 1e5}


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    columns = {f"c{index}": rng.uniform(-3, 50, COUNT).round(2) for index in range(COLUMNS)}
    frame = pd.DataFrame({**columns, "target": np.where(rng.random(COUNT) < 0.4, "ill", "well")})
    write_frame(tmp_path / "data", ["rows"], frame)
    return frame


@dataclass(frozen=True)
class Attacked:
    """A worker, and what whoever attacks it knows."""

    client: WorkerClient
    agreement: Agreement

    def open(self, neurons: int, run: Mapping[str, Any], status: int = 201, **said: Any) -> dict[str, Any]:
        """Ask for a session of a wide network."""
        layers = wide(COLUMNS, neurons)
        return self.client.initialise(
            self.agreement, status=status, architecture=layers, hyperparameters=dict(run), metas=["train"], **said
        )

    def train(self, number: int, weights: Weights) -> Weights:
        """Have a round trained."""
        return message_in(self.client.data("PUT", f"rounds/{number}", blob_of(weights, round=number)), weights)[0]

    def as_trained(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The rows as they are trained on."""
        ranges = self.agreement.space.numeric
        columns = [
            (frame[name].to_numpy() - ranges[name].minimum) / (ranges[name].maximum - ranges[name].minimum)
            for name in sorted(ranges)
        ]
        return np.stack(columns, axis=1)


@contextmanager
def worker(folder: Path, limits: OwnerLimits) -> Iterator[Attacked]:
    """Strict, as a worker is that nobody has told anything else."""
    service = build_worker(Settings(folder / "data", folder / "outputs", limits=limits), compute=HeldExecutor())
    try:
        client = WorkerClient(service)
        yield Attacked(client, client.agree(TAGS))
    finally:
        service.close()


def message(blob: bytes) -> Message:
    """A message as it comes over the data port."""
    return Message(io.BytesIO(blob), len(blob))


def orchestrators_guess(attacked: Attacked, neurons: int, first: int = 0) -> NDArray[np.float64]:
    """One ordinary round, from weights of the orchestrator's own."""
    start = trap(COLUMNS, neurons)
    return rows_in(attacked.train(first, start), start)


def participants_guess(attacked: Attacked, neurons: int) -> NDArray[np.float64]:
    """Of one of two participants at an honest orchestrator, who averages what both say."""
    wanted, model = trap(COLUMNS, neurons), build_network(wide(COLUMNS, neurons), 42).state_dict()
    models: list[Weights] = [model]
    for number in range(2):
        honest = attacked.train(number, models[-1])
        lie = {name: 2 * wanted[name] - model[name] for name in model} if number == 0 else models[-1]
        replies = [Reply(who, COUNT, Bag({WEIGHTS: told})) for who, told in (("honest", honest), ("liar", lie))]
        state = FedAvg().fold(Bag({WEIGHTS: models[-1]}), Step(number), Answers(replies, 2 * COUNT), NoServer())
        models.append(state[WEIGHTS])
    update = {name: 2 * models[2][name] - models[1][name] for name in model}
    return rows_in(update, models[1])


def test_without_limits_an_orchestrator_reads_most_rows_in_one_round(tmp_path: Path, table: pd.DataFrame) -> None:
    with worker(tmp_path, UNLIMITED) as attacked:
        attacked.open(8000, C2)
        found = recovered(orchestrators_guess(attacked, 8000), attacked.as_trained(table), 0.001)

    assert found > 150


def test_without_limits_a_participant_reads_rows_of_the_other(tmp_path: Path, table: pd.DataFrame) -> None:
    with worker(tmp_path, UNLIMITED) as attacked:
        attacked.open(800, C1)
        found = recovered(participants_guess(attacked, 800), attacked.as_trained(table), 0.002)

    assert found > 100


def test_with_the_usual_limits_neither_is_asked_for_before_rows_are_read(tmp_path: Path, table: pd.DataFrame) -> None:
    with worker(tmp_path, USUAL) as attacked:
        (tmp_path / "data" / "rows" / "rows.csv").unlink()  # whoever would read it now fails otherwise
        refused = {name: attacked.open(neurons, run, 403) for name, neurons, run in (("C1", 800, C1), ("C2", 8000, C2))}

    assert refused["C1"]["field"] == refused["C2"]["field"] == "policy.largest_rates"
    said = "policy.largest_rates: the owner of the data has set 10000; a round of this run comes to 1e+0"
    assert [refused[name]["message"] for name in refused] == [said + "6", said + "5"]


@pytest.mark.parametrize(("neurons", "run"), [(800, C1 | {"gamma": 1}), (8000, C2 | {"lr": 1})])
def test_smaller_steps_alone_do_not_help_them(
    tmp_path: Path, table: pd.DataFrame, neurons: int, run: Mapping[str, Any]
) -> None:
    with worker(tmp_path, USUAL) as attacked:
        refused = attacked.open(neurons, run, 403)

    assert refused["field"] == "policy.largest_parameters"
    # How many count for a row says which inputs are the same in all of them, and so whether anybody has a rare level.
    assert refused["message"] == "policy.largest_parameters: the owner of the data has set 2; this model has more"


def test_nor_does_a_narrower_layer(tmp_path: Path, table: pd.DataFrame) -> None:
    """With 70 neurons few rows are left to be read; what moves the model to where any are is refused all the same."""
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(70, C2 | {"lr": 1})
        start = trap(COLUMNS, 70)
        first = attacked.client.data("PUT", "rounds/0", blob_of(start))
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(70, C1 | {"gamma": 1})
        attacked.train(0, build_network(wide(COLUMNS, 70), 42).state_dict())
        second = attacked.client.data("PUT", "rounds/1", blob_of(start))

    assert (first.status_code, second.status_code) == (403, 403)
    assert message_of(first) == (
        "policy.fresh_weights: the owner of the data has set true; round 0 of this run starts from other weights than its seed makes"
    )
    assert message_of(second).startswith("policy.largest_movement: the owner of the data has set 100; the weights lie ")


def test_what_nobody_fetches_widens_no_more_than_what_is_fetched(tmp_path: Path, table: pd.DataFrame) -> None:
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(70, C1 | {"gamma": 1})
        session = attacked.client.service.sessions.get(attacked.client.session_id)
        session.put_round(Step(0), message(blob_of(build_network(wide(COLUMNS, 70), 42).state_dict())))
        second = session.put_round(Step(1), message(blob_of(trap(COLUMNS, 70))))

        with pytest.raises(NotAllowed, match=r"policy\.largest_movement: .* the weights lie"):
            second.result()


# What else a lying orchestrator may try, a limit each


def test_columns_that_nobody_has_do_not_make_rows_longer(tmp_path: Path, table: pd.DataFrame) -> None:
    """As many as one likes fit into a feature space, and are the same in every row."""
    with worker(tmp_path, USUAL) as attacked:
        space = attacked.agreement.space
        more = {f"d{index}": replace(space.numeric["c0"], minimum=0.0, maximum=1.0) for index in range(500)}
        padded = replace(space, X=(*space.X, *(Feature(name) for name in more)), numeric={**space.numeric, **more})
        padded = replace(padded, input_shape=(len(padded.X),))
        missing = {"train": {"X": list(range(COLUMNS, COLUMNS + 500)), "y": []}}
        layers = [*wide(COLUMNS + 500, COLUMNS)[:1], *wide(COLUMNS, 8000)]
        refused = attacked.client.initialise(
            attacked.agreement,
            status=403,
            feature_space=padded.to_dict(),
            alignments=missing,
            architecture=layers,
            hyperparameters=C2 | {"lr": 1},
            metas=["train"],
        )

    assert refused["field"] == "policy.largest_parameters"


@pytest.mark.parametrize(
    ("run", "asked"),
    [
        ({"lr": 1, "momentum": 0.9999, "epochs": 2}, "2e+04"),
        ({"lr": 1, "momentum": 100.0, "epochs": 3}, "3e+06"),
        ({"lr": 100, "reduction": "sum"}, "2e+04"),
        ({"lr": 1, "criterion": "BCEWithLogitsLoss", "pos_weight": [1e6]}, "1e+06"),
        ({"lr": 1e-3, "optimizer": "RMSprop", "alpha": 1.0, "eps": 1e-12}, "1e+09"),
        ({"lr": 1, "optimizer": "RMSprop", "optimizer.alpha": 0.0, "centered": True, "eps": 1e-12}, "1e+12"),
        ({"lr": 1, "optimizer": "Adam", "betas": [0.9, 0.0], "eps": 1e-9, "epochs": 2}, "2e+09"),
        ({"lr": 1, "optimizer": "Adamax", "betas": [0.9, 0.0], "eps": 1e-9, "epochs": 2}, "2e+09"),
        ({"lr": 1, "optimizer": "Rprop", "etas": [0.5, 1e6], "step_sizes": [1e-6, 1e12], "epochs": 2}, "2e+12"),
        ({"lr": 1, "optimizer": "ASGD", "lambd": -2.0, "epochs": 20}, "inf"),
        ({"lr": 1, "optimizer": "Adafactor", "optimizer.eps": [None, 1e9]}, "1e+09"),
        ({"lr": 1, "momentum": 0.5, "dampening": 1e6, "epochs": 2}, "4e+06"),
        ({"lr": 1, "weight_decay": 1001, "epochs": 3}, "1e+06"),
        ({"lr": 1, "l2_lambda": 1001, "epochs": 3}, "1e+06"),
        ({"lr": 1, "l1_lambda": 1e6}, "1e+06"),
        ({"lr": 1, "algorithm": "FedProx", "mu": 1001, "epochs": 3}, "1e+06"),
        ({"base_lr": 1.0, "max_lr": 1e6, "step_size_up": 3, "rounds": 9, "lr_scheduler": "CyclicLR"}, "1e+06"),
        ({"lr": 1, "lr_scheduler": "StepLR", "step_size": 1, "gamma": 10, "epochs": 6}, "1.11e+11"),
    ],
)
def test_a_step_is_as_large_as_all_that_makes_it_so(
    tmp_path: Path, table: pd.DataFrame, run: Mapping[str, Any], asked: str
) -> None:
    with worker(tmp_path, USUAL) as attacked:
        refused = attacked.open(4, {"algorithm": "FedAvg", "rounds": 2, "epochs": 1, **run}, 403)

    assert refused["field"] == "policy.largest_rates"
    assert refused["message"].endswith(f"comes to {asked}")


def test_a_rate_that_grows_beyond_what_is_looked_ahead_is_not_told_of(tmp_path: Path, table: pd.DataFrame) -> None:
    run = {"algorithm": "FedAvg", "rounds": 5000, "epochs": 1, "lr": 1, "lr_scheduler": "StepLR"}
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(4, run | {"step_size": 3000, "gamma": 1e6})
        answer = attacked.client.data("PUT", "rounds/3000", blob_of(build_network(wide(COLUMNS, 4), 42).state_dict()))

    assert answer.status_code == 403
    assert message_of(answer).startswith("policy.largest_rates: the owner of the data has set 10000")


def test_a_rate_below_zero_counts_as_one_above(tmp_path: Path, table: pd.DataFrame) -> None:
    """A sum of such rates would be small whatever the steps are."""
    run = {"algorithm": "FedAvg", "rounds": 100_000, "epochs": 1, "lr": 0.1}
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(4, run | {"lr_scheduler": "CosineAnnealingLR", "T_max": 100_000, "eta_min": -1e6})
        answer = attacked.client.data("PUT", "rounds/50000", blob_of(build_network(wide(COLUMNS, 4), 42).state_dict()))

    assert answer.status_code == 403
    assert (
        message_of(answer)
        == "policy.largest_rates: the owner of the data has set 10000; a round of this run comes to 5e+05"
    )


@pytest.mark.parametrize("raising", [{"factor": -1e9, "min_lr": -1e18}, {"min_lr": 1e9, "eps": -1e12}])
def test_a_plateaus_schedule_only_lowers(tmp_path: Path, table: pd.DataFrame, raising: Mapping[str, float]) -> None:
    """What it will do depends on losses, so that nobody can follow it ahead."""
    run = {"algorithm": "FedAvg", "rounds": 2, "epochs": 3, "lr": 1, "lr_scheduler": "ReduceLROnPlateau", "mode": "max"}
    with worker(tmp_path, USUAL) as attacked:
        refused = attacked.open(4, {**run, "lr_scheduler.patience": 0, **raising}, 417)

    assert refused["field"] in raising


def test_a_round_has_steps_rows_and_participants_as_its_owner_says(tmp_path: Path, table: pd.DataFrame) -> None:
    limits = OwnerLimits(least_rows=201, least_steps=2, least_batch_rows=16, least_participants=3)
    run = {"algorithm": "FedAvg", "rounds": 2, "epochs": 1, "lr": 0.1}
    with worker(tmp_path, limits) as attacked:
        silent = attacked.open(4, run, 403)
        two = attacked.open(4, run, 403, participants=2)
        few = attacked.open(4, run, 403, participants=3)
    with worker(tmp_path, structs.replace(limits, least_rows=200)) as attacked:
        single = attacked.open(4, run, 403, participants=3)
        small = attacked.open(4, run | {"batch_size": 15}, 403, participants=3)
        left = attacked.open(4, run | {"batch_size": 16}, 403, participants=3)  # 8 rows for the last one
        attacked.open(4, run | {"batch_size": 20}, participants=3)

    assert left["message"] == small["message"]
    found = [each["message"].removeprefix("policy.") for each in (silent, two, few, single, small)]
    assert found == [
        "least_participants: the owner of the data has set 3; how many a round takes is not said",
        "least_participants: the owner of the data has set 3; a round of this run takes 2",
        "least_rows: the owner of the data has set 201; this run would be trained on fewer",
        "least_steps: the owner of the data has set 2; a round of this run makes 1",
        "least_batch_rows: the owner of the data has set 16; a batch of this run is smaller",
    ]


@pytest.mark.parametrize(("momentum", "batch_size"), [(1.0, 6), (0.5, 6), (1.0, 9), (1.5, 12)])
def test_what_a_layer_keeps_is_of_as_many_rows_as_all_that_is_told(
    tmp_path: Path, table: pd.DataFrame, momentum: float, batch_size: int
) -> None:
    """Of the last batch alone, when its momentum is 1; the last batch is what is left of the rows."""
    run = {"algorithm": "FedAvg", "rounds": 1, "epochs": 1, "lr": 0.1}
    with worker(tmp_path, USUAL) as attacked:
        layer = {"is_input": True, "l_type": "BatchNorm1d", "structure": {"num_features": 6}, "activation": None}
        keeping = {**layer, "structure": {"num_features": 6, "momentum": momentum}}
        rest = wide(COLUMNS, 4)

        def ask(first: Mapping[str, Any], status: int, **changes: Any) -> dict[str, Any]:
            return attacked.client.initialise(
                attacked.agreement,
                status=status,
                metas=["train"],
                session_id=uuid4().hex,
                architecture=[first, *rest],
                hyperparameters={**run, **changes},
            )

        refused = ask(keeping, 403, batch_size=batch_size)
        ask(keeping, 201)
        ask(layer, 201, batch_size=batch_size)

    assert refused["message"] == (
        "policy.least_statistics_rows: the owner of the data has set 10; running statistics of this model would be of fewer"
    )


def test_a_session_that_is_taken_up_goes_on_from_where_a_training_can_have_come(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    run = {"algorithm": "FedAvg", "rounds": 9, "epochs": 1, "lr": 0.1}
    start = build_network(wide(COLUMNS, 4), 42).state_dict()
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(4, run)
        attacked.train(7, {name: 2 * tensor for name, tensor in start.items()})
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(4, run)
        far = attacked.client.data("PUT", "rounds/7", blob_of({name: 2e6 * tensor for name, tensor in start.items()}))
    with worker(tmp_path, OwnerLimits(taken_up=False)) as attacked:
        attacked.open(4, run)
        later = attacked.client.data("PUT", "rounds/7", blob_of(start))
    with worker(tmp_path, OwnerLimits(taken_up=False)) as attacked:
        attacked.open(4, run)
        attacked.train(1, attacked.train(0, start))

    assert later.status_code == 403
    assert message_of(later) == "policy.taken_up: the owner of the data has set false; this session begins with round 7"
    assert far.status_code == 403
    assert message_of(far) == (
        "policy.largest_distance: the owner of the data has set 1e+06; the first weights of this session lie 2e+06 norms from those that "
        "the run's seed makes"
    )


def test_training_that_stops_early_is_not_told_of(tmp_path: Path, table: pd.DataFrame) -> None:
    """Nothing is an improvement of so much, so that a round of a hundred steps ends after two."""
    run = {"algorithm": "FedAvg", "rounds": 2, "epochs": 100, "lr": 0.1, "patience": 1, "delta": 1e6}
    start = build_network(wide(COLUMNS, 4), 42).state_dict()
    with worker(tmp_path, OwnerLimits(least_steps=50)) as attacked:
        attacked.open(4, run)
        answer = attacked.client.data("PUT", "rounds/0", blob_of(start))

    assert answer.status_code == 403
    assert message_of(answer) == (
        "policy.least_steps: the owner of the data has set 50; training has stopped before it had made as many"
    )


SCAFFOLD = {"algorithm": "SCAFFOLD", "rounds": 9, "epochs": 2, "lr": 1}
PARAMETERS = [WEIGHT, BIAS, OUT, OUT_BIAS]


def corrected(attacked: Attacked, number: int, weights: Weights, control: Weights, own: Weights | None = None) -> bytes:
    """A round of SCAFFOLD; its answer, or the text of the refusal."""
    kept = None if own is None else Bag({"control": own})
    parcel = Parcel(Bag({WEIGHTS: weights, "control": control}), kept, {"round": number})
    answer = attacked.client.data("PUT", f"rounds/{number}", b"".join(encode_parcel(parcel).chunks()))
    return answer.get_data() if answer.status_code == 200 else message_of(answer).encode()


def answered(content: bytes, start: Weights) -> Parcel:
    """What a round of SCAFFOLD came to."""
    like = layout_of(Scaffold().answered(0), Model(start, PARAMETERS), Scaffold().kept)
    return parcel_of(*decode(io.BytesIO(content).read, len(content), like, bytearray()))


def nothing(weights: Weights) -> Weights:
    """A control variate of 0."""
    return {name: torch.zeros_like(weights[name]) for name in PARAMETERS}


@pytest.mark.parametrize("is_kept", [False, True])
def test_the_first_round_corrects_no_gradient(tmp_path: Path, table: pd.DataFrame, is_kept: bool) -> None:
    """From the seed's own weights, one step would go to where the orchestrator wants, and the next one answer from there."""
    start, wanted = build_network(wide(COLUMNS, 60), 42).state_dict(), trap(COLUMNS, 60)
    away = {name: start[name] - wanted[name] for name in PARAMETERS}
    there = {name: -tensor for name, tensor in away.items()}
    sent = (nothing(start), there) if is_kept else (away, None)
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(60, SCAFFOLD)
        refused = corrected(attacked, 0, start, *sent)
        honest = corrected(attacked, 0, start, nothing(start))

    assert refused == (
        b"policy.fresh_weights: the owner of the data has set true; round 0 of this run starts with corrections of gradients, "
        b"of which there are none yet"
    )
    assert answered(honest, start).kept is not None


def test_later_ones_correct_no_more_than_gradients_are(tmp_path: Path, table: pd.DataFrame) -> None:
    """What was refused has moved nothing: weights that lie where it would have led are as far away as before."""
    start = build_network(wide(COLUMNS, 60), 42).state_dict()
    far = {name: torch.full_like(start[name], 50.0) for name in PARAMETERS}
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(60, SCAFFOLD)
        first = answered(corrected(attacked, 0, start, nothing(start)), start)
        weights, control = dict(first.bag[WEIGHTS]), dict(first.bag["control_change"])
        refused = corrected(attacked, 1, weights, far)
        there = {name: weights[name] - 2 * far[name] for name in weights}
        walked = corrected(attacked, 1, there, nothing(start))
        for number in range(1, 4):
            assert first.kept is not None
            first = answered(corrected(attacked, number, weights, control, dict(first.kept["control"])), start)
            weights = dict(first.bag[WEIGHTS])

    assert refused.startswith(
        b"policy.largest_movement: the owner of the data has set 100; corrections of gradients are"
    )
    assert walked.startswith(b"policy.largest_movement: the owner of the data has set 100; the weights lie")


def test_corrections_of_a_session_that_is_taken_up_go_on(tmp_path: Path, table: pd.DataFrame) -> None:
    start = build_network(wide(COLUMNS, 4), 42).state_dict()
    control = {name: torch.full_like(start[name], 0.1) for name in PARAMETERS}
    far = {name: torch.full_like(start[name], 1e9) for name in PARAMETERS}
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(4, SCAFFOLD)
        refused = corrected(attacked, 5, start, far)
        first = answered(corrected(attacked, 5, start, control, control), start)
        assert first.kept is not None
        answered(corrected(attacked, 6, dict(first.bag[WEIGHTS]), control, dict(first.kept["control"])), start)

    assert refused.startswith(
        b"policy.largest_distance: the owner of the data has set 1e+06; corrections of gradients move"
    )


def test_a_round_that_failed_can_begin_again(tmp_path: Path, table: pd.DataFrame) -> None:
    """Its weights are those of the seed, whatever is left of the training that did not end."""
    run = {"algorithm": "FedAvg", "rounds": 2, "epochs": 2, "lr": 0.1}
    start = build_network(wide(COLUMNS, 4), 42).state_dict()
    with worker(tmp_path, USUAL) as attacked:
        attacked.open(4, run)
        session = attacked.client.service.sessions.get(attacked.client.session_id)
        rows = session._rows[Purpose.TRAIN].labelled
        session._model.receive(message(blob_of(start)), 0)

        def lost(done: int, of: int) -> None:
            raise GridError("lost")

        assert rows is not None
        with pytest.raises(GridError, match="lost"):
            session._model.train(rows, Step(0), lost, lambda: False)
        attacked.train(0, start)
