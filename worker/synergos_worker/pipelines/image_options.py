"""Options of an image dataset: what ``operations`` in its ``metadata.json`` may say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from synergos.errors import UnknownName, UnusableData
from synergos_worker.dataset import METADATA, Dataset

LARGEST_SIDE = 4096

Size = tuple[int, int]
"""Height and width in pixels."""

Choice = TypeVar("Choice", bound=StrEnum)


class Fit(StrEnum):
    """How an image of another size is made to fit."""

    RESIZE = "resize"
    PAD = "pad"


class Colour(StrEnum):
    """Which channels an image has."""

    GRAYSCALE = "grayscale"
    RGB = "rgb"

    @property
    def mode(self) -> str:
        """What Pillow calls it."""
        return "L" if self is Colour.GRAYSCALE else "RGB"

    @property
    def channels(self) -> int:
        """How many there are."""
        return len(self.mode)


class Scaling(StrEnum):
    """What becomes of the values 0 to 255."""

    UNIT = "unit"
    NONE = "none"


@dataclass(frozen=True)
class ImageOptions:
    """How image files become inputs.

    Attributes:
        size: None means the one size that all images have.
    """

    size: Size | None = None
    fit: Fit = Fit.RESIZE
    colour: Colour = Colour.GRAYSCALE
    scaling: Scaling = Scaling.UNIT

    @classmethod
    def of(cls, dataset: Dataset) -> ImageOptions:
        """The options of a dataset; what it does not say has a default.

        Raises:
            UnusableData: names the option and what was expected.
        """
        given, name = dataset.operations, f"{dataset.name}/{METADATA}"
        if not isinstance(given, dict):
            raise UnusableData(f"operations: expected an object, found {_shown(given)}", name)
        for option in given:
            if option not in cls.__dataclass_fields__:
                problem = UnknownName(option, cls.__dataclass_fields__, f"operations.{option}", "an option of images")
                raise UnusableData(str(problem), name)
        return cls(
            size=_size(given.get("size"), name),
            fit=_choice(given, "fit", Fit.RESIZE, name),
            colour=_choice(given, "colour", Colour.GRAYSCALE, name),
            scaling=_choice(given, "scaling", Scaling.UNIT, name),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        size = None if self.size is None else list(self.size)
        return {"size": size, "fit": self.fit.value, "colour": self.colour.value, "scaling": self.scaling.value}


def shared_options(datasets: Sequence[Dataset]) -> ImageOptions:
    """The options that all datasets have.

    Raises:
        UnusableData: one is wrong, or two differ; names the datasets and the option.
    """
    first = ImageOptions.of(datasets[0])
    for dataset in datasets[1:]:
        other = ImageOptions.of(dataset)
        for name, value in other.to_dict().items():
            if value != (expected := first.to_dict()[name]):
                raise UnusableData(
                    f"operations.{name} is {_shown(value)}, in {datasets[0].name} {_shown(expected)}; expected the same",
                    f"{dataset.name}/{METADATA}",
                )
    return first


def _size(value: object, name: str) -> Size | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(map(_is_side, value)):
        return value[0], value[1]
    raise UnusableData(
        f"operations.size: expected [height, width], each from 1 to {LARGEST_SIDE}, or null, found {_shown(value)}",
        name,
    )


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIDE


def _choice(given: Mapping[str, Any], option: str, default: Choice, name: str) -> Choice:
    value = given.get(option, default.value)
    known = [choice.value for choice in type(default)]
    if value not in known:
        raise UnusableData(f"operations.{option}: expected {' or '.join(known)}, found {_shown(value)}", name)
    return type(default)(value)


def _shown(value: object) -> str:
    return json.dumps(value)[:40]
