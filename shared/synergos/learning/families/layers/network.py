"""The torch module (``nn.Module``) that a list of layers builds: forward pass, logits, final activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules import activation as activation_modules
from torch.nn.modules.dropout import _DropoutNd

from synergos.learning.families.layers.layer_checks import Layer, make_module
from synergos.learning.families.layers.layer_parts import channel_dimension, outputs_in_parts
from synergos.learning.families.layers.torch_names import Activation, activation, layer_class
from synergos.learning.randomness import RandomStream

_PASSES_THROUGH = (_DropoutNd, nn.Flatten, nn.Identity)
_MODULE_NAMES = {"LogSoftmax": "log_softmax", "LogSigmoid": "logsigmoid", "Softmax2d": "softmax"}


@dataclass(frozen=True)
class FinalActivation:
    """Where a model's last activation stands.

    Attributes:
        index: of the layer it belongs to.
        name: as ``torch.nn.functional`` calls it.
        is_module: it is the layer itself (``Softmax``), not a function applied after it.
    """

    index: int
    name: str
    is_module: bool


def final_activation(layers: Sequence[Layer]) -> FinalActivation | None:
    """Find the last activation; layers that only drop, flatten or pass on may follow it."""
    for index in reversed(range(len(layers))):
        function = layers[index]["activation"]
        if function:
            return FinalActivation(index, function, is_module=False)
        kind = layer_class(layers[index]["l_type"], f"model[{index}].l_type")
        if is_activation(kind):
            name = _MODULE_NAMES.get(kind.__name__, kind.__name__.lower())
            return FinalActivation(index, name, is_module=True)
        if not issubclass(kind, _PASSES_THROUGH):
            return None
    return None


def is_activation(kind: type[nn.Module]) -> bool:
    """Whether a layer is an activation written as a module (``nn.ReLU``)."""
    return kind.__module__ == activation_modules.__name__


def is_recurrent(kind: type[nn.Module]) -> bool:
    """Whether a layer goes through a sequence: RNN, LSTM, GRU."""
    return issubclass(kind, nn.RNNBase)


class Network(nn.Module):
    """Layers in a row, as children ``nnl_<index>_<type>``; a state dict has ``nnl_0_linear.weight`` and so on.

    Rows are first: (N, *row shape). A recurrent layer takes (N, time, width); of (N, width) it makes one time step. It passes
    its whole output sequence on to a recurrent layer, and the last time step, (N, hidden), to any other.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        kinds = [layer_class(layer["l_type"], f"model[{index}].l_type") for index, layer in enumerate(layers)]
        self._names = [f"nnl_{index}_{layer['l_type'].lower()}" for index, layer in enumerate(layers)]
        self._activations: list[Activation | None] = [
            activation(layer["activation"], f"model[{index}].activation") for index, layer in enumerate(layers)
        ]
        self._keeps_sequence = [_feeds_recurrent(kinds, index) for index in range(len(kinds))]
        self._final = final_activation(layers)
        self._rows_per_call: Sequence[int | None] = [None] * len(layers)
        self._parts: Sequence[int] = [1] * len(layers)
        # Called between layers, on the way back too; raises when the work is to be left. None where a step is short.
        self.look: Callable[[], None] | None = None
        for index, layer in enumerate(layers):
            self.add_module(self._names[index], make_module(layer, f"model[{index}]"))

    @property
    def final_activation(self) -> str:
        """Name of the last activation, empty when there is none."""
        return self._final.name if self._final else ""

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers (dropout and its like)."""
        return any(map(_draws, self.modules())) or any(found.draws for found in self._activations if found)

    def forward(self, inputs: Tensor) -> Tensor:
        """The activated output for rows of inputs."""
        return self._run(inputs, skipped=None)

    def logits(self, inputs: Tensor) -> Tensor:
        """The output as it is without the last activation."""
        return self._run(inputs, skipped=self._final)

    def in_pieces(self, rows_per_call: Sequence[int | None], parts: Sequence[int] = ()) -> None:
        """Have each layer take so many rows at once, and make its output in so many parts. Each row's output is the same.

        Args:
            rows_per_call: by layer; None for all there are.
            parts: by layer; all in one unless said.
        """
        self._rows_per_call = rows_per_call
        self._parts = parts or [1] * len(self._names)

    def compact(self) -> None:
        """Lay the weights of recurrent layers side by side where a GPU computes; it would do so in every step otherwise."""
        for module in self.modules():
            if isinstance(module, nn.RNNBase):
                module.flatten_parameters()

    def _run(self, values: Tensor, skipped: FinalActivation | None) -> Tensor:
        for index, name in enumerate(self._names):
            here = skipped is not None and skipped.index == index
            # Not by get_submodule, which looks for the points in a name.
            module = None if here and skipped is not None and skipped.is_module else self._modules[name]
            function = None if here else self._activations[index]
            most = self._rows_per_call[index]
            if most is None or len(values) <= most:
                values = self._piece(index, module, function, values)
            else:
                pieces = [self._piece(index, module, function, piece) for piece in torch.split(values, most)]
                values = torch.cat(pieces)
        return values

    def _piece(self, index: int, module: nn.Module | None, function: Activation | None, values: Tensor) -> Tensor:
        """One layer's output for some rows, activated."""
        if self.look is not None:
            self.look()
        if module is not None and self._parts[index] > 1:
            values = self._joined(module, values, self._parts[index])
        elif module is not None:
            values = pass_through(module, values, self._keeps_sequence[index])
        if function is not None:
            values = function(values, training=self.training)
        return self._looked_back(values)

    def _joined(self, module: nn.Module, values: Tensor, parts: int) -> Tensor:
        """One layer's output, made in parts."""
        made = []
        for part in outputs_in_parts(module, values, parts):
            made.append(self._looked_back(part))
            if self.look is not None:
                self.look()
        return torch.cat(made, channel_dimension(module))

    def _looked_back(self, values: Tensor) -> Tensor:
        """The same, with a look before its gradient goes on."""
        look = self.look
        if look is not None and values.requires_grad:
            values.register_hook(lambda _gradient: look())  # type: ignore[no-untyped-call]
        return values


@contextmanager
def looking(network: Network, look: Callable[[], None] | None) -> Iterator[None]:
    """Inside the ``with`` block, ``look`` is called between layers, also while gradients are taken."""
    network.look = look
    try:
        yield
    finally:
        network.look = None


def build_network(layers: Sequence[Layer], seed: int | None = None) -> Network:
    """Build a network; with a ``seed`` its first weights depend on the seed alone.

    Raises:
        InvalidRequest: torch cannot build a layer; names it.
    """
    with RandomStream(seed).drawing() if seed is not None else nullcontext():
        return Network(layers)


def pass_through(module: nn.Module, values: Tensor, keeps_sequence: bool) -> Tensor:
    """One layer's output, without activation; see :class:`Network` for recurrent layers."""
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        # Scaled values of later rows may lie beyond those of the training rows; beyond the table there is no row.
        values = values.long().clamp(0, module.num_embeddings - 1)
    recurrent = is_recurrent(type(module))
    if recurrent and values.ndim == 2:
        values = values.unsqueeze(1)
    result = module(values)
    output: Tensor = result[0] if isinstance(result, tuple) else result
    return output[:, -1] if recurrent and not keeps_sequence else output


def keeps_sequence(layers: Sequence[Layer], index: int) -> bool:
    """Whether layer ``index`` passes a whole sequence on."""
    return _feeds_recurrent([layer_class(layer["l_type"], "l_type") for layer in layers], index)


def _feeds_recurrent(kinds: Sequence[type[nn.Module]], index: int) -> bool:
    shape_keeping = (_DropoutNd, nn.Identity, nn.LayerNorm, nn.RMSNorm)
    for kind in kinds[index + 1 :]:
        if not issubclass(kind, shape_keeping) and not is_activation(kind):
            return is_recurrent(kind)
    return False


def _draws(module: nn.Module) -> bool:
    if isinstance(module, nn.RNNBase):
        return module.dropout > 0
    return isinstance(module, _DropoutNd | nn.RReLU | nn.FractionalMaxPool2d | nn.FractionalMaxPool3d)
