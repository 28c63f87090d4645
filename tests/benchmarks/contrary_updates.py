"""Who is found to turn its updates round, of honest participants and of those who do: ``python tests/benchmarks/contrary_updates.py``.

Example data of the simulator, and a regression that is made up, are dealt among three or five participants in ways that make them
unlike each other. Each case is trained twice, once with everybody honest and once with the last participant's updates turned round; what
it says of its losses is true. Updates of whom ``ContraryUpdates`` finds count for nothing from then on.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synergos.learning.bags import Bag
from synergos.learning.contrary_updates import ContraryUpdates
from synergos.learning.shortening import products
from synergos.learning.update_gate import Measured

DATASETS = Path(__file__).parents[2] / "simulator" / "datasets"
MOST_ROWS, ROUNDS = 400, 12
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Rows:
    """Rows, their labels, and the loss that they are learnt with."""

    inputs: Tensor
    targets: Tensor
    loss: nn.Module

    @property
    def labels(self) -> NDArray[np.float64]:
        """As numbers, in which classes count from 0."""
        return np.asarray(self.targets, dtype=np.float64).ravel()


@dataclass(frozen=True)
class Way:
    """How a participant trains: epochs, rows of a batch (None for all), and what makes its optimizer, given how large labels are.

    Attributes:
        corrects: whether it corrects its gradients as SCAFFOLD does.
    """

    epochs: int
    batch: int | None
    optimizer: Callable[[Iterator[Tensor], float], torch.optim.Optimizer]
    corrects: bool = False


class Controls:
    """SCAFFOLD's control variates: what all gradients are together, and each participant's own."""

    def __init__(self, network: nn.Module, who: Sequence[str]) -> None:
        self.all = self._none(network)
        self.own = {each: self._none(network) for each in who}

    @staticmethod
    def _none(network: nn.Module) -> list[Tensor]:
        return [torch.zeros_like(parameter) for parameter in network.parameters()]

    def correct(self, network: nn.Module, who: str) -> None:
        """Change a participant's gradients."""
        for parameter, all_, own in zip(network.parameters(), self.all, self.own[who], strict=True):
            parameter.grad = None if parameter.grad is None else parameter.grad + all_ - own

    def learn(
        self,
        changes: Mapping[str, Sequence[Tensor]],
        weights: Mapping[str, float],
        rates: Mapping[str, float],
        liar: str | None,
    ) -> None:
        """Take note of what a round's steps have changed, of rates that come to so much.

        Args:
            liar: tells of its own change the opposite, and keeps the truth.
        """
        sent = {}
        for who, moved in changes.items():
            known = [
                -change / rates[who] - all_ + own
                for change, all_, own in zip(moved, self.all, self.own[who], strict=True)
            ]
            sign = -1 if who == liar else 1
            sent[who] = [sign * (new - own) for new, own in zip(known, self.own[who], strict=True)]
            self.own[who] = known
        self.all = [
            each + sum((weights[who] * sent[who][place] for who in sent), torch.zeros(()))
            for place, each in enumerate(self.all)
        ]


def of_simulator(name: str) -> Rows:
    """A dataset's training rows, scaled as an agreed feature space does."""
    files = [next((DATASETS / name / part / "train").glob("*.csv")) for part in ("data1", "data2")]
    frame = pd.concat(map(pd.read_csv, files), ignore_index=True).sample(frac=1, random_state=1)[:MOST_ROWS]
    target = frame.pop("target")
    wide = pd.get_dummies(frame.fillna(frame.median(numeric_only=True)), dtype=float).to_numpy(float)
    inputs = torch.tensor((wide - wide.min(0)) / np.maximum(wide.max(0) - wide.min(0), 1e-9), dtype=torch.float32)
    if name == "diabetes":
        return Rows(inputs, torch.tensor(target.to_numpy(float), dtype=torch.float32)[:, None], nn.MSELoss())
    return Rows(inputs, torch.tensor(pd.factorize(target, sort=True)[0]), nn.CrossEntropyLoss())


def made_up() -> Rows:
    """A linear regression with noise."""
    numbers = torch.Generator().manual_seed(0)
    inputs = torch.randn(MOST_ROWS, 10, generator=numbers)
    targets = inputs @ torch.linspace(-1, 2, 10) + 0.5 * torch.randn(MOST_ROWS, generator=numbers)
    return Rows(inputs, targets[:, None], nn.MSELoss())


def alike(rows: Rows, count: int, numbers: np.random.Generator) -> list[Places]:
    """As it comes."""
    return np.array_split(numbers.permutation(len(rows.labels)), count)


def uneven(rows: Rows, count: int, numbers: np.random.Generator) -> list[Places]:
    """From few to many: the last has more than half."""
    sizes = np.geomspace(1, 8, count).cumsum()
    return np.split(numbers.permutation(len(rows.labels)), (sizes / sizes[-1] * len(rows.labels)).astype(int)[:-1])


def by_label(rows: Rows, count: int, numbers: np.random.Generator) -> list[Places]:
    """Each has its own labels."""
    return np.array_split(np.argsort(rows.labels, kind="stable"), count)


def one_apart(rows: Rows, count: int, numbers: np.random.Generator) -> list[Places]:
    """The first has the lowest labels alone, the others the rest."""
    order, quarter = np.argsort(rows.labels, kind="stable"), len(rows.labels) // 4
    return [order[:quarter], *np.array_split(numbers.permutation(order[quarter:]), count - 1)]


def few_labels_each(rows: Rows, count: int, numbers: np.random.Generator) -> list[Places]:
    """By Dirichlet's distribution with 0.1: nearly every label is somebody's."""
    labels = rows.labels
    if len(np.unique(labels)) > 12:
        labels = np.digitize(labels, np.quantile(labels, [0.2, 0.4, 0.6, 0.8])).astype(np.float64)
    parts: list[list[int]] = [[] for _ in range(count)]
    for label in np.unique(labels):
        places = numbers.permutation(np.flatnonzero(labels == label))
        cuts = (numbers.dirichlet([0.1] * count).cumsum() * len(places)).astype(int)[:-1]
        for part, some in zip(parts, np.split(places, cuts), strict=True):
            part.extend(some)
    return [np.array(part) if len(part) > 3 else numbers.integers(0, len(labels), 8) for part in parts]


def sgd(parameters: Iterator[Tensor], scale: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, 0.5 * scale)


def momentum(parameters: Iterator[Tensor], scale: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, 0.1 * scale, momentum=0.9)


def small_steps(parameters: Iterator[Tensor], scale: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, 0.1 * scale)


def adam(parameters: Iterator[Tensor], scale: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, 0.01)


DATA = {**{name: of_simulator(name) for name in ("wine", "breast_cancer", "diabetes")}, "made up": made_up()}
SCALES = {"diabetes": 0.003, "made up": 0.3}
DEALT = (alike, uneven, by_label, one_apart, few_labels_each)
WAYS = {"SGD": Way(1, None, sgd), "momentum": Way(5, 32, momentum), "Adam": Way(2, 32, adam)}
CORRECTED = {"SCAFFOLD": Way(1, None, sgd, corrects=True), "SCAFFOLD, batches": Way(3, 32, small_steps, corrects=True)}


def training(
    network: nn.Module,
    rows: Rows,
    places: Places,
    way: Way,
    scale: float,
    numbers: torch.Generator,
    correct: Callable[[], None],
) -> tuple[float, float]:
    """Train in place; the loss of the first epoch, and the sum of the steps' rates."""
    optimizer, inputs, targets = way.optimizer(network.parameters(), scale), rows.inputs[places], rows.targets[places]
    first = rates = 0.0
    for epoch in range(way.epochs):
        order = torch.randperm(len(places), generator=numbers)
        for batch in torch.split(order, way.batch or len(places)):
            optimizer.zero_grad()
            loss = rows.loss(network(inputs[batch]), targets[batch])
            loss.backward()
            correct()
            optimizer.step()
            rates += optimizer.param_groups[0]["lr"]
            first += float(loss.detach()) * len(batch) / len(places) if epoch == 0 else 0.0
    return first, rates


def found(rows: Rows, parts: list[Places], way: Way, scale: float, *, turned: bool) -> Mapping[str, int]:
    """Who is found, and in which round."""
    numbers = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    classes = int(rows.targets.max()) + 1 if isinstance(rows.loss, nn.CrossEntropyLoss) else 1
    network = nn.Sequential(nn.Linear(rows.inputs.shape[1], 16), nn.ReLU(), nn.Linear(16, classes))
    model = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    who = [str(number) for number in range(len(parts))]
    weights = {each: len(part) / sum(map(len, parts)) for each, part in zip(who, parts, strict=True)}
    judge, when, controls = ContraryUpdates(), dict[str, int](), Controls(network, who)
    for number in range(ROUNDS):
        answers, measured, moved, rates = {}, {}, {}, {}
        for each, places in zip(who, parts, strict=True):
            network.load_state_dict(model)
            correct = partial(controls.correct, network, each) if way.corrects else lambda: None
            first, rates[each] = training(network, rows, places, way, scale, numbers, correct)
            sign = -1 if turned and each == who[-1] else 1
            ends = {
                name: model[name] + sign * (end.detach() - model[name]) for name, end in network.state_dict().items()
            }
            moved[each] = [end.detach() - model[name] for name, end in network.state_dict().items()]
            answers[each], measured[each] = Bag({"weights": ends}), Measured(len(places), 1.0, True, first, first)
        between = products(answers, dict.fromkeys(who, Bag({"weights": model})), "weights")
        if not np.isfinite(list(between.values())).all():
            # It has diverged, and a run would have ended.
            break
        answers |= dict.fromkeys(judge.judge(measured, weights, between), Bag({"weights": model}))
        when |= dict.fromkeys(judge.found - when.keys(), number + 1)
        if way.corrects:
            controls.learn(moved, weights, rates, who[-1] if turned else None)
        model = {
            name: sum((weights[each] * answers[each]["weights"][name] for each in who), torch.zeros(()))
            for name in model
        }
    return when


def main() -> None:
    """Print the tables: without corrections, and with SCAFFOLD's."""
    torch.set_num_threads(1)
    for ways in (WAYS, CORRECTED):
        print(", ".join(ways))
        table(ways)


def table(ways: Mapping[str, Way]) -> None:
    """Print one."""
    counts: dict[str, Counter[str]] = {}
    for (name, rows), deal, count, way in itertools.product(DATA.items(), DEALT, (3, 5), ways.values()):
        parts = deal(rows, count, np.random.default_rng(1))
        cell = counts.setdefault(deal.__name__, Counter())
        for turned in (False, True):
            who = found(rows, parts, way, SCALES.get(name, 1.0), turned=turned)
            is_named = turned and str(count - 1) in who
            honest = len(who) - is_named
            cell.update(honest=count - turned, named=honest, turned=turned, seen=is_named)
            cell["rounds"] += who.get(str(count - 1), 0) if turned else 0
    print(f"{'dealt':18} {'honest':>7} {'named':>6} {'turned round':>13} {'named':>6} {'in round, mean':>15}")
    for dealt, cell in counts.items():
        mean = cell["rounds"] / cell["seen"] if cell["seen"] else float("nan")
        print(f"{dealt:18} {cell['honest']:7} {cell['named']:6} {cell['turned']:13} {cell['seen']:6} {mean:15.1f}")


if __name__ == "__main__":
    main()
