"""Checking the layers of a model as a request lists them, before they are stored: names, arguments, sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, TypedDict

import torch
from torch import nn

from synergos.errors import InvalidRequest, UnknownName
from synergos.learning.families.layers.constructor_arguments import (
    LARGEST_NUMBER,
    Parameter,
    check_arguments,
    construct,
    parameters_of,
    sole,
    tuples,
)
from synergos.learning.families.layers.torch_names import activation, layer_class

MAXIMUM_LAYERS = 1000
MAXIMUM_PARAMETERS = 2**31
MAXIMUM_DEPTH = 1000
"""Of all recurrent layers together (``num_layers``, twice where they go in two directions): each is built, again and again."""


class Layer(TypedDict):
    """One layer: a ``torch.nn`` class by name, its keyword arguments, and a ``torch.nn.functional`` name applied after it."""

    is_input: bool
    l_type: str
    structure: dict[str, Any]
    activation: str | None


_TYPES: Mapping[str, tuple[type, ...]] = {
    "is_input": (bool,),
    "l_type": (str,),
    "structure": (dict,),
    "activation": (str, type(None)),
}
# Sizes that torch accepts as 0 or less at first and stumbles over later.
_SIZES = frozenset(
    {
        *("in_features", "out_features", "in_channels", "out_channels", "num_features", "num_channels", "num_groups"),
        *("groups", "input_size", "hidden_size", "num_layers", "num_embeddings", "embedding_dim", "normalized_shape"),
        *("kernel_size", "stride", "dilation", "num_parameters"),
    }
)


def check_layers(value: object, field: str = "model") -> list[Layer]:
    """Return ``value`` as layers that torch can build.

    Nothing is allocated: the layers are built on torch's ``meta`` device, which has shapes but no memory.

    Raises:
        InvalidRequest: names the layer and the key (``model[1].structure.out_features``) and what was expected.
    """
    if not isinstance(value, list | tuple) or not value:
        raise InvalidRequest("expected a list of layers with at least one in it", field)
    if len(value) > MAXIMUM_LAYERS:
        raise InvalidRequest(f"expected at most {MAXIMUM_LAYERS} layers, got {len(value)}", field)
    layers = [_check_layer(layer, f"{field}[{index}]") for index, layer in enumerate(value)]
    _check_depth(layers, field)
    check_size(layers, field)
    return layers


def check_size(layers: Sequence[Layer], field: str = "model") -> None:
    """Refuse layers that torch cannot build or that have more than ``MAXIMUM_PARAMETERS`` values together, buffers included.

    Raises:
        InvalidRequest: names the layer.
    """
    parameters = 0
    for index, layer in enumerate(layers):
        place = f"{field}[{index}]"
        with torch.device("meta"):
            module = make_module(layer, place)
            parameters += sum(tensor.numel() for tensor in chain(module.parameters(), module.buffers()))
        if parameters > MAXIMUM_PARAMETERS:
            raise InvalidRequest(
                f"the network has more than {MAXIMUM_PARAMETERS:,} parameters and buffers, which take "
                f"{4 * MAXIMUM_PARAMETERS / 2**30:.0f} GiB; no worker takes as many",
                f"{place}.structure",
            )


def layer_parameters(kind: type[nn.Module]) -> Mapping[str, Parameter]:
    """What the structure of a layer can say."""
    parameters = {
        name: parameter
        for name, parameter in parameters_of(kind).items()
        # nn.RNN passes its mode on to its base class by itself.
        if not (issubclass(kind, nn.RNNBase) and name == "mode")
    }
    if kind is nn.RNN:
        parameters |= {"nonlinearity": parameters_of(nn.RNNCell)["nonlinearity"]}
    return parameters


def make_module(layer: Layer, place: str) -> nn.Module:
    """Build one layer on torch's current default device.

    Raises:
        InvalidRequest: names what is wrong below ``place``.
    """
    kind = layer_class(layer["l_type"], f"{place}.l_type")
    structure = layer["structure"]
    check_arguments(structure, layer_parameters(kind), layer["l_type"], lambda name: f"{place}.structure.{name}")
    for name, argument in structure.items():
        _check_number(name, argument, f"{place}.structure.{name}")
    names = {name: f"{place}.structure.{name}" for name in structure}
    arguments = {name: tuples(value) for name, value in structure.items()} | _forced(kind, structure)
    return construct(lambda: kind(**arguments), layer["l_type"], names, sole(names, f"{place}.structure"))


def _check_layer(value: object, place: str) -> Layer:
    if not isinstance(value, dict):
        raise InvalidRequest("expected an object with is_input, l_type, structure and activation", place)
    for key in value:
        if key not in _TYPES:
            raise UnknownName(key, _TYPES, f"{place}.{key}", "a key of a layer")
    for key, types in _TYPES.items():
        if key not in value:
            raise InvalidRequest("is missing", f"{place}.{key}")
        if not isinstance(value[key], types):
            expected = {"is_input": "true or false", "l_type": "a string", "structure": "an object"}.get(
                key, "a string or null"
            )
            raise InvalidRequest(f"expected {expected}, got {type(value[key]).__name__}", f"{place}.{key}")
    activation(value["activation"], f"{place}.activation")
    return Layer(
        is_input=value["is_input"],
        l_type=value["l_type"],
        structure=value["structure"],
        activation=value["activation"],
    )


def _check_depth(layers: Sequence[Layer], field: str) -> None:
    """Refuse recurrent layers that are deeper together than ``MAXIMUM_DEPTH``, before the first of them is built."""
    depth = 0
    for index, layer in enumerate(layers):
        structure = layer["structure"]
        if not issubclass(layer_class(layer["l_type"], f"{field}[{index}].l_type"), nn.RNNBase):
            continue
        own = structure.get("num_layers", 1)
        # What is no number, or too large a one by itself, is named when the layer is built.
        depth += (max(1, own) if isinstance(own, int) else 1) * (2 if structure.get("bidirectional") else 1)
        if depth > MAXIMUM_DEPTH:
            raise InvalidRequest(
                f"recurrent layers are {depth:,} deep together, twice as deep in two directions; expected at most "
                f"{MAXIMUM_DEPTH:,}",
                f"{field}[{index}].structure.num_layers",
            )


def _check_number(name: str, value: object, place: str) -> None:
    """Refuse numbers that could never be meant, before torch loops over them or multiplies them."""
    numbers = value if isinstance(value, list | tuple) else [value]
    if len(numbers) > MAXIMUM_LAYERS:
        raise InvalidRequest(f"expected at most {MAXIMUM_LAYERS} values", place)
    largest = MAXIMUM_DEPTH if name == "num_layers" else LARGEST_NUMBER
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if not abs(number) <= largest:
            raise InvalidRequest(f"expected a number of at most {largest:,}, got {number}", place)
        if name in _SIZES and number < 1:
            raise InvalidRequest(f"expected 1 or more, got {number}", place)
    if name in {"dim", "start_dim"} and value == 0:
        raise InvalidRequest("dimension 0 counts the rows, which layers must not mix; expected another one", place)


def _forced(kind: type[nn.Module], structure: Mapping[str, object]) -> dict[str, object]:
    """Arguments that have one right value here, whatever was asked."""
    parameters = parameters_of(kind)
    forced: dict[str, object] = {}
    if "inplace" in parameters:
        forced["inplace"] = False  # in place it would change the participant's own rows, or what autograd still needs
    if "sparse" in parameters:
        forced["sparse"] = False  # most optimizers refuse sparse gradients
    if issubclass(kind, nn.RNNBase):
        forced["batch_first"] = True
        if structure.get("num_layers", 1) == 1:
            forced["dropout"] = 0.0  # it acts between layers, of which there is one
    if issubclass(kind, nn.Softmax | nn.LogSoftmax | nn.Softmin) and structure.get("dim") is None:
        forced["dim"] = 1
    return forced
