"""Where a round's time goes: at its slowest participant, on the line, in waiting for who never answers, at the TTP itself."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

from msgspec import UNSET

from synergos_ttp.events import RoundSeconds
from synergos_ttp.stages.exchange import Arrived


class RoundWatch:
    """Adds up the seconds of one round; used by the job's thread."""

    def __init__(self) -> None:
        self._training = self._transfer = self._waiting = self._averaging = self._commit = 0.0
        self._own_training: defaultdict[str, float] = defaultdict(float)
        self._own_transfer: defaultdict[str, float] = defaultdict(float)

    def exchanged(self, begun: float, arrived: Mapping[str, Arrived]) -> None:
        """An exchange that began then is over.

        Args:
            begun: monotonic seconds.
            arrived: who has answered, in whatever order.
        """
        ended, last = time.monotonic(), 0.0
        training = transfer = 0.0
        for who, each in arrived.items():
            # What it says of itself is not believed beyond what was seen.
            seen = max(0.0, each.at - begun)
            own = 0.0 if each.said.seconds is UNSET else min(seen, max(0.0, each.said.seconds))
            self._own_training[who] += own
            self._own_transfer[who] += seen - own
            if seen >= last:
                last, training, transfer = seen, own, seen - own
        self._training += training
        self._transfer += transfer
        self._waiting += max(0.0, ended - begun - last)

    def averaged(self, begun: float) -> None:
        """What was averaged since then is a model."""
        self._averaging += time.monotonic() - begun

    def committed(self, begun: float) -> None:
        """What was written since then is on disk."""
        self._commit += time.monotonic() - begun

    @property
    def seconds(self) -> RoundSeconds:
        """All of it."""
        return RoundSeconds(
            self._training,
            self._transfer,
            self._waiting,
            self._averaging,
            self._commit,
            {who: (own, self._own_transfer[who]) for who, own in self._own_training.items()},
        )
