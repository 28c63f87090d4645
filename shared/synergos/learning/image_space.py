"""What a project's images have in common: one shape, and one way of making inputs of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.feature_space import FeatureSpace
from synergos.errors import InvalidRequest, WireFormatError

Metadata = Mapping[str, Any]
"""What a worker says of one set of images: ``shape`` (channels, height, width) and ``options`` among other things."""

Shape = tuple[int, ...]

_DIMENSIONS = 3


def agreed_images(metadata: Mapping[str, Mapping[str, Metadata]]) -> tuple[Shape, dict[str, Any]]:
    """The shape and the options that all images of all participants share.

    Args:
        metadata: participant to purpose (``train``, …) to what is known of those images.

    Raises:
        InvalidRequest: two sets differ; names the option and the participants.
        WireFormatError: a participant says nothing of the kind.
    """
    first: tuple[str, Shape, dict[str, Any]] | None = None
    for participant, purposes in metadata.items():
        for purpose, found in purposes.items():
            owner = f"{participant} ({purpose})"
            shape, options = _read(found, participant)
            if first is None:
                first = (owner, shape, options)
            if differing := _differences(options, shape, first[2], first[1]):
                name, here, there = differing[0]
                raise InvalidRequest(
                    f"is {here} for {owner} and {there} for {first[0]}; every participant's metadata.json must say the same",
                    f"operations.{name}",
                )
    assert first is not None  # noqa: S101 - somebody has training data, or there would be no alignment
    return first[1], first[2]


def image_drift(metadata: Metadata, space: FeatureSpace) -> list[str]:
    """How a set of images differs from what was agreed at alignment; nothing for data without options."""
    if space.datatype != "image" or metadata.get("_type") != "image":
        return []
    shape, options = _read(metadata, "metadata")
    differing = _differences(options, shape, space.options, space.input_shape)
    return [f"{name} {here} (agreed: {there})" for name, here, there in differing]


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
