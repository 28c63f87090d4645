"""Bags as messages and as files: several sets of tensors in one blob, numbers beside them.

The tensors of the set ``weights`` have their own names, so that a model is a plain safetensors file. Those of any other set are
called ``<set>:<name>``, and those of what a participant keeps ``kept.<set>:<name>``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from synergos.errors import WireFormatError
from synergos.finite import is_number
from synergos.learning.algorithms import Like, Model
from synergos.learning.bags import WEIGHTS, Bag, Packed, Weights
from synergos.wire.codec import Encoded, encode
from synergos.wire.layout import Layout
from synergos.wire.stored_tensors import StoredTensors

_KEPT = "kept."
_MARK = ":"


@dataclass(frozen=True)
class Parcel:
    """What travels in one direction.

    Attributes:
        bag: the algorithm's message or answer.
        kept: what the participant keeps; ``None`` when there is nothing of it.
        metadata: whatever else is said, JSON-able.
        path: the file that its tensors are read from, when they are in none of this process's own memory.
    """

    bag: Bag
    kept: Bag | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    path: Path | None = None

    @property
    def sets(self) -> Iterator[Weights]:
        """All of its tensors, set by set."""
        yield from self.bag.sets.values()
        if self.kept is not None:
            yield from self.kept.sets.values()


def encode_parcel(parcel: Parcel) -> Encoded:
    """The parcel as a message; its tensors must not change until that has been sent.

    Raises:
        WireFormatError: a tensor has a dtype or a name that does not travel.
    """
    metadata = dict(parcel.metadata)
    tensors: Weights = _alone(parcel) or dict(_flat(parcel.bag, ""))
    if parcel.bag.numbers:
        metadata["numbers"] = dict(parcel.bag.numbers)
    if parcel.kept is not None:
        tensors = {**tensors, **dict(_flat(parcel.kept, _KEPT))}
        metadata["kept"] = dict(parcel.kept.numbers)
    return encode(tensors, metadata)


def parcel_of(tensors: Weights, metadata: Mapping[str, object]) -> Parcel:
    """What was received.

    Raises:
        WireFormatError: its numbers are none.
    """
    left = dict(metadata)
    numbers, kept = _numbers(left.pop("numbers", {})), left.pop("kept", None)
    names: dict[str, dict[str, str]] = {}
    for name in tensors:
        owner, own = _split(name)
        names.setdefault(owner, {})[own] = name
    sets = {owner: _view(tensors, own) for owner, own in names.items()}
    kept_sets = {owner.removeprefix(_KEPT): own for owner, own in sets.items() if owner.startswith(_KEPT)}
    bag = Bag({owner: own for owner, own in sets.items() if not owner.startswith(_KEPT)}, numbers)
    return Parcel(bag, None if kept is None else Bag(kept_sets, _numbers(kept)), left)


def layout_of(sets: Mapping[str, Like], model: Model, kept: Mapping[str, Like] | None = None) -> Layout:
    """What tensors a message of these sets holds.

    Args:
        kept: the sets of what a participant keeps, which may be in it or not.
    """
    needed = [(like, _prefix(name, "")) for name, like in sets.items()]
    optional = [(like, _prefix(name, _KEPT)) for name, like in (kept or {}).items()]
    whole = Layout.of(_named(needed, model))
    groups = tuple(Layout.of(_named([each], model)).tensors for each in optional if each[0] is not Like.OWN)
    own = tuple(prefix for like, prefix in (*needed, *optional) if like is Like.OWN)
    return Layout(whole.tensors, groups, own)


class _View(Mapping[str, Tensor]):
    """One set of many, under the names it has in itself."""

    def __init__(self, tensors: Weights, names: Mapping[str, str]) -> None:
        self._tensors = tensors
        self._names = names

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[self._names[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)


def stored_parcel(path: Path) -> Parcel:
    """The parcel of a file, its tensors read when they are asked for."""
    tensors = StoredTensors(path)
    return replace(parcel_of(tensors, tensors.metadata), path=path)


def numbers_of(metadata: Mapping[str, object]) -> dict[str, object]:
    """The part of a message's metadata that belongs to its bags, and with them into a file."""
    return {name: metadata[name] for name in ("numbers", "kept") if name in metadata}


def _view(tensors: Weights, names: Mapping[str, str]) -> Weights:
    if isinstance(tensors, Packed) and names.keys() == tensors.keys():
        return tensors
    if isinstance(tensors, dict | Packed):
        return {own: tensors[name] for own, name in names.items()}
    return _View(tensors, names)


def _alone(parcel: Parcel) -> Packed | None:
    """A model whose tensors lie together, and have no others beside them."""
    weights = parcel.bag.sets.get(WEIGHTS)
    if not isinstance(weights, Packed) or len(parcel.bag.sets) > 1 or parcel.kept is not None:
        return None
    return None if any(map(_marked, weights)) else weights


def _marked(name: str) -> bool:
    return _MARK in name


def _flat(bag: Bag, side: str) -> Iterator[tuple[str, Tensor]]:
    for owner, tensors in bag.sets.items():
        prefix = _prefix(owner, side)
        for name in tensors:
            if not prefix and _MARK in name:
                raise WireFormatError(f"tensor {name!r} has a {_MARK!r} in its name, which does not travel")
            yield prefix + name, tensors[name]


def _prefix(owner: str, side: str) -> str:
    return "" if owner == WEIGHTS and not side else f"{side}{owner}{_MARK}"


def _split(name: str) -> tuple[str, str]:
    """The set of a tensor, and its name in there."""
    owner, mark, own = name.partition(_MARK)
    return (owner, own) if mark else (WEIGHTS, name)


def _named(sets: list[tuple[Like, str]], model: Model) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for like, prefix in sets:
        names = {Like.MODEL: list(model.weights), Like.PARAMETERS: [n for n in model.weights if n in model.parameters]}
        found |= {prefix + name: model.weights[name] for name in names.get(like, ())}
    return found


def _numbers(found: object) -> dict[str, float]:
    if not isinstance(found, dict) or not all(map(is_number, found.values())):
        raise WireFormatError("the message's numbers are not an object of finite numbers")
    return found
