"""The figures of one participant, or of all together, out of what was measured of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synergos.driver.errors import DriverError
from synergos.foreign_json import items, mapping, texts

Figures = Mapping[str, object]


def figures_of(found: Sequence[Mapping[str, object]], run: str, participant_id: str | None) -> tuple[str, Figures]:
    """What to call the figures, and the figures.

    Args:
        found: records of validations or predictions.
        participant_id: whose; without it those of all together.

    Raises:
        DriverError: there are none.
    """
    if participant_id is not None:
        own = next((record for record in found if mapping(record["key"]).get("participant_id") == participant_id), None)
        if own is None:
            raise DriverError(f"nothing was measured of {run} with {participant_id!r}")
        return f"{run}, {participant_id}", mapping(own.get("evaluate") or own.get("predict"))
    pooled = pooled_of(found)
    if pooled is None:
        raise DriverError(f"no figures of all participants together are told of {run}; ask for those of one")
    who = texts(pooled["participants"])
    return f"{run}, {f'{len(who)} participants' if len(who) > 1 else who[0]}", pooled


def pooled_of(found: Sequence[Mapping[str, object]]) -> Figures | None:
    """The figures of all participants together; None where nobody has any."""
    # Who was measured by itself later has figures of its own alone.
    return max((mapping(record["pooled"]) for record in found if "pooled" in record), key=_participants, default=None)


def _participants(pooled: Figures) -> int:
    return len(items(pooled["participants"]))
