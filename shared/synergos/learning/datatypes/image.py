"""Images: all have one shape, and one way of making inputs of them; nothing of them has a name but their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import Prepared
from synergos.errors import InvalidRequest, WireFormatError
from synergos.learning.column_alignment import Alignment
from synergos.learning.datatypes.datatype import Metadata

Shape = tuple[int, ...]

_DIMENSIONS = 3
_LARGEST_PIXEL = 255


class Image:
    """See :class:`~synergos.learning.datatypes.datatype.DataType`; a row is (channels, height, width).

    The metadata of a set of images say ``shape`` and ``options``.
    """

    name = "image"
    column = "image"
    """Of frames: the path of a picture."""

    def agree(self, polled: Mapping[str, Prepared], alignment: Alignment, action: Action) -> FeatureSpace:
        """The shape and the options that all images of all participants share."""
        sets = [
            (f"{participant} ({purpose})", *_read(metadata, participant))
            for participant, prepared in polled.items()
            for purpose, metadata in prepared.metadata.items()
        ]
        first, shape, options = sets[0]
        for owner, other_shape, others in sets[1:]:
            if differing := _differences(others, other_shape, options, shape):
                name, here, there = differing[0]
                raise InvalidRequest(
                    f"is {here} for {owner} and {there} for {first}; every participant's metadata.json must say the same",
                    f"operations.{name}",
                )
        return FeatureSpace(self.name, action, (), alignment.y, shape, options=options)

    def drift(self, metadata: Metadata, space: FeatureSpace) -> list[str]:
        """The options that differ, and the shape."""
        shape, options = _read(metadata, "metadata")
        differing = _differences(options, shape, space.options, space.input_shape)
        return [f"{name} {here} (agreed: {there})" for name, here, there in differing]

    def columns(self, space: FeatureSpace) -> tuple[str, ...]:
        """See :class:`~synergos.learning.datatypes.datatype.DataType`."""
        return (self.column,)

    def codes(self, space: FeatureSpace) -> int:
        """Those of an unscaled pixel."""
        return _LARGEST_PIXEL + 1


def _read(metadata: Metadata, participant: str) -> tuple[Shape, dict[str, Any]]:
    shape, options = metadata.get("shape"), metadata.get("options")
    if (
        not isinstance(options, dict)
        or not isinstance(shape, list)
        or len(shape) != _DIMENSIONS
        or not all(isinstance(side, int) and side > 0 for side in shape)
    ):
        raise WireFormatError("the metadata of images lacks their shape or options", participant)
    return tuple(shape), options


def _differences(
    here: Mapping[str, Any], shape: Shape, there: Mapping[str, Any], other_shape: Shape
) -> list[tuple[str, Any, Any]]:
    named = [(name, here.get(name), there.get(name)) for name in sorted({*here, *there})]
    # Last, as it follows from the options wherever they say enough.
    return [found for found in [*named, ("shape", list(shape), list(other_shape))] if found[1] != found[2]]


IMAGE = Image()
