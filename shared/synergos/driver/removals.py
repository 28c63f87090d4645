"""Removals: files of what was deleted that are not gone yet."""

from __future__ import annotations

from typing import Unpack

from synergos.driver.lists import OfAnything
from synergos.driver.task import Task
from synergos.driver.transport import Response, route


class RemovalTask(Task):
    """Calls about files that are still to be removed, because the worker or TTP where they are is away, or could not remove them.

    A removal has ``id``, ``key`` (of what was deleted), ``place``, ``address``, ``deleted_at``, ``tried_at`` and ``reason``.
    It is tried again every half a minute until it is done.
    """

    def read_all(self, **choices: Unpack[OfAnything]) -> Response:
        """All of them, oldest first, or those that ``choices`` choose (:data:`synergos.driver.lists.Page`)."""
        return self._list(route("removals"), choices)

    def delete(self, removal_id: str) -> Response:
        """Try one no more, for instance because its host is gone for good; the files stay where they are."""
        return self._delete(route("removals", removal_id))
