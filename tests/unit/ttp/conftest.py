"""A dispatcher of a basic TTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fakes.local_jobs import Runner
from synergos.records import RecordStore
from synergos_ttp.running.local_dispatch import LocalDispatcher


@pytest.fixture
def dispatcher_for(store: RecordStore) -> Iterator[Callable[[Runner], LocalDispatcher]]:
    made: list[LocalDispatcher] = []

    def make(runner: Runner) -> LocalDispatcher:
        dispatcher = LocalDispatcher(store, runner)
        dispatcher.start()
        made.append(dispatcher)
        return dispatcher

    yield make
    for dispatcher in made:
        dispatcher.stop()
        dispatcher.close()
