"""A message of a session on its way in: what it is for, and whether the rest of one that was cut off goes with its beginning."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from synergos.errors import Conflict
from synergos_worker.message import Message
from synergos_worker.work_order import WorkKind


@dataclass(eq=False)
class Arrival:
    """A message, or the rest of one, as it comes by one connection.

    Attributes:
        place: the kind of work that it is for, and which; a session's newest model has no number.
        is_over: whether nothing more will come by that connection.
    """

    place: tuple[WorkKind, Hashable]
    message: Message
    is_over: bool = False

    def refuse_other_rest(self, before: Arrival | None) -> None:
        """Refuse the rest of a message of which something else has come, or more, or less.

        Raises:
            Conflict: it is.
        """
        own = self.message
        if before is None or before.place != self.place or not before.is_over:
            raise Conflict("nothing has come of the message that this is the rest of; send the whole of it")
        known = before.message
        if (own.whole, own.digest) != (known.whole, known.digest):
            raise Conflict("this is the rest of another message than the one that has begun; send the whole of it")
        if own.offset != known.kept:
            raise Conflict(f"{known.kept} bytes of the message have come; its rest does not begin at {own.offset}")
