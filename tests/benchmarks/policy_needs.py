"""What examples, the original's sequences and benchmarks ask of a worker, in the units of its owner's limits.

    python tests/benchmarks/policy_needs.py

Prints one line a case, as docs/decisions/0014 has it. Every case is trained for real, by workers without limits, at most 15 rounds of it.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.round_cases import CASES, write_rows
from factories.feature_spaces import prepared
from fakes.federation import NoServer, copied
from fakes.worker_client import HeldExecutor, WorkerClient, blob_of, message_in
from support.original_notebooks import ABALONE, HEART_DISEASE, SHIPPED, Notebook
from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose
from synergos.learning import families
from synergos.learning.algorithms import WEIGHTS, Answers, Bag, Reply, Step, Weights
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.update_gate import movement
from synergos_simulator.datasets import NAMES, Dataset, open_dataset, write_example
from synergos_simulator.datasets.dataset import layer
from synergos_worker.bootstrap import build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.judging import learnt, parameters_of, values_of
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

ROUNDS = 15


@dataclass(frozen=True)
class Asked:
    """A case: what is trained, and on which folder of each participant."""

    name: str
    action: Action
    architecture: Sequence[Mapping[str, Any]]
    run: Mapping[str, Any]
    folders: Sequence[Sequence[str]]


@dataclass
class Needs:
    """What a case comes to at the participant where it is most."""

    rows: int
    values: int
    parameters: int
    batch: int
    steps: int
    rates: float
    moved: float = 0.0
    distance: float = 0.0

    def line(self, name: str) -> str:
        """A line of the table."""
        share = self.parameters / (self.rows * self.values)
        return (
            f"| {name} | {self.rows} | {self.values} | {self.parameters} | {self.parameters / self.rows:.3g} | {share:.3g} | {self.batch} | "
            f"{self.steps} | {self.rates:.3g} | {self.moved:.3g} | {self.distance:.3g} |"
        )


def cases(data: Path) -> Iterator[Asked]:
    """All of them, their rows written below a folder."""
    for name in NAMES:
        yield shown(write_example(data, name), name)
    if SHIPPED.is_dir():
        shutil.copytree(SHIPPED / "imagenette", data / "imagenette")
        yield shown(open_dataset(data / "imagenette"), "imagenette")
        for notebook in (ABALONE, HEART_DISEASE):
            shutil.copytree(SHIPPED / notebook.dataset, data / notebook.dataset / "dataset")
            yield recorded(notebook)
    for name, case in CASES.items():
        write_rows(case, data / f"case_{name}")
        yield Asked(
            f"benchmark {name}",
            Action.CLASSIFY,
            case.layers,
            {"rounds": 2, **case.run},
            [[f"case_{name}", "train"]] * 2,
        )


def shown(found: Dataset, name: str) -> Asked:
    """An example, as the simulator runs it."""
    folders = [holding.train for holding in found.holdings]
    return Asked(name, Action(found.action), found.architecture, found.hyperparameters, folders)


def recorded(notebook: Notebook) -> Asked:
    """A sequence of the original's, as recorded."""
    run = {"algorithm": "FedProx", "rounds": 2, "epochs": 1, "lr": 0.001, "mu": 0.1, "optimizer": "SGD"}
    run |= {
        "criterion": notebook.criterion,
        "lr_scheduler": "CyclicLR",
        "base_lr": 0.0005,
        "max_lr": 0.005,
        **notebook.run,
    }
    folders = [notebook.tag(number, notebook.train)[0] for number in (1, 2)]
    layers = [layer(notebook.inputs, 1, notebook.activation, is_input=True)]
    return Asked(notebook.dataset, Action(notebook.action), layers, run, folders)


def needs(case: Asked, data: Path, folder: Path) -> Needs:
    """Train it, and see what it comes to."""
    services = [
        build_worker(Settings(data, folder / str(index), policy=OPEN, limits=UNLIMITED), compute=HeldExecutor())
        for index, _ in enumerate(case.folders)
    ]
    clients = [WorkerClient(service) for service in services]
    try:
        return trained(case, clients)
    finally:
        for service in services:
            service.close()


def trained(case: Asked, clients: Sequence[WorkerClient]) -> Needs:
    """The rounds of a case, without a TTP between them."""
    tags = [{"train": [list(each)]} for each in case.folders]
    polled = {
        str(i): prepared(client.prepared(own, case.action))
        for i, (client, own) in enumerate(zip(clients, tags, strict=True))
    }
    space, alignment = feature_space(polled, case.action)
    family = families.get(families.DEFAULT)
    layers = family.fit(family.check(list(case.architecture)), space)
    recipe = families.recipe(None, layers, case.run, space)
    found: list[Needs] = []
    for index, (client, own) in enumerate(zip(clients, tags, strict=True)):
        body = {"action": case.action, "tags": own, "alignments": alignment.missing_columns[str(index)]}
        said = (
            body | recipe.to_dict() | {"id": f"worker_{index + 1}", "session_id": client.session_id, "metas": ["train"]}
        )
        client.command("POST", "/worker/initialise/c/p1/e1/r1", 201, said)
        rows = client.service.sessions.get(client.session_id)._rows[Purpose.TRAIN].labelled
        assert rows is not None
        plan = family.plan(recipe, len(rows))
        found.append(
            Needs(len(rows), values_of(rows.inputs), parameters_of(recipe), plan.batch_rows, plan.steps, plan.rates)
        )
    _play(recipe, clients, found)
    return max(found, key=lambda each: each.parameters / (each.rows * each.values))


def _play(recipe: families.Recipe, clients: Sequence[WorkerClient], found: Sequence[Needs]) -> None:
    algorithm, model = recipe.hyperparameters.make_algorithm(), recipe.family.initial(recipe)
    state, first = algorithm.init(model), model.weights
    names = learnt(recipe)
    own: dict[int, Weights] = {}
    moved = [0.0] * len(clients)
    for number in range(min(recipe.hyperparameters.rounds, ROUNDS)):
        weights = state[WEIGHTS]
        replies = []
        for index, client in enumerate(clients):
            if index in own:
                norm = max(1.0, movement(own[index], None, names))
                away = movement(weights, own[index], names) / max(moved[index], 1e-4 * norm)
                found[index].moved = max(found[index].moved, away)
            response = client.data("PUT", f"rounds/{number}", blob_of(weights, round=number), wait=60)
            own[index] = message_in(response, weights)[0]
            moved[index] = max(moved[index], movement(own[index], weights, names))
            replies.append(Reply(str(index), found[index].rows, copied(Bag({WEIGHTS: own[index]}))))
        total = sum(each.rows for each in found)
        state = copied(algorithm.fold(state, Step(number), Answers(replies, total), NoServer()))
    for each in found:
        each.distance = movement(state[WEIGHTS], first, names) / max(1.0, movement(first, None, names))
        each.moved = max(every.moved for every in found)


def main() -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(
        "| case | rows | values | parameters | a row | a value of a row | rows a step | steps a round | rates | movement | distance |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "data"
        for case in cases(data):
            print(needs(case, data, Path(home) / case.name.replace(" ", "_")).line(case.name), flush=True)


if __name__ == "__main__":
    main()
