"""Fitting layers to a feature space (no training): input sizes follow the columns, the output follows the labels."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Size, Tensor, nn

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import InvalidRequest
from synergos.learning import datatypes
from synergos.learning.families.layers.layer_checks import Layer, check_size, make_module
from synergos.learning.families.layers.network import final_activation, keeps_sequence, pass_through
from synergos.learning.families.layers.torch_names import Activation, activation, layer_class

LARGEST_ROW = 2**31
"""Values that one row may become on its way through the network."""
_FEW = 2**20
"""Values that may be allocated to find out what a function makes of their shape."""

_CONVOLUTIONS = tuple(
    (kind, rank)
    for rank, kinds in {
        3: (nn.Conv1d, nn.ConvTranspose1d, nn.InstanceNorm1d),
        4: (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d),
        5: (nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.InstanceNorm3d),
    }.items()
    for kind in kinds
)
_WIDTH = {"Linear": "in_features"} | dict.fromkeys(
    ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), "input_size"
)
_CHANNELS = {
    **{f"{kind}{rank}d": "in_channels" for kind in ("Conv", "ConvTranspose") for rank in (1, 2, 3)},
    **{f"{kind}{rank}d": "num_features" for kind in ("BatchNorm", "InstanceNorm") for rank in (1, 2, 3)},
    "GroupNorm": "num_channels",
}
_OUTPUT = {
    "Linear": "out_features",
    **{f"{kind}{rank}d": "out_channels" for kind in ("Conv", "ConvTranspose") for rank in (1, 2, 3)},
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), "hidden_size"),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), "embedding_dim"),
}
_AS_ASKED = {"softmax": frozenset({"softmax", "log_softmax"}), "sigmoid": frozenset({"sigmoid"})}
_AS_MODULE: Mapping[str, tuple[str, dict[str, object]]] = {
    "softmax": ("Softmax", {"dim": 1}),
    "sigmoid": ("Sigmoid", {}),
}


def fit_layers(layers: Sequence[Layer], space: FeatureSpace) -> list[Layer]:
    """New layers that take rows of ``space`` and give (N, ``space.outputs``); what was asked for is left as it is.

    Every input size follows from what reaches the layer, the last layer that has an output size gets the number of
    outputs. A classifier ends in softmax (or log_softmax), one of two classes in sigmoid.

    Raises:
        InvalidRequest: no sizes make the layers fit; names the layer where it fails.
    """
    fitted = _with_final_activation(copy.deepcopy(list(layers)), space)
    sized = [index for index, layer in enumerate(fitted) if layer["l_type"] in _OUTPUT]
    if not sized:
        raise InvalidRequest(
            "no layer has an output size that could be set; expected a Linear or similar at the end", "model"
        )

    def set_sizes(index: int, arriving: Tensor) -> None:
        _set_input(fitted[index], arriving, space if index == 0 else None)
        if index == sized[-1]:
            _set_output(fitted[index], space.outputs, f"model[{index}].structure")

    _check_outputs(_walk(fitted, space, set_sizes), space, f"model[{sized[-1]}]")
    check_size(fitted)
    return fitted


def check_fit(layers: Sequence[Layer], space: FeatureSpace) -> None:
    """Refuse layers that do not take rows of ``space`` or do not give as many outputs as it has.

    Raises:
        InvalidRequest: names the layer, and what reaches it.
    """
    _check_outputs(_walk(layers, space, lambda index, arriving: None), space, f"model[{len(layers) - 1}]")


def shapes(layers: Sequence[Layer], space: FeatureSpace) -> list[Size]:
    """The shape of one row as it reaches each layer, and as it leaves the last one.

    Raises:
        InvalidRequest: a layer does not take such rows; names it.
    """
    found: list[Size] = []
    output = _walk(layers, space, lambda index, arriving: found.append(arriving.shape[1:]))
    return [*found, output.shape[1:]]


def _with_final_activation(layers: list[Layer], space: FeatureSpace) -> list[Layer]:
    if space.action is Action.REGRESS:
        return layers
    wanted = "softmax" if space.outputs > 1 else "sigmoid"
    final = final_activation(layers)
    if final is None:
        layers[-1]["activation"] = wanted
    elif final.name in _AS_ASKED[wanted]:
        pass
    elif final.is_module:
        l_type, structure = _AS_MODULE[wanted]
        layers[final.index] |= {"l_type": l_type, "structure": dict(structure)}
    else:
        layers[final.index]["activation"] = wanted
    return layers


def _walk(layers: Sequence[Layer], space: FeatureSpace, before: Callable[[int, Tensor], None]) -> Tensor:
    """Send two rows without values through the layers; what comes out.

    Args:
        before: called with each layer's index and what reaches it.
    """
    with torch.device("meta"), torch.no_grad():
        values = torch.empty((2, *space.input_shape))
        for index, layer in enumerate(layers):
            place = f"model[{index}]"
            before(index, values)
            _check_rank(layer, values, place)
            module = make_module(layer, place).eval()
            values = _one_step(layer, module, values, keeps_sequence(layers, index), place)
    return values


def _output_of(module: nn.Module, function: Activation | None, values: Tensor, sequence: bool) -> Tensor:
    """What a layer makes of rows without values.

    To multiply on the meta device, or to apply a function there, torch loads its compiler, for a second. So what a Linear's
    output is like is said here, and functions are given zeros, as long as those are few; few networks have more. A recurrent
    layer would go through all of its time steps, of which there may be any number.
    """
    if type(module) is nn.Linear and values.shape[-1] == module.in_features:
        output = torch.empty((*values.shape[:-1], module.out_features), dtype=values.dtype)
    elif isinstance(module, nn.RNNBase) and values.ndim in {2, 3} and values.shape[-1] == module.input_size:
        steps = (values.shape[1] if values.ndim == 3 else 1,) if sequence else ()
        width = (module.proj_size or module.hidden_size) * (2 if module.bidirectional else 1)
        output = torch.empty((len(values), *steps, width), dtype=values.dtype)
    else:
        output = pass_through(module, values, sequence)
    if function is None:
        return output
    if not isinstance(output, Tensor) or output.numel() > _FEW:
        return function(output)
    with torch.device("cpu"):
        found = function(torch.zeros(output.shape, dtype=output.dtype))
    return torch.empty(found.shape, dtype=found.dtype)


def _one_step(layer: Layer, module: nn.Module, values: Tensor, sequence: bool, place: str) -> Tensor:
    shape = tuple(values.shape[1:])
    function = activation(layer["activation"], f"{place}.activation")
    try:
        output = _output_of(module, function, values, sequence)
    except Exception as error:  # torch has no error class of its own for a wrong shape
        reason = str(error).strip().splitlines()[0]
        raise InvalidRequest(f"{layer['l_type']} cannot take rows of shape {shape}: {reason}", place) from error
    if not isinstance(output, Tensor) or output.ndim < 2 or len(output) != len(values):
        raise InvalidRequest(f"{layer['l_type']} does not keep rows of shape {shape} apart", place)
    if output[0].numel() > LARGEST_ROW:
        raise InvalidRequest(
            f"{layer['l_type']} makes more than {LARGEST_ROW:,} values of one row", f"{place}.structure"
        )
    return output


def _check_rank(layer: Layer, values: Tensor, place: str) -> None:
    """Without the batch dimension it expects, torch would take rows for channels."""
    kind = layer_class(layer["l_type"], f"{place}.l_type")
    for expected, rank in _CONVOLUTIONS:
        if issubclass(kind, expected) and values.ndim != rank:
            raise InvalidRequest(
                f"{layer['l_type']} needs rows with {rank - 1} dimensions, channels first; these have shape "
                f"{tuple(values.shape[1:])}",
                f"{place}.l_type",
            )


def _set_input(layer: Layer, arriving: Tensor, first_of: FeatureSpace | None) -> None:
    kind, structure = layer["l_type"], layer["structure"]
    if kind in _WIDTH:
        structure[_WIDTH[kind]] = arriving.shape[-1]
    elif kind in _CHANNELS:
        structure[_CHANNELS[kind]] = arriving.shape[1]
    elif kind in {"LayerNorm", "RMSNorm"}:
        asked = structure.get("normalized_shape", 1)
        structure["normalized_shape"] = (
            list(arriving.shape[1:][-len(asked) :]) if isinstance(asked, list | tuple) else arriving.shape[-1]
        )
    elif kind == "PReLU" and structure.get("num_parameters", 1) != 1:
        structure["num_parameters"] = arriving.shape[1]
    elif kind in {"Embedding", "EmbeddingBag"} and first_of is not None:
        structure["num_embeddings"] = datatypes.get(first_of.datatype).codes(first_of)


def _set_output(layer: Layer, outputs: int, place: str) -> None:
    structure = layer["structure"]
    key = _OUTPUT[layer["l_type"]]
    if key == "hidden_size":
        key = "proj_size" if structure.get("proj_size") else key
        directions = 2 if structure.get("bidirectional") else 1
        if outputs % directions:
            raise InvalidRequest(
                f"two directions cannot give {outputs} outputs; end with a Linear", f"{place}.bidirectional"
            )
        outputs //= directions
    structure[key] = outputs


def _check_outputs(output: Tensor, space: FeatureSpace, place: str) -> None:
    shape = tuple(output.shape[1:])
    widths = {space.outputs, len(space.y)} if space.action is Action.CLASSIFY else {space.outputs}
    if len(shape) != 1 or shape[0] not in widths:
        raise InvalidRequest(f"the network gives {shape} per row, expected ({space.outputs},)", place)
