"""Hyperparameters that override sizes of an architecture: ``model[0].structure.out_features`` in a run."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synergos.errors import InvalidRequest
from synergos.learning.families.layers.layer_checks import Layer, check_layers

_PREFIX = "model["
_PLACE = re.compile(r"model\[(0|[1-9]\d{0,3})\]\.(?:(activation)|structure\.([A-Za-z_]\w*))")


def overrides(names: Iterable[str]) -> list[str]:
    """Those of a run's keys that change a layer."""
    return [name for name in names if name.startswith(_PREFIX)]


def check_override(name: str) -> None:
    """Refuse a key that looks like a layer's and is none.

    Raises:
        InvalidRequest: says what it should look like.
    """
    if not _PLACE.fullmatch(name):
        raise InvalidRequest("expected model[<index>].structure.<argument> or model[<index>].activation", name)


def with_overrides(layers: Sequence[Layer], run: Mapping[str, Any]) -> list[Layer]:
    """New layers, changed as a run says; sizes that follow from them are not changed here.

    Raises:
        InvalidRequest: names the key: there is no such layer, or torch cannot build it so.
    """
    changed = copy.deepcopy(list(layers))
    for name in overrides(run):
        check_override(name)
        match = _PLACE.fullmatch(name)
        index = int(match[1]) if match else 0
        if index >= len(changed):
            raise InvalidRequest(f"the experiment has {len(changed)} layers, counted from 0", name)
        if match and match[2]:
            changed[index]["activation"] = run[name]
        elif match:
            changed[index]["structure"][match[3]] = run[name]
    return check_layers(changed) if overrides(run) else changed
