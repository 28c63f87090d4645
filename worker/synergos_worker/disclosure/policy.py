"""The owner's limits on what leaves: those of the worker, and those of a folder in its ``metadata.json``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Struct, UnsetType
from msgspec import Meta as Limits

from synergos.errors import InvalidRequest, UnusableData
from synergos.schema import Definition

MINIMUM_ROWS = 10


class Mode(StrEnum):
    """How much may be told."""

    STRICT = "strict"
    OPEN = "open"


@dataclass(frozen=True)
class Policy:
    """What holds for some rows.

    Attributes:
        minimum_rows: how many rows have to share what is told of them; nothing is withheld where the mode is open.
    """

    mode: Mode = Mode.STRICT
    minimum_rows: int = MINIMUM_ROWS

    @property
    def is_open(self) -> bool:
        """Whether everything may be told that was ever asked for."""
        return self.mode is Mode.OPEN


STRICT, OPEN = Policy(), Policy(Mode.OPEN)


class FolderLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``disclosure`` in a folder's ``metadata.json``: limits that hold for its rows instead of the worker's."""

    minimum_rows: Annotated[int, Limits(ge=1)] | UnsetType = UNSET


_FOLDER = Definition(FolderLimits)


def policy_of_folder(worker: Policy, said: object, name: str) -> Policy:
    """What holds for a folder's rows.

    Limits that a folder has hold for an open worker too: whoever wrote them down meant them.

    Args:
        said: ``disclosure`` in its metadata; None where nothing is said.
        name: of the metadata, for errors.

    Raises:
        UnusableData: that is no such limits.
    """
    if said is None:
        return worker
    try:
        limits = _FOLDER.read(said, at="disclosure")
    except InvalidRequest as error:
        raise UnusableData(str(error), name) from None
    own = limits.minimum_rows
    return Policy(Mode.STRICT, worker.minimum_rows if own is UNSET else own)


def strictest(policies: Iterable[Policy]) -> Policy:
    """What holds for rows of several folders together."""
    guarded = [policy for policy in policies if not policy.is_open]
    return max(guarded, key=lambda policy: policy.minimum_rows) if guarded else OPEN
