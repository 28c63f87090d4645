"""On which terms a record is declared or changed: whether it may be there, what may have become of it, and whether it is only tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synergos.errors import ConditionFailed
from synergos.orchestration.revision import changed_since, is_of, revision_of


@dataclass(frozen=True)
class Terms:
    """What whoever changes something makes a condition of that (as RFC 9110 has it, 13.1).

    Attributes:
        is_rehearsal: all is checked and answered as if it were done, and nothing stays.
        must_be_new: there may be nothing of its name yet.
        must_exist: there has to be something.
        seen: the revisions of it that whoever asks has seen, one of which it has to have still; None for whichever.
    """

    is_rehearsal: bool = False
    must_be_new: bool = False
    must_exist: bool = False
    seen: Sequence[str] | None = None

    def check(self, what: str, fields: Mapping[str, object] | None, id_field: str | None = None) -> None:
        """Return when a record as it is stored is as it is expected; called in the transaction that changes it.

        Args:
            what: its kind and id, in words.
            fields: what is declared in it, as whoever asks sees it; None where there is none.
            id_field: the field of the request that names it, where it is not the URL that does.

        Raises:
            ConditionFailed: it is not; says what has changed.
        """
        if fields is None:
            if self.must_exist or self.seen is not None:
                raise ConditionFailed(f"{what} is not there (any more)", id_field)
            return
        if self.must_be_new:
            raise ConditionFailed(f"{what} is there already; choose another id", id_field, {}, revision_of(fields))
        if self.seen is None or any(is_of(revision, fields) for revision in self.seen):
            return
        names = sorted({name for revision in self.seen for name in changed_since(revision, fields)})
        said = f": {', '.join(names)}" if names else ""
        changed = {name: fields.get(name) for name in names}
        raise ConditionFailed(f"{what} has been changed since it was read{said}", None, changed, revision_of(fields))


AS_EVER = Terms()
"""Nothing is expected of what is there, and what is asked for is done."""
