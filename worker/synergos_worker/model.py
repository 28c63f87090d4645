"""The network of one session, and the weights it was last sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from numpy.typing import NDArray
from torch import Tensor

from synergos.learning.families import Recipe
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layers import Layer
from synergos.learning.families.layers.local_training import (
    Evaluation,
    LocalResult,
    evaluate_locally,
    infer,
    train_locally,
    warm_up,
)
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.objective import Objective, Predicted, Scores
from synergos.wire import Encoded, Header, Layout, decode, encode, weights_in
from synergos.wire.layout import MAXIMUM_HEADER_BYTES
from synergos_worker.devices import placed
from synergos_worker.pipelines import Examples
from synergos_worker.pipelines.pipeline import Origins


@dataclass(frozen=True)
class Rows:
    """One purpose's rows, on the device that computes; what files are written from stays in main memory.

    Attributes:
        truth: the labels, as the processor sees them.
    """

    inputs: Tensor
    targets: Tensor | None
    truth: NDArray[Any] | None
    origins: Origins

    @classmethod
    def of(cls, examples: Examples, device: str) -> Self:
        """Put examples on a device.

        Raises:
            GridError: its memory is too small for them.
        """
        truth = examples.targets
        targets = None if truth is None else placed(torch.from_numpy(truth), device, "the labels")
        return cls(placed(torch.from_numpy(examples.inputs), device, "the rows"), targets, truth, examples.origins)

    def __len__(self) -> int:
        return len(self.inputs)


class SessionModel:
    """A network that is trained in place, and one buffer for the weights received: never more than two copies.

    Weights that only have to be measured stay in the buffer, so that the last round's result stays in the network.
    """

    def __init__(self, recipe: Recipe, participant_id: str, device: str) -> None:
        self.hyperparameters = cast(LayersHyperparameters, recipe.hyperparameters)
        layers = cast(Sequence[Layer], recipe.architecture)
        self._participant_id = participant_id
        self._device = device
        self._objective = Objective(self.hyperparameters, recipe.space.action)
        self._network = build_network(layers, recipe.hyperparameters.seed).to(device).eval()
        # A network without memory of its own, to run weights where they are.
        with torch.device("meta"):
            self._shell = build_network(layers).eval()
        self._layout = Layout.of(self._network.state_dict())
        # torch's own memory is aligned always alike; results can depend on that in their last bit.
        self._buffer = torch.empty(self._layout.nbytes, dtype=torch.uint8)
        self._received: Mapping[str, Tensor] = {}

    @property
    def maximum_message(self) -> int:
        """The most bytes a message with this network's weights can have."""
        return 8 + MAXIMUM_HEADER_BYTES + self._layout.nbytes

    def rehearse(self, rows: Rows) -> None:
        """Pay what the first step costs, and find out whether network, loss and rows go together.

        Raises:
            InvalidRequest: they do not.
        """
        if rows.targets is None:
            infer(self._network, rows.inputs[:2], self._objective)
            return
        # In the memory of the rounds to come, as if the first weights had been received: no third copy of the model.
        self._hold(weights_in(self._buffer.numpy().data, Header.of(self._layout, {})))
        for name, tensor in self._network.state_dict().items():
            self._received[name].copy_(tensor)
        warm_up(
            self._network,
            rows.inputs,
            rows.targets,
            hyperparameters=self.hyperparameters,
            objective=self._objective,
            reference=self._received,
        )

    def receive(self, read: Callable[[int], bytes], length: int) -> dict[str, Any]:
        """Read a message into the buffer; its metadata.

        Raises:
            WireFormatError: it is not a message with this network's weights.
            GridError: the device has no room for them.
        """
        weights, metadata = decode(read, length, self._layout, self._buffer.numpy().data)
        self._hold(weights)
        return metadata

    def train(
        self,
        rows: Rows,
        round_index: int,
        on_epoch: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> LocalResult:
        """Train from the weights received, which stay what they are."""
        assert rows.targets is not None  # noqa: S101 - rows to train on always have labels
        return train_locally(
            self._network,
            rows.inputs,
            rows.targets,
            hyperparameters=self.hyperparameters,
            objective=self._objective,
            reference=self._received,
            round_index=round_index,
            participant_id=self._participant_id,
            on_epoch=on_epoch,
            should_stop=should_stop,
        )

    def evaluate(self, rows: Rows) -> Evaluation | None:
        """The loss of the weights received; None for rows without labels."""
        if rows.targets is None:
            return None
        self._fill_shell()
        return evaluate_locally(self._shell, rows.inputs, rows.targets, objective=self._objective)

    def infer(self, rows: Rows) -> tuple[Scores, Predicted]:
        """What the weights received say of rows."""
        self._fill_shell()
        return infer(self._shell, rows.inputs, self._objective)

    def trained(self, metadata: Mapping[str, Any]) -> Encoded:
        """The network as a message, straight from its own memory."""
        return encode(self._network.state_dict(), metadata)

    def release(self) -> None:
        """Let go of everything on the device; nothing can be computed any more."""
        self._network = self._shell = build_network([])
        self._received = {}

    def _hold(self, weights: Mapping[str, Tensor]) -> None:
        # Moved once, for whatever the weights are needed: as what training starts from, and to be measured.
        self._received = {name: placed(tensor, self._device, "the weights") for name, tensor in weights.items()}

    def _fill_shell(self) -> None:
        self._shell.load_state_dict(self._received, assign=True)
        self._shell.compact()
