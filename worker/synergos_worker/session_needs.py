"""What a session will take, before any of it is taken: its rows, its model and what goes with it, and the largest batch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.tags import Purpose
from synergos.learning.families import Recipe
from synergos.wire import Layout, layout_of
from synergos_worker.memory import Part

_FLOAT, _TARGET = 4, 8


def rows_part(purpose: Purpose, count: int, space: FeatureSpace) -> Part:
    """What the rows of one purpose take."""
    width = math.prod(space.input_shape)
    size = count * (width * _FLOAT + _TARGET)
    return Part(f"{count:,} rows of {width:,} values", f"tags.{purpose}", size)


def copy_part(purpose: Purpose, count: int, space: FeatureSpace) -> Part:
    """What a copy takes of the rows of one purpose that have a label, where others have none."""
    rows = rows_part(purpose, count, space)
    return Part(f"a copy of the {count:,} rows with a label", rows.field, rows.bytes)


def model_parts(recipe: Recipe, rows: Mapping[Purpose, int], device: str) -> list[Part]:
    """What of main memory a session takes beside its rows.

    Args:
        rows: how many there are, by purpose.
        device: where it computes; what lies there alone is not main memory's.

    Raises:
        InvalidRequest: the model does not take such rows, or nothing could stop it while it does.
    """
    training = rows.get(Purpose.TRAIN, 0)
    needs = recipe.family.needs(recipe, training, max(rows.values(), default=0))
    algorithm = recipe.hyperparameters.make_algorithm()
    # As many as an answer and what is kept between rounds have beside the trained weights, which are the network's own.
    others = max(0, len(algorithm.answered(0)) - 1) + 2 * len(algorithm.kept)
    received = Part("what is received", "architecture", _largest_message(recipe))
    if device != "cpu":
        return [received]
    return [
        received,
        Part("the network", "architecture", needs.weights * (1 + others)),
        Part("gradients and the optimizer's state", "architecture", needs.learning),
        Part("one batch on its way through the network", "batch_size", needs.batch),
    ]


def _largest_message(recipe: Recipe) -> int:
    algorithm, outline = recipe.hyperparameters.make_algorithm(), recipe.family.outline(recipe)
    layouts = [layout_of(algorithm.asked(exchange), outline, algorithm.kept) for exchange in range(2)]
    return max(Layout.of(outline.weights).nbytes, *(layout.largest for layout in layouts))
