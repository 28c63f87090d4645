"""All that is to go from one outputs folder, by what is to be kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from synergos.upkeep.predictions import old_predictions
from synergos.upkeep.removals import Removal, left_over
from synergos.upkeep.retention import Retention


@contextmanager
def to_remove(
    outputs: Path, kept: Retention, data: Path | None, database: str | None, *, without_record: bool = False
) -> Iterator[Iterator[Removal]]:
    """What is to go; whoever removes it does so inside the ``with`` block.

    Args:
        data: folder of the record store, ``database`` its URL; looked at only where it matters, and a worker has none.
        without_record: whether models of runs go that no record knows.

    Raises:
        RecordNotFound: there is no record store there.
        Conflict: it is one of another release.
    """
    with ExitStack() as stack:
        yield _removals(stack, outputs, kept, data, database, without_record, datetime.now(UTC))


def _removals(
    stack: ExitStack,
    outputs: Path,
    kept: Retention,
    data: Path | None,
    database: str | None,
    without_record: bool,
    now: datetime,
) -> Iterator[Removal]:
    yield from left_over(outputs, now)
    if kept.predictions is not None:
        yield from old_predictions(outputs, kept.predictions, now)
    if kept.models is None and kept.rounds is None and not without_record:
        return
    # Only here: a worker is installed without what a record store takes.
    from synergos.upkeep import results
    from synergos.upkeep.places import opened

    store = stack.enter_context(opened(data, database))
    if kept.rounds is not None:
        yield from results.old_rounds(store, outputs, kept.rounds, now)
    if kept.models is not None:
        yield from results.old_models(store, outputs, kept.models)
    if without_record:
        yield from results.without_record(store, outputs, now)
