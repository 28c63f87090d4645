"""Images: all have one shape, and one way of making inputs of them; nothing of them has a name but their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import Prepared, TableMetadata
from synergos.errors import InvalidRequest
from synergos.learning.column_alignment import Alignment
from synergos.schema import Definition

_Pixels = Annotated[int, Meta(ge=1)]
Shape = tuple[_Pixels, ...]
_LARGEST_PIXEL = 255


class ImageMetadata(TableMetadata, frozen=True, kw_only=True):
    """What is said of a set of images.

    Attributes:
        shape: channels, height and width of each.
        options: how they were made so; they are compared with those of others, and not looked at.
        pixel_height: the same as in ``shape``, in older words; so are the other two.
    """

    pixel_height: _Pixels | UnsetType = UNSET
    pixel_width: _Pixels | UnsetType = UNSET
    color: str | UnsetType = UNSET
    shape: Annotated[Shape, Meta(min_length=3, max_length=3)]
    options: Mapping[str, object]


class Image:
    """See :class:`~synergos.learning.datatypes.datatype.DataType`; a row is (channels, height, width)."""

    name = "image"
    metadata = Definition(ImageMetadata, quotes=False)
    column = "image"
    """Of frames: the path of a picture."""

    def agree(self, polled: Mapping[str, Prepared], alignment: Alignment, action: Action) -> FeatureSpace:
        """The shape and the options that all images of all participants share."""
        sets = [
            (f"{participant} ({purpose})", ImageMetadata.of(metadata))
            for participant, prepared in polled.items()
            for purpose, metadata in prepared.metadata.items()
        ]
        first, agreed = sets[0]
        for owner, others in sets[1:]:
            if differing := _differences(others, agreed.options, agreed.shape):
                name, here, there = differing[0]
                raise InvalidRequest(
                    f"is {here} for {owner} and {there} for {first}; every participant's metadata.json must say the same",
                    f"operations.{name}",
                )
        return FeatureSpace(self.name, action, (), alignment.y, agreed.shape, options=agreed.options)

    def drift(self, metadata: TableMetadata, space: FeatureSpace) -> list[str]:
        """The options that differ, and the shape."""
        differing = _differences(ImageMetadata.of(metadata), space.options, space.input_shape)
        return [f"{name} {here} (agreed: {there})" for name, here, there in differing]

    def columns(self, space: FeatureSpace) -> tuple[str, ...]:
        """See :class:`~synergos.learning.datatypes.datatype.DataType`."""
        return (self.column,)

    def codes(self, space: FeatureSpace) -> int:
        """Those of an unscaled pixel."""
        return _LARGEST_PIXEL + 1


def _differences(here: ImageMetadata, agreed: Mapping[str, object], shape: Shape) -> list[tuple[str, object, object]]:
    """The options in which images differ from what is agreed, each with theirs and the agreed one; then the shape."""
    named = [(name, here.options.get(name), agreed.get(name)) for name in sorted({*here.options, *agreed})]
    # Last, as it follows from the options wherever they say enough.
    return [found for found in [*named, ("shape", list(here.shape), list(shape))] if found[1] != found[2]]


IMAGE = Image()
