"""Which honest participants are shortened where everybody's learning rate is steep: ``python tests/benchmarks/steep_rates.py``.

The cases of ``contrary_updates.py``, all honest, with its rates and several times those; all that judges an update's length and direction
does. A run in which a value is no longer finite has diverged, and is over; one whose loss ends larger than it began has gained nothing.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.contrary_updates import DATA, DEALT, ROUNDS, SCALES, WAYS, Places, Rows, Way
from synergos.learning.bags import Bag
from synergos.learning.shortening import products
from synergos.learning.update_gate import Measured, movement
from synergos.learning.update_limits import UpdateLimits

TIMES = (1, 2, 5, 10)
ADAM = 0.01


def trained(
    network: nn.Module, rows: Rows, places: Places, way: Way, scale: float, numbers: torch.Generator
) -> Measured:
    """Train in place; what is told of it, all but how far that went."""
    optimizer = way.optimizer(network.parameters(), scale)
    losses = []
    for _ in range(way.epochs):
        total = 0.0
        for batch in torch.split(torch.randperm(len(places), generator=numbers), way.batch or len(places)):
            optimizer.zero_grad()
            loss = rows.loss(network(rows.inputs[places][batch]), rows.targets[places][batch])
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(batch) / len(places)
        losses.append(total)
    steps = math.ceil(len(places) / (way.batch or len(places)))
    return Measured(len(places), 0.0, True, losses[0], losses[-1], steps)


def shortened(rows: Rows, parts: Sequence[Places], way: Way, scale: float) -> tuple[set[str], bool]:
    """Who is, in at least one round, and whether the run has led anywhere."""
    numbers = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    is_classified = isinstance(rows.loss, nn.CrossEntropyLoss)
    network = nn.Sequential(
        nn.Linear(rows.inputs.shape[1], 16),
        nn.ReLU(),
        nn.Linear(16, int(rows.targets.max()) + 1 if is_classified else 1),
    )
    model = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    counts = {str(number): len(part) for number, part in enumerate(parts)}
    limits, found, began = UpdateLimits(has_scale=not is_classified), set[str](), _loss(network, rows)
    for _ in range(ROUNDS):
        answers, measured = {}, {}
        for who, places in zip(counts, parts, strict=True):
            network.load_state_dict(model)
            told = trained(network, rows, places, way, scale, numbers)
            ends = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
            far = movement(ends, model)
            if not math.isfinite(far) or told.last_loss is None or not math.isfinite(told.last_loss):
                return found, False
            answers[who] = Bag({"weights": ends})
            measured[who] = Measured(told.rows, far, True, told.first_loss, told.last_loss, told.steps)
        between = partial(products, answers, dict.fromkeys(counts, Bag({"weights": model})), "weights")
        judged = limits.judge(measured, counts, between)
        found |= judged.keys()
        parts_of = {who: counts[who] / sum(counts.values()) for who in counts}
        factors = {who: judged[who].factor if who in judged else 1.0 for who in counts}
        model = {name: _mean(name, model, answers, parts_of, factors) for name in model}
    network.load_state_dict(model)
    return found, _loss(network, rows) < began


def _mean(
    name: str,
    model: Mapping[str, Tensor],
    answers: Mapping[str, Bag],
    parts: Mapping[str, float],
    factors: Mapping[str, float],
) -> Tensor:
    changes = (parts[who] * factors[who] * (answers[who].sets["weights"][name] - model[name]) for who in parts)
    return model[name] + sum(changes, torch.zeros(()))


def _loss(network: nn.Module, rows: Rows) -> float:
    with torch.no_grad():
        return float(rows.loss(network(rows.inputs), rows.targets))


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{'rates':>6} {'honest, in runs that learn':>28} {'shortened':>10} {'in others':>10} {'shortened':>10}")
    for times in TIMES:
        seen = Counter[str]()
        for (name, rows), deal, count, (way_name, way) in itertools.product(DATA.items(), DEALT, (3, 5), WAYS.items()):
            # Adam's rate is no part of the scale.
            used = (
                way
                if way_name != "Adam"
                else Way(way.epochs, way.batch, lambda own, scale: torch.optim.Adam(own, ADAM * scale))
            )
            scale = times * (1.0 if way_name == "Adam" else SCALES.get(name, 1.0))
            who, learns = shortened(rows, deal(rows, count, np.random.default_rng(1)), used, scale)
            kind = "learns" if learns else "does not"
            seen.update({kind: count, f"{kind}, shortened": len(who)})
        print(
            f"{times:5}x {seen['learns']:28} {seen['learns, shortened']:10} {seen['does not']:10} {seen['does not, shortened']:10}",
            flush=True,
        )


if __name__ == "__main__":
    main()
