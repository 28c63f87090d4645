"""Algorithms over the real wire, from the TTP's rounds to two workers and back; two of them nothing else knows of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.optim import SGD
from werkzeug.serving import BaseWSGIServer, make_server

from factories.network_models import layer, linear
from factories.worker_data import wine, write_frame
from synergos.domain.feature_space import Action
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.tags import Purpose
from synergos.errors import JobInterrupted
from synergos.learning.algorithms import (
    ALGORITHMS,
    Algorithm,
    Answer,
    Answers,
    Bag,
    Like,
    Local,
    Reduction,
    Server,
    Step,
)
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.families import Recipe
from synergos.learning.families.layers import LAYERS
from synergos.learning.feature_space_agreement import feature_space
from synergos_ttp.control import Control
from synergos_ttp.events import Event, RoundDone
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import JobParticipant
from synergos_ttp.workers.session_group import SessionContent, Sessions
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

PROJECT = ProjectKey("c", "p")
TAGS = {Purpose.TRAIN: [("train",)], Purpose.EVALUATE: [("evaluate",)]}
RUN = {"rounds": 3, "epochs": 2, "lr": 0.1, "criterion": "NLLLoss", "lr_scheduler": "LambdaLR"}
LAYER_LIST = [linear(13, 8, "tanh"), layer("BatchNorm1d", num_features=8), linear(8, 3, "softmax")]


@dataclass(frozen=True)
class LossesFirst(FedAvg):
    """Asks for losses, tells everybody the mean of them, and has only then trained; everybody counts its rounds."""

    name: ClassVar[str] = "LossesFirst"
    paper: ClassVar[str] = "nobody, 2026"

    def answered(self, exchange: int) -> Mapping[str, Like]:
        return super().answered(exchange) if exchange else {}

    def ask(self, state: Bag, step: Step, participant: str) -> Bag | None:
        return Bag({"weights": state["weights"]}, state.numbers) if step.exchange < 2 else None

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        if step.exchange == 0:
            return Answer(Bag(numbers={"loss": local.loss(message["weights"])}))
        rounds = kept.numbers["rounds"] if kept else 0
        assert rounds == step.round
        assert message.numbers["loss"] > 0
        answer = super().client(step, message, None, local)
        return Answer(answer.bag, Bag(numbers={"rounds": rounds + 1}))

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        if step.exchange == 0:
            return Bag(state.sets, {"loss": answers.number("loss")})
        return Bag({"weights": answers.mean("weights")}, state.numbers)


@dataclass(frozen=True)
class CentreByTraining(FedAvg):
    """Participants send their models as a row of numbers; the server makes steps towards the middle of these."""

    name: ClassVar[str] = "CentreByTraining"
    paper: ClassVar[str] = "nobody, 2026"
    reduction: ClassVar[Reduction] = Reduction.EACH
    moves: ClassVar[str | None] = None

    def answered(self, exchange: int) -> Mapping[str, Like]:
        return {"points": Like.OWN}

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        trained = local.train(message["weights"], epochs=1).weights
        return Answer(
            Bag({"points": {"model": torch.cat([trained[name].flatten().double() for name in sorted(trained)])}})
        )

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        points = torch.stack([reply.bag["points"]["model"] for reply in answers.each])

        def spread(weights: Mapping[str, Tensor]) -> Tensor:
            return (points - weights["centre"]).square().sum() / 2

        start = {"centre": torch.zeros_like(points[0])}
        # 2 points: the step of a rate of 1/4 halves the distance to their middle.
        centre = server.train(start, spread, lambda tensors: SGD(tensors, lr=0.25), steps=60)["centre"]
        sizes = [state["weights"][name].numel() for name in sorted(state["weights"])]
        pieces = dict(zip(sorted(state["weights"]), torch.split(centre, sizes), strict=True))
        before = state["weights"]
        return Bag(
            {"weights": {name: pieces[name].reshape(before[name].shape).to(before[name].dtype) for name in before}}
        )


class Worker:
    """A worker in this process, behind two real ports."""

    def __init__(self, name: str, root: Path) -> None:
        self.service: WorkerService = build_worker(
            Settings(root, root.parent / f"{root.name}-outputs", policy=OPEN, limits=UNLIMITED)
        )
        self._servers: list[BaseWSGIServer] = [
            make_server("127.0.0.1", 0, app, threaded=True) for app in (self.service.command_app, self.service.data_app)
        ]
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in self._servers]
        for thread in self._threads:
            thread.start()
        command, data = (server.server_port for server in self._servers)
        self.node = Node(name, "127.0.0.1", command, data)

    def forget(self) -> None:
        """Lose all sessions, as a worker does that is killed and started again."""
        for session in list(self.service.sessions._open.values()):
            self.service.sessions.terminate(session.run, session.id)

    def close(self) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
        self.service.stop()
        self.service.close()


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Worker]]:
    frame = wine()
    with ExitStack() as stack:
        made = []
        for index, name in enumerate(("worker_1", "worker_2")):
            root = tmp_path_factory.mktemp(name)
            own = frame.iloc[index * 60 : index * 60 + 70 + 30 * index]
            write_frame(root, ["train"], own[20:])
            write_frame(root, ["evaluate"], own[:20])
            made.append(Worker(name, root))
            stack.callback(made[-1].close)
        yield made


@contextmanager
def rounds_of(
    workers: Sequence[Worker], folder: Path, algorithm: str, limits: Limits | None = None, **run: Any
) -> Iterator[Rounds]:
    """Rounds with sessions at both workers."""
    control = Control()
    polled = {}
    for worker in workers:
        commands = WorkerCommands(worker.node, Limits(), control.check)
        polled[worker.node.participant_id] = commands.prepare(PROJECT, Action.CLASSIFY, TAGS)
    space, alignment = feature_space(polled, Action.CLASSIFY)
    hyperparameters = LAYERS.hyperparameters(RUN | {"algorithm": algorithm} | run, Action.CLASSIFY)
    recipe = Recipe(LAYERS, LAYERS.check(LAYER_LIST), hyperparameters, space)
    members = [JobParticipant(each.node, TAGS, alignment.missing_columns[each.node.participant_id]) for each in workers]
    content = SessionContent(RunKey("c", "p", "e", algorithm), recipe, tuple(TAGS))
    with RoundStore(folder, "job") as store, Sessions(members, content, limits or Limits(), control) as sessions:
        yield Rounds(sessions, hyperparameters, LAYERS.initial(recipe), store, control)


def trained(workers: Sequence[Worker], folder: Path, algorithm: str, **run: Any) -> tuple[dict[str, Tensor], Rounds]:
    with rounds_of(workers, folder, algorithm, **run) as rounds:
        return load_file(rounds.run().global_weights), rounds


def assert_same_bits(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@contextmanager
def known(algorithm: type[Algorithm]) -> Iterator[None]:
    with ALGORITHMS.having(algorithm):
        yield


def test_a_round_of_two_exchanges_ends_in_the_bits_of_one(workers: Sequence[Worker], tmp_path: Path) -> None:
    expected, plain = trained(workers, tmp_path / "plain", "FedAvg")

    with known(LossesFirst):
        found, rounds = trained(workers, tmp_path / "two", "LossesFirst")

    assert_same_bits(found, expected)
    # The same losses as those of the training itself, and the evaluation rides along with the first exchange.
    assert rounds.history == plain.history
    assert len(rounds.history.evaluate) == 3
    committed = rounds.store.load()
    assert committed is not None
    assert {who: kept.numbers for who, kept in committed.kept.items()} == {
        "worker_1": {"rounds": 3},
        "worker_2": {"rounds": 3},
    }


def test_a_server_trains_on_what_the_participants_sent(workers: Sequence[Worker], tmp_path: Path) -> None:
    with known(CentreByTraining):
        found, rounds = trained(workers, tmp_path / "centre", "CentreByTraining", rounds=1)
        again, _ = trained(workers, tmp_path / "again", "CentreByTraining", rounds=1)
    with rounds_of(workers, tmp_path / "each", "FedAvg", rounds=1, epochs=1) as separate:
        files = separate.run()
        local = list(files.updates(["worker_1", "worker_2"]).values())

    assert_same_bits(found, again)
    for name, tensor in found.items():
        middle = torch.stack([own[name].double() for own in local]).mean(0)
        torch.testing.assert_close(tensor, middle.to(tensor.dtype), rtol=1e-5, atol=1e-6)
    # Nobody has sent a model, so there is none of a participant.
    assert rounds.store.files(0).updates(["worker_1", "worker_2"]) == {}
    assert list(rounds.history.evaluate) == [0]


STATEFUL = ("SCAFFOLD", "FedAdam", "LossesFirst")


@pytest.mark.parametrize("algorithm", STATEFUL)
def test_a_worker_that_forgets_everything_changes_no_bit(
    workers: Sequence[Worker], tmp_path: Path, algorithm: str
) -> None:
    with known(LossesFirst):
        expected, _ = trained(workers, tmp_path / "calm", algorithm)
        with rounds_of(workers, tmp_path / "troubled", algorithm) as rounds:
            rounds.control.subscribe(after_round(0, workers[0].forget))
            found = load_file(rounds.run().global_weights)

    assert_same_bits(found, expected)


@pytest.mark.parametrize("algorithm", STATEFUL)
def test_workers_that_always_need_more_time_change_no_bit(
    workers: Sequence[Worker], tmp_path: Path, algorithm: str
) -> None:
    with known(LossesFirst):
        expected, _ = trained(workers, tmp_path / "calm", algorithm)
        # Every request is answered before the work is done.
        with rounds_of(workers, tmp_path / "slow", algorithm, Limits(long_poll=0.0)) as rounds:
            found = load_file(rounds.run().global_weights)

    assert_same_bits(found, expected)


@pytest.mark.parametrize("algorithm", STATEFUL)
@pytest.mark.parametrize("number", [0, 1])
def test_a_ttp_that_ends_and_goes_on_changes_no_bit(
    workers: Sequence[Worker], tmp_path: Path, algorithm: str, number: int
) -> None:
    def stop() -> None:
        raise JobInterrupted("the program stops")

    with known(LossesFirst):
        expected, calm = trained(workers, tmp_path / "calm", algorithm)
        with rounds_of(workers, tmp_path / "troubled", algorithm) as rounds:
            rounds.control.subscribe(after_round(number, stop))
            with pytest.raises(JobInterrupted):
                rounds.run()
        found, resumed = trained(workers, tmp_path / "troubled", algorithm)

    assert_same_bits(found, expected)
    assert resumed.history == calm.history


def after_round(number: int, act: Callable[[], None]) -> Callable[[Event], None]:
    def look(event: Event) -> None:
        if isinstance(event, RoundDone) and event.number == number:
            act()

    return look
