"""The limits that the owner of data sets on what is computed on them; a file may have any of them, and the others stay as they are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from synergos.errors import NotAllowed
from synergos.schema import Definition

Count = Annotated[int, Meta(ge=1, le=2**53)]
Share = Annotated[float, Meta(gt=0, le=1e300)]


class OwnerLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an orchestrator may ask of this worker, whichever it is. docs/decisions/0014 says where the defaults are from."""

    least_rows: Annotated[
        Count,
        Meta(
            description="rows that a model is trained on, at least; a strict worker refuses fewer than its minimum anyway"
        ),
    ] = 1
    least_steps: Annotated[Count, Meta(description="steps of the optimizer in a round, at least, planned and made")] = 1
    least_batch_rows: Annotated[
        Count,
        Meta(
            description="rows of a step, at least, of the smallest in an epoch; a run without batch_size takes all rows"
        ),
    ] = 1
    least_statistics_rows: Annotated[
        Count,
        Meta(
            description="rows that running statistics of a layer are means of, at least, or all there are: its smallest batch by its momentum"
        ),
    ] = 10
    largest_rates: Annotated[
        Share,
        Meta(
            description="learning rate times steps of a round, at most: the sum of all its steps' rates, times what momentum, "
            "penalties, class weights, a loss that is summed and the optimizer's own arguments multiply a step by"
        ),
    ] = 10_000.0
    largest_parameters: Annotated[
        Share,
        Meta(
            description="parameters a row, at most, for each value of the row: of inputs that are the same in every row none counts"
        ),
    ] = 2.0
    least_participants: Annotated[
        Count, Meta(description="participants whose updates a round is made of, at least, as the orchestrator says")
    ] = 1
    fresh_weights: Annotated[
        bool, Meta(description="whether round 0 starts from the weights that the run's seed makes, and from no others")
    ] = True
    taken_up: Annotated[
        bool,
        Meta(
            description="whether a session may begin later than round 0, as it does when a training goes on after a kill or at workers "
            "of another sub-grid; nobody can prove where its first weights are from"
        ),
    ] = True
    largest_distance: Annotated[
        Share,
        Meta(
            description="of a session that begins later than round 0, as one that is taken up: how far from those first weights "
            "its first ones may lie, in norms of these"
        ),
    ] = 1_000_000.0
    largest_movement: Annotated[
        Share,
        Meta(
            description="how far from this participant's own last update the next weights may lie, in units of how far its updates "
            "have moved the model so far"
        ),
    ] = 100.0
    largest_regression_movement: Annotated[
        Share,
        Meta(
            description="the same of a project that regresses: labels of others may be on a scale that is so much larger"
        ),
    ] = 100_000.0


USUAL = OwnerLimits()
"""Those of a worker whose owner says nothing."""
LIMITS = Definition(OwnerLimits, "policy.toml of a Synergos worker")

UNLIMITED = OwnerLimits(
    least_statistics_rows=1,
    largest_rates=1e300,
    largest_parameters=1e300,
    fresh_weights=False,
    largest_distance=1e300,
    largest_movement=1e300,
    largest_regression_movement=1e300,
)
"""Nothing is refused: for rows that everybody may have."""


def beyond(limits: OwnerLimits, name: str, asked: str) -> NotAllowed:
    """The refusal of what does not keep to a limit.

    Args:
        asked: what was asked, in words.
    """
    value = getattr(limits, name)
    shown = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value
    return NotAllowed(f"the owner of the data has set {shown}; {asked}", f"policy.{name}")


def said(limits: OwnerLimits) -> dict[str, object]:
    """Every limit by name, for people and for ``/health``."""
    return LIMITS.write(limits)


def changed(limits: OwnerLimits) -> dict[str, object]:
    """Those that are not as they are without a file."""
    usual = said(USUAL)
    return {name: value for name, value in said(limits).items() if value != usual[name]}


def published() -> dict[str, object]:
    """The JSON Schema of the file, as docs/schemas has it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": LIMITS.name,
        **LIMITS.json_schema,
    }
