"""What tests of lines do: have a worker behind one take part in a round, and see what passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from factories.network_models import linear
from networks.link import Link, within
from synergos.domain.feature_space import Action
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.tags import Purpose
from synergos.errors import SynergosError
from synergos.identity.identity import Renewable
from synergos.learning.algorithms import Bag, Model, Step
from synergos.learning.families import Recipe
from synergos.learning.families.layers import LAYERS
from synergos.learning.feature_space_agreement import feature_space
from synergos.wire import Encoded, Layout, Parcel, encode_parcel
from synergos_ttp.control import Control
from synergos_ttp.events import Event
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.workers.answer_memory import AnswerMemory, Destination
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.data_plane import Answered
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.packets import Packets
from synergos_ttp.workers.participant import JobParticipant, OpenSession
from synergos_ttp.workers.retry import PREPARING, retry_while_lost
from synergos_ttp.workers.sealing import Introductions
from synergos_ttp.workers.session_group import SessionContent, Sessions

ADDRESSES = ("10.199.7.1", "10.199.7.2")
PORTS = (5000, 8020)
ORCHESTRATOR, HOSPITAL = 0, 1
"""The ends of the line."""
TAGS = {Purpose.TRAIN: [("train",)], Purpose.EVALUATE: [("evaluate",)]}
IMPATIENT = Limits(stall=1.5, long_poll=0.5, connect=3.0)
"""Those of a TTP that notices a cut within two seconds, so that tests need no longer ones."""


@dataclass(frozen=True)
class Site:
    """A worker behind a line, and a TTP at the other end, which is this process."""

    link: Link
    orchestrator: str
    node: Node
    folder: Path

    @contextmanager
    def session(
        self, limits: Limits = IMPATIENT, width: int = 500, *, is_sealed: bool = True
    ) -> Iterator[OpenedSession]:
        """An open session with a network of about ``width``² weights; what is asked meanwhile is asked from the TTP's host."""
        own = Introductions(Renewable(self.folder / "ttp.json"), "ttp") if is_sealed else None
        limits = replace(limits, introductions=own, packets=Packets())
        with within(self.orchestrator):
            control, events = Control(), list[Event]()
            control.subscribe(events.append)
            commands = WorkerCommands(self.node, limits, control.check)
            prepare = partial(commands.prepare, ProjectKey("c", "p"), Action.CLASSIFY, TAGS)
            polled = {self.node.participant_id: retry_while_lost(commands, prepare, PREPARING, control.publish)}
            space, alignment = feature_space(polled, Action.CLASSIFY)
            run = {"rounds": 2, "epochs": 1, "lr": 0.01, "criterion": "NLLLoss", "algorithm": "FedAvg"}
            hyperparameters = LAYERS.hyperparameters(run, Action.CLASSIFY)
            layers = [linear(13, width, "tanh"), linear(width, width, "tanh"), linear(width, 3, "softmax")]
            recipe = Recipe(LAYERS, LAYERS.check(layers), hyperparameters, space)
            members = [JobParticipant(self.node, TAGS, alignment.missing_columns[self.node.participant_id])]
            content = SessionContent(RunKey("c", "p", "e", uuid4().hex), recipe, tuple(TAGS))
            with Sessions(members, content, limits, control) as sessions:
                yield OpenedSession(sessions, LAYERS.initial(recipe), hyperparameters, events, self.folder)


@dataclass(frozen=True)
class OpenedSession:
    """A session that is open, and all that happens to it."""

    sessions: Sessions
    model: Model
    hyperparameters: Any
    events: list[Event]
    folder: Path
    memory: AnswerMemory = field(default_factory=AnswerMemory)

    @property
    def message(self) -> Encoded:
        """What the first round asks."""
        return encode_parcel(Parcel(Bag({"weights": self.model.weights}), None, {"round": 0}))

    def exchange(self, memory: int = 2**26) -> Answered:
        """Have the first round done; with too little memory its answer goes into a file."""
        message, layout = self.message, Layout.of(self.model.weights)
        path = self.folder / uuid4().hex
        target = Destination(lambda: path, AnswerMemory(memory), lambda: path.open("wb"))

        def work(session: OpenSession) -> Answered:
            return session.data.exchange(Step(0), message, layout, target)

        [outcome] = self.sessions.attempt(work, purpose="round 1").values()
        if isinstance(outcome, SynergosError):
            raise outcome
        return outcome

    def train(self) -> Rounds:
        """All rounds, the model's evaluation included."""
        with RoundStore(self.folder / uuid4().hex, "job") as store:
            rounds = Rounds(self.sessions, self.hyperparameters, self.model, store, self.sessions.control)
            rounds.run()
            return rounds


def weights_of(answer: Answered) -> dict[str, torch.Tensor]:
    """Of an answer, as they are at this moment."""
    return {name: tensor.clone() for name, tensor in answer.parcel.bag["weights"].items()}


def are_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether they are, to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
