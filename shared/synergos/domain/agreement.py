"""What came of an alignment: what each participant brought, what of it became an input, and what is worth knowing, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta as Limits
from msgspec import Struct, structs

from synergos.domain.declared_column import ColumnRules
from synergos.domain.feature_space import LABEL, Feature
from synergos.domain.tags import Purpose
from synergos.schema import Definition

Count = Annotated[int, Limits(ge=0)]


class TableShare(Struct, frozen=True, kw_only=True):
    """What one participant's rows of one purpose have of what was agreed.

    Attributes:
        rows: how many there are.
        files: that were read, with how many rows each.
        digests: of each dataset, in the order of its tags: whether it has changed since, and nothing else.
        filled: the input columns that no row has a cell of; each gets the mean or the most frequent level.
        lacks: the levels and labels of others that no row has.
        unused: what it has that no training row of anybody has: columns, levels and labels that are no part of what was agreed.
        cells: by column in which some were: how many cells were ``missing``, ``unreadable``, and ``filled`` in.
    """

    rows: Count
    files: Mapping[str, Count] = {}
    digests: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    lacks: tuple[Feature, ...] = ()
    unused: tuple[Feature, ...] = ()
    cells: Mapping[str, Mapping[str, Count]] = {}


class Note(Struct, frozen=True, kw_only=True):
    """One thing worth knowing.

    Attributes:
        text: a sentence, with the names it is about.
        levels_of: the column whose levels it names, which is not for those who lack the column; None for one about columns.
    """

    text: str
    levels_of: str | None = None


class Share(Struct, frozen=True, kw_only=True):
    """One participant's part in an agreement.

    Attributes:
        columns: of its raw data, for whatever purpose.
        inputs: those of its columns that became inputs.
        rules: by column, what its schema says of it beyond its type (a unit, an order), and what was renamed, mapped or
            converted before anything was compared.
        tables: by purpose.
    """

    columns: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    rules: Mapping[str, ColumnRules] = {}
    tables: Mapping[Purpose, TableShare] = {}


class Agreement(Struct, frozen=True, kw_only=True):
    """What the participants of a project agreed on, beside the feature space itself.

    Attributes:
        version: grows by one with each alignment of the project; 0 for one that was not kept.
        notes: what is worth knowing: names that only some have, with those that look alike.
        participants: by id.
    """

    version: Count = 0
    notes: tuple[Note, ...] = ()
    participants: Mapping[str, Share] = {}

    def digests(self, participant: str) -> dict[Purpose, tuple[str, ...]]:
        """Of each dataset of one participant, by purpose."""
        share = self.participants.get(participant, Share())
        return {purpose: table.digests for purpose, table in share.tables.items() if table.digests}

    def without_digests(self) -> Agreement:
        """The same, with nothing by which anybody's data could be known again: for whoever gets the model."""
        return structs.replace(
            self,
            participants={
                who: structs.replace(
                    share,
                    tables={purpose: structs.replace(table, digests=()) for purpose, table in share.tables.items()},
                )
                for who, share in self.participants.items()
            },
        )


def share_of(agreement: Agreement, participant: str) -> dict[str, object]:
    """One participant's part as JSON has it, with the version and what is worth knowing of the columns it has."""
    share = agreement.participants.get(participant, Share())
    own = {None, LABEL, *share.columns}
    notes = [note.text for note in agreement.notes if note.levels_of in own]
    return {"version": agreement.version, "notes": notes, **SHARE.write(share)}


SHARE = Definition(Share, quotes=False)
AGREEMENT = Definition(Agreement, quotes=False)
