"""The vocabulary: what can be named in requests, with defaults, bounds and meaning."""

from __future__ import annotations

from collections.abc import Sequence

from synergos.driver.task import Task
from synergos.driver.transport import Response, route


class VocabularyTask(Task):
    """Calls about what there is."""

    def read(self, parts: Sequence[str] | None = None) -> Response:
        """Hyperparameters, algorithms, optimizers, losses, schedules, layers, statistics and search spaces.

        Args:
            parts: those that are wanted: ``families``, ``algorithms``, ``statistics``, ``metrics``, ``search_space``, …; all without it.
        """
        return self._get(route("vocabulary"), {} if parts is None else {"fields": ",".join(parts)})
