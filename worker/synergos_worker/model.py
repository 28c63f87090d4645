"""The model of one session, what it was last sent, and what it has made of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synergos.domain.feature_space import Unseen
from synergos.learning.algorithms import WEIGHTS, Answer, Bag, Like, Step, Weights
from synergos.learning.bags import Packed
from synergos.learning.families import Array, Evaluation, LocalResult, Recipe, Trainer
from synergos.learning.update_gate import Gauge, movement
from synergos.tables.never_trained import NeverTrained
from synergos.wire import (
    Encoded,
    Header,
    Layout,
    Parcel,
    encode_parcel,
    layout_of,
    parcel_of,
    read_header,
    receive,
    weights_in,
)
from synergos.wire.codec import CHUNK_BYTES
from synergos.wire.layout import MAXIMUM_HEADER_BYTES, Places
from synergos_worker.devices import placed, room_for
from synergos_worker.disclosure.policy import Policy
from synergos_worker.message import Message
from synergos_worker.pipelines import Examples
from synergos_worker.pipelines.pipeline import Ids, Origins
from synergos_worker.policy.rounds import RoundJudge


@dataclass(frozen=True)
class Labelled:
    """Rows that a model can learn from and be measured on, on the device that computes.

    Attributes:
        truth: the targets, as the processor sees them.
        places: of these rows among all of their purpose.
    """

    inputs: Tensor
    targets: Tensor
    truth: NDArray[Any]
    places: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Rows:
    """One purpose's rows, on the device that computes; what files are written from stays in main memory.

    Attributes:
        inputs: of all of them.
        labelled: those with a label that the model has; None without any.
        policy: what may be told of them.
    """

    inputs: Tensor
    labelled: Labelled | None
    origins: Origins
    ids: Ids
    policy: Policy
    never_trained: NeverTrained

    @classmethod
    def of(
        cls,
        examples: Examples,
        device: str,
        policy: Policy,
        set_aside: Callable[[int], None],
        *,
        is_training: bool = False,
    ) -> Self:
        """Put examples on a device.

        Args:
            set_aside: is told of how many rows a copy is needed, before it is made; what it raises is raised.
            is_training: no row to train on is left out because of a level that is no input.

        Raises:
            GridError: its memory is too small for them.
        """
        never = examples.never_trained
        if is_training:
            never = replace(never, unseen=Unseen.MISSING)
        inputs = placed(torch.from_numpy(examples.inputs), device, "the rows")
        measured = never.measured(len(inputs))
        if examples.targets is not None and 0 < (count := int(measured.sum())) < len(inputs):
            set_aside(count)
        labelled = _labelled(inputs, examples.targets, measured, device)
        return cls(inputs, labelled, examples.origins, examples.ids, policy, never)

    def __len__(self) -> int:
        return len(self.inputs)


def _labelled(inputs: Tensor, truth: NDArray[Any] | None, measured: NDArray[np.bool_], device: str) -> Labelled | None:
    if truth is None or not measured.any():
        return None
    places = np.flatnonzero(measured)
    if len(places) < len(inputs):
        inputs, truth = inputs[torch.from_numpy(places).to(inputs.device)], truth[places]
    return Labelled(inputs, placed(torch.from_numpy(truth), device, "the labels"), truth, places)


class SessionModel:
    """A model that its family trains in place, and one buffer for what is received; used by one thread at a time.

    To make one costs a moment, and no thread in which others compute: the network is there once something is computed with it.

    Of FedAvg there are never more than two copies of the model. Weights that only have to be measured stay in the buffer, so
    that the last round's result stays with the trainer.

    Args:
        judge: of what it is sent to train; None for one that does not train.
    """

    def __init__(self, recipe: Recipe, participant_id: str, device: str, judge: RoundJudge | None = None) -> None:
        self.hyperparameters = recipe.hyperparameters
        self._recipe = recipe
        self._judge = judge
        self._algorithm = recipe.hyperparameters.make_algorithm()
        self._device = device
        # Made where all is computed, for what others draw of torch's random numbers; weights may be received before.
        self._make: Callable[[], Trainer] = partial(recipe.family.trainer, recipe, participant_id, device)
        self._made: Trainer | None = None
        self._outline = recipe.family.outline(recipe)
        self._layout = Layout.of(self._outline.weights)
        # By what they hold, of which there is little, and not by exchange, of which anybody may invent as many as there are.
        self._layouts: dict[tuple[tuple[str, Like], ...], Layout] = {}
        # torch's own memory is aligned always alike; results can depend on that in their last bit.
        self._buffer = torch.empty(self._layout.nbytes, dtype=torch.uint8)
        # The tensors of the newest message as views of the buffer, and where they lie: those of the next one lie there too.
        self._views: tuple[Places, Weights] = (Places(), {})
        self._received = Parcel(Bag())
        # How far the newest message's weights lie from the model, where that was measured while they arrived.
        self._distance: float | None = None
        self._answer = Answer(Bag())
        # The network's weights once more, from the end of one training until the next, unless they are many.
        self._copy: Packed | None = None
        # Of the message whose bytes are in the buffer, or on their way there.
        self._coming: Header | None = None

    def maximum_message(self, exchange: int | None) -> int:
        """The most bytes a message can have; see :meth:`receive`."""
        return 8 + MAXIMUM_HEADER_BYTES + self._expected(exchange).largest

    def warm_up(self, rows: Rows, *, is_training: bool, should_stop: Callable[[], bool] | None = None) -> None:
        """Pay what the first step costs, and find out whether model, run and rows go together; before anything is received.

        Args:
            is_training: whether the session trains; one that does not is rehearsed by predicting.

        Raises:
            InvalidRequest: they do not.
        """
        if not is_training or rows.labelled is None:
            self._trainer.warm_up(rows.inputs, None, {}, should_stop)
            return
        # In the memory of the rounds to come, as if the first weights had been received: no third copy of the model.
        self._hold(weights_in(self._buffer.numpy().data, Header.of(self._layout, {})), {})
        labelled, memory = rows.labelled, self._received.bag[WEIGHTS]
        self._trainer.warm_up(labelled.inputs, labelled.targets, memory, should_stop)

    def receive(self, message: Message, exchange: int | None) -> Mapping[str, object]:
        """Read a message into the buffer; its metadata.

        Args:
            message: the whole of it, or what is left of the one that was received last and not to its end.
            exchange: of the round that it asks for; ``None`` for weights that are only to be used.

        Raises:
            WireFormatError: it is not what belongs there.
            GridError: the device has no room for it.
        """
        if message.offset and self._coming is not None:
            header = self._coming
        else:
            self._coming = None
            header = read_header(message.read, message.length, self._expected(exchange))
        self.settle()
        self._distance = None
        if header.data_bytes > len(self._buffer):
            self._received, self._views = Parcel(Bag()), (Places(), {})
            self._buffer = torch.empty(header.data_bytes, dtype=torch.uint8)
        buffer = self._buffer.numpy().data
        self._coming = header
        position = message.position - (message.whole - header.data_bytes)
        if header.offsets is not self._views[0]:
            self._views = (header.offsets, weights_in(buffer, header))
        gauge = self._gauge(header, exchange)
        if gauge is None:
            receive(message.read_into, header, buffer, position=position)
        else:
            begin = self._buffer.data_ptr()
            receive(message.read_into, header, buffer, lambda count: gauge.arrived(begin + count), position)
        self._hold(self._views[1], header.metadata)
        self._distance = None if gauge is None else gauge.lengths.moved
        return self._received.metadata

    def train(
        self,
        rows: Labelled,
        step: Step,
        on_epoch: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Sequence[LocalResult]:
        """Do the algorithm's part with what was received, which stays what it is; what each training came to.

        Raises:
            NotAllowed: the owner's policy has a limit that what was received, or what came of it, does not keep to.
        """
        corrections = self._judge_received(step)
        local = self._trainer.local(rows.inputs, rows.targets, step, on_epoch, should_stop)
        try:
            answer = self._algorithm.client(step, self._received.bag, self._received.kept, local)
            self._copy = self._copied()
            if self._judge is not None and local.done and WEIGHTS in self._received.bag.sets:
                start = self._received.bag[WEIGHTS]
                self._judge.after(local.done, self._weights, start, self._corrected(step), corrections)
        except BaseException:
            self._put_back()
            raise
        # The answer is there until the next one is asked for, and other weights may be received before.
        self._answer = Answer(self._apart(answer.bag), None if answer.kept is None else self._apart(answer.kept))
        return local.done

    @property
    def _weights(self) -> Weights:
        """The network's, as they are between two trainings."""
        return self._copy or self._trainer.model.weights

    def _copied(self) -> Packed | None:
        """The network's weights once more, where it is small: to measure and to send what lies together takes fewer steps than all else."""
        received = self._received.bag.sets.get(WEIGHTS)
        if received is None or self._layout.nbytes > CHUNK_BYTES:
            return None
        return Packed.of(self._trainer.model.weights, received)

    def settle(self) -> None:
        """Measure what is to be known of the last training, if that was not done; any thread may, once the answer is there."""
        judge = self._judge
        if judge is not None:
            judge.settle()

    def _gauge(self, header: Header, exchange: int | None) -> Gauge | None:
        """What measures a large message to train on while it arrives, in memory where it stays; the rest is measured when it is there."""
        is_large = header.data_bytes > CHUNK_BYTES and torch.device(self._device).type == "cpu"
        if self._judge is None or self._made is None or exchange is None or not is_large:
            return None
        weights = parcel_of(self._views[1], header.metadata).bag.sets.get(WEIGHTS)
        # Nobody trains while something arrives.
        return None if weights is None else self._judge.gauge(weights, self._made.model.weights)

    def _judge_received(self, step: Step) -> float:
        """How large what was received is that changes gradients, where that is judged."""
        if self._judge is None or WEIGHTS not in self._received.bag.sets:
            return 0.0
        corrections = self._corrections(step)
        distance, self._distance = self._distance, None
        self._judge.before(step.round, self._received.bag[WEIGHTS], self._weights, corrections, distance)
        return corrections

    def _corrected(self, step: Step) -> Collection[str]:
        """The names of the weights whose gradients what is sent may change."""
        likes = {*self._algorithm.asked(step.exchange).values(), *self._algorithm.kept.values()}
        return self._outline.parameters if Like.PARAMETERS in likes else ()

    def _corrections(self, step: Step) -> float:
        """How large what was received is that changes gradients, as SCAFFOLD's control variates do: the norms of all of it together."""
        received = [(self._algorithm.asked(step.exchange), self._received.bag)]
        if self._received.kept is not None:
            received.append((self._algorithm.kept, self._received.kept))
        return sum(
            movement(bag[name], None)
            for sets, bag in received
            for name, like in sets.items()
            if like is Like.PARAMETERS and name in bag.sets
        )

    def _put_back(self) -> None:
        """What a training leaves that has not ended, or is not told of, is nothing that the next weights may lie near."""
        self._copy = None
        if self._judge is None or WEIGHTS not in self._received.bag.sets:
            return
        known = self._received.bag[WEIGHTS]
        if not self._judge.has_trained:
            known = self._recipe.family.initial(self._recipe).weights
        own = self._trainer.model.weights
        for name, tensor in known.items():
            own[name].copy_(tensor)

    def evaluate(self, rows: Rows, should_stop: Callable[[], bool] | None = None) -> Evaluation | None:
        """The loss of the weights received; None for rows without labels, or where no weights were sent."""
        if rows.labelled is None or WEIGHTS not in self._received.bag.sets:
            return None
        weights, labelled = self._received.bag[WEIGHTS], rows.labelled
        return self._trainer.measure(weights, labelled.inputs, labelled.targets, should_stop)

    def infer(self, rows: Rows, should_stop: Callable[[], bool] | None = None) -> tuple[Array, Array]:
        """What the weights received say of rows."""
        return self._trainer.predict(self._received.bag[WEIGHTS], rows.inputs, should_stop)

    @property
    def answer(self) -> tuple[Bag, Bag | None]:
        """What it has made of the newest message, and what it wants to be given again."""
        return self._answer.bag, self._answer.kept

    def trained(self, metadata: Mapping[str, object]) -> Encoded:
        """The answer as a message; trained weights straight from the trainer's own memory, unless they are few."""
        return encode_parcel(Parcel(self._answer.bag, self._answer.kept, metadata))

    def release(self) -> None:
        """Let go of everything, on the device too; nothing can be computed any more."""
        if self._made is not None:
            self._made.release()
        self._buffer = torch.empty(0, dtype=torch.uint8)
        self._received, self._answer = Parcel(Bag()), Answer(Bag())
        self._views, self._copy = (Places(), {}), None
        self._judge = None

    @property
    def _trainer(self) -> Trainer:
        if self._made is None:
            with room_for("the network"):
                self._made = self._make()
        return self._made

    def _expected(self, exchange: int | None) -> Layout:
        if exchange is None:
            return self._layout
        asked = self._algorithm.asked(exchange)
        sets = tuple(asked.items())
        if sets not in self._layouts:
            self._layouts[sets] = layout_of(asked, self._outline, self._algorithm.kept)
        return self._layouts[sets]

    def _hold(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, object]) -> None:
        # Moved once, for whatever they are needed: as what training starts from, and to be measured.
        if torch.device(self._device).type != "cpu":
            tensors = {name: placed(tensor, self._device, "the weights") for name, tensor in tensors.items()}
        self._received = parcel_of(tensors, metadata)

    def _apart(self, bag: Bag) -> Bag:
        """The same, with a copy of what lies in the buffer; the network's own weights as they were copied, if they were."""
        own, start, end = (
            self._trainer.model.weights,
            self._buffer.data_ptr(),
            self._buffer.data_ptr() + len(self._buffer),
        )

        def apart(tensor: Tensor) -> Tensor:
            return tensor.clone() if start <= tensor.data_ptr() < end else tensor

        def all_apart(tensors: Weights) -> Weights:
            if self._copy and tensors.keys() == own.keys() and all(map(_is_same, tensors.values(), own.values())):
                return self._copy
            return {name: apart(tensor) for name, tensor in tensors.items()}

        return Bag({owner: all_apart(tensors) for owner, tensors in bag.sets.items()}, bag.numbers)


def _is_same(one: Tensor, other: Tensor) -> bool:
    return one.data_ptr() == other.data_ptr()
