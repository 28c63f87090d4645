"""One layer's output in parts, some channels at a time: for a row that would take it longer than one call of torch may."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import repeat
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd


def most_parts(module: nn.Module) -> int:
    """Into how many parts a layer's output can be cut; 1 where it cannot be."""
    if isinstance(module, nn.Linear):
        return module.out_features
    return module.out_channels if isinstance(module, _ConvNd) else 1


def channel_dimension(module: nn.Module) -> int:
    """Along which dimension of an output its parts lie."""
    return 1 if isinstance(module, _ConvNd) else -1


def outputs_in_parts(module: nn.Module, values: Tensor, parts: int) -> Iterator[Tensor]:
    """At least so many parts of a layer's output, one after the other; together they are what the layer makes of the values.

    Args:
        module: one that :func:`most_parts` can be cut.
        values: (N, *row shape).
    """
    if isinstance(module, nn.Linear):
        size = max(1, module.out_features // parts)
        for weight, bias in zip(torch.split(module.weight, size), _split(module.bias, size), strict=False):
            yield functional.linear(values, weight, bias)
    elif isinstance(module, _ConvNd):
        yield from _of_groups(module, values, parts)
    else:
        raise TypeError(f"{type(module).__name__} is made in one piece")


def _of_groups(module: _ConvNd, values: Tensor, parts: int) -> Iterator[Tensor]:
    """The parts of a convolution: some of its groups at a time, and of one group some channels where those are not enough."""
    size, each = max(1, module.groups // parts), -(-parts // module.groups)
    of_output = module.out_channels // module.groups
    within = max(1, of_output // each) if each > 1 else of_output
    groups = zip(
        torch.split(values, size * (module.in_channels // module.groups), dim=1),
        torch.split(module.weight, size * (module.weight.shape[0] // module.groups)),
        _split(module.bias, size * of_output),
        strict=False,
    )
    for arriving, weight, bias in groups:
        some = copy.copy(module)
        some.groups = arriving.shape[1] * module.groups // module.in_channels
        if within == of_output:
            yield _convolved(some, arriving, weight, bias)
            continue
        channels = torch.split(weight, within, dim=1 if isinstance(module, _ConvTransposeNd) else 0)
        for part, its_bias in zip(channels, _split(bias, within), strict=False):
            yield _convolved(some, arriving, part, its_bias)


def _convolved(module: _ConvNd, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if not isinstance(module, _ConvTransposeNd):
        # As its forward does, with all ways to pad.
        result: Tensor = module._conv_forward(values, weight, bias)
        return result
    # Which has one way to pad, and no other padding than numbers.
    transposed = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
    padding = cast("tuple[int, ...]", module.padding)
    return transposed[weight.ndim - 3](
        values, weight, bias, module.stride, padding, module.output_padding, module.groups, module.dilation
    )


def _split(bias: Tensor | None, size: int) -> Iterator[Tensor] | Iterator[None]:
    return repeat(None) if bias is None else iter(torch.split(bias, size))
