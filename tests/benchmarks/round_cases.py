"""What the round benchmarks train: networks, rows and steps, the same for everybody who is measured."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from synergos.domain.feature_space import Action
from synergos.learning.algorithms import Bag, Step
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.local_trainer import LocalTrainer
from synergos.learning.families.layers.local_training import evaluate_locally
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.objective import Objective
from synergos.learning.families.layers.schedule import Schedule


@dataclass(frozen=True)
class Case:
    """A network, how many rows and columns each participant has, and the steps of a round."""

    name: str
    rows: int
    columns: int
    layers: Sequence[Layer]
    run: Mapping[str, Any]


def layer(kind: str, activation: str = "", **structure: Any) -> Layer:
    return {"is_input": False, "l_type": kind, "structure": structure, "activation": activation}


CASES = {
    "mlp": Case(
        "MLP 28-64-32-1, 16 KB",
        771,
        28,
        [
            layer("Linear", "relu", in_features=28, out_features=64),
            layer("Linear", "relu", in_features=64, out_features=32),
            layer("Linear", "sigmoid", in_features=32, out_features=1),
        ],
        {"batch_size": 64, "epochs": 1},
    ),
    "cnn": Case(
        "CNN 1.2 M parameters, 2000 images 28×28",
        2000,
        784,
        [
            layer("Unflatten", dim=1, unflattened_size=[1, 28, 28]),
            layer("Conv2d", "relu", in_channels=1, out_channels=32, kernel_size=3),
            layer("Conv2d", "relu", in_channels=32, out_channels=64, kernel_size=3),
            layer("MaxPool2d", kernel_size=2),
            layer("Flatten"),
            layer("Linear", "relu", in_features=9216, out_features=128),
            layer("Linear", "sigmoid", in_features=128, out_features=1),
        ],
        {"batch_size": 64, "epochs": 1},
    ),
    "large": Case(
        "MLP 4 × 2500×2500, 100 MB, one step",
        32,
        2500,
        [
            *(layer("Linear", "relu", in_features=2500, out_features=2500) for _ in range(4)),
            layer("Linear", "sigmoid", in_features=2500, out_features=1),
        ],
        {"batch_size": None, "epochs": 1},
    ),
}


def write_rows(case: Case, folder: Path) -> None:
    """The same random rows for every participant, as a dataset folder."""
    # Not where this module is imported: those who only train need none.
    import pandas as pd

    numbers = np.random.default_rng(0)
    table = pd.DataFrame(
        numbers.random((case.rows, case.columns), dtype=np.float32).round(3),
        columns=[f"c{index:05}" for index in range(case.columns)],
    )
    table["target"] = numbers.integers(0, 2, case.rows)
    home = folder / "train"
    home.mkdir(parents=True)
    table.to_csv(home / "rows.csv", index=False)
    schema = dict.fromkeys(table.columns, "float32") | {"target": "category"}
    (home / "schema.json").write_text(json.dumps(schema))
    (home / "metadata.json").write_text(json.dumps({"datatype": "tabular", "operations": {}}))


@dataclass
class Measured:
    """Seconds per round: all of it, and the slowest participant's work."""

    walls: list[float] = field(default_factory=list)
    works: list[float] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Median over all rounds but the first, in seconds."""
        return median(self.walls[1:])

    @property
    def work(self) -> float:
        """Median over all rounds but the first, in seconds."""
        return median(self.works[1:])

    @property
    def overhead(self) -> float:
        """What a round takes beside the work: median over all rounds but the first, in seconds."""
        return median(wall - work for wall, work in list(zip(self.walls, self.works, strict=True))[1:])


class Participant:
    """What one participant computes in a round, by the same functions that a worker uses, on random rows.

    Attributes:
        reference: the weights that a round starts from; to be filled before it.
    """

    def __init__(self, case: Case) -> None:
        torch.set_num_threads(1)
        numbers = torch.Generator().manual_seed(0)
        self._rows = (
            torch.rand((case.rows, case.columns), generator=numbers),
            torch.randint(0, 2, (case.rows, 1), generator=numbers).float(),
        )
        run = LayersHyperparameters.from_run(dict(case.run))
        self._algorithm = run.make_algorithm()
        self._objective = Objective(run, Action.CLASSIFY)
        self._network = build_network(case.layers, seed=1)
        self._local = LocalTrainer(
            self._network, self._network, *self._rows, run, self._objective, "bare", schedule=Schedule(run)
        )
        self.reference = {name: tensor.clone() for name, tensor in self.weights.items()}

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """What a round ended with: the network's own memory."""
        return self._network.state_dict()

    def train(self, number: int) -> float:
        """Train one round; the seconds it took."""
        self._local.step = Step(number)
        self._algorithm.client(self._local.step, Bag({"weights": self.reference}), None, self._local)
        return self._local.done[-1].seconds

    def evaluate(self) -> float:
        """Measure the weights a round starts from; the seconds it took."""
        begun = time.perf_counter()
        self._network.load_state_dict(self.reference)
        evaluate_locally(self._network, *self._rows, objective=self._objective)
        return time.perf_counter() - begun
