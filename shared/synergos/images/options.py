"""Options of an image dataset: what ``operations`` in its ``metadata.json`` may say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from synergos.errors import UnknownName, UnusableData
from synergos.finite import is_number

LARGEST_SIDE = 4096

Size = tuple[int, int]
"""Height and width in pixels."""

Window = tuple[float, float]
"""Which values of an image of more than 8 bits become 0 and 255."""

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
        window: None means that grey images of more than 8 bits are refused.
    """

    size: Size | None = None
    fit: Fit = Fit.RESIZE
    colour: Colour = Colour.GRAYSCALE
    scaling: Scaling = Scaling.UNIT
    window: Window | None = None

    @classmethod
    def of(cls, given: Mapping[str, object], name: str) -> ImageOptions:
        """The options that are given, as :meth:`to_dict` writes them; what is not given has a default.

        Args:
            name: of the file that gives them.

        Raises:
            UnusableData: names the option and what was expected.
        """
        for option in given:
            if option not in cls.__dataclass_fields__:
                problem = UnknownName(option, cls.__dataclass_fields__, f"operations.{option}", "an option of images")
                raise UnusableData(str(problem), name)
        return cls(
            size=_size(given.get("size"), name),
            fit=_choice(given, "fit", Fit.RESIZE, name),
            colour=_choice(given, "colour", Colour.GRAYSCALE, name),
            scaling=_choice(given, "scaling", Scaling.UNIT, name),
            window=_window(given.get("window"), name),
        )

    def to_dict(self) -> dict[str, object]:
        """As JSON-able values."""
        size = None if self.size is None else list(self.size)
        # Only where there is one: what was agreed without is still the same.
        window = {} if self.window is None else {"window": list(self.window)}
        return {
            "size": size,
            "fit": self.fit.value,
            "colour": self.colour.value,
            "scaling": self.scaling.value,
            **window,
        }


def _size(value: object, name: str) -> Size | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(map(_is_side, value)):
        return value[0], value[1]
    raise UnusableData(
        f"operations.size: expected [height, width], each from 1 to {LARGEST_SIDE}, or null, found {shown(value)}",
        name,
    )


def _window(value: object, name: str) -> Window | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] < value[1]:
        return float(value[0]), float(value[1])
    raise UnusableData(
        f"operations.window: expected [value for black, larger value for white], or null, found {shown(value)}", name
    )


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIDE


def _choice(given: Mapping[str, object], option: str, default: Choice, name: str) -> Choice:
    value = given.get(option, default.value)
    known = [choice.value for choice in type(default)]
    if value not in known:
        raise UnusableData(f"operations.{option}: expected {' or '.join(known)}, found {shown(value)}", name)
    return type(default)(value)


def shown(value: object) -> str:
    """A value, as errors repeat it."""
    return json.dumps(value)[:40]
