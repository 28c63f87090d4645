"""The trainings of a run: what each was asked for, who took part, how good it is, and which one the run's model is of."""

from __future__ import annotations

import re

from synergos.domain.keys import RunKey
from synergos.domain.records import Kind, Record
from synergos.domain.trained_model import OUTDATED
from synergos.errors import DamagedRecord, InvalidRequest, RecordNotFound
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.preconditions import require_named
from synergos.records.model_versions import number_of
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import RecordStore


class Trainings:
    """The ModelVersion records of one record store."""

    kind = Kind.MODEL_VERSION

    def __init__(self, store: RecordStore, access: Access | None = None) -> None:
        self._store = store
        self._access = access or Access(store)

    def find(self, caller: Caller, run: RunKey, page: Page = EVERYTHING) -> Part[Record]:
        """The trainings of a run whose files are kept; each says with ``is_current`` whether it is the run's model.

        None is, while the run or its experiment asks for something else than it did.

        Raises:
            RecordNotFound: there is no such run.
        """
        with self._store.database.reading():
            require_named(self._store, run)
            models = [model for model in self._store.find(Kind.MODEL, run) if not model.get(OUTDATED)]
            current = {_number(model) for model in models} - {None}
            found = self._store.select(self.kind, Selection(run), page)
        sight = self._access.sight(caller)
        return found.map(lambda version: sight.record({**version, "is_current": _number(version) in current}))


def training_called(store: RecordStore, run: RunKey, version: str) -> Record:
    """One training of a run.

    Args:
        version: its number, as somebody has written it.

    Raises:
        InvalidRequest: the version is no number.
        RecordNotFound: there is no such training.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,8}", version):
        raise InvalidRequest(f"expected the number of a training, got {version[:80]!r}", "version")
    # The model itself first: it has what is not kept of others. What was trained before models had versions has no record among them.
    for record in (*store.find(Kind.MODEL, run), *store.find(Kind.MODEL_VERSION, run.trained_as(int(version)))):
        if _number(record) == int(version):
            return record
    raise RecordNotFound(
        f"there is no version {version} of run {run.run_id!r}; the list of versions has those there are"
    )


def _number(training: Record) -> int | None:
    """Which it is; None of one that is damaged."""
    try:
        return number_of(training)
    except DamagedRecord:
        return None
