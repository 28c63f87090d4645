"""Predictions at a worker that are older than they are to be kept; there are no records at a worker, only files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from synergos.domain.tags import Purpose
from synergos.upkeep.removals import Removal, written_at


def old_predictions(outputs: Path, kept: timedelta, now: datetime) -> Iterator[Removal]:
    """The folders of predictions, of any purpose, that were written before."""
    for purpose in Purpose:
        # Collaboration, project, experiment, run.
        for path in sorted(outputs.glob(f"*/*/*/*/{purpose}/inference_statistics_{purpose}.json")):
            folder = path.parent
            if (age := now - written_at(folder)) > kept:
                yield Removal("predictions", folder, f"written {_days(age)} ago")


def _days(age: timedelta) -> str:
    return f"{age.days} days" if age.days else f"{age.seconds // 3600} hours"
