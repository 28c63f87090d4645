"""How messages for the log server stand, as metrics."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from synergos.gelf import GelfHandler, Standing
from synergos.program.log_metrics import log_metrics


class Told(GelfHandler):
    """A handler that says how its messages stand."""

    def __init__(self, told: Standing | None) -> None:
        logging.Handler.__init__(self)
        self.told = told

    @property
    def standing(self) -> Standing | None:
        return self.told

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing."""

    def close(self) -> None:
        logging.Handler.close(self)


@pytest.fixture
def handler() -> Iterator[Told]:
    handler = Told(None)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_how_messages_stand_is_told_by_what_they_are(handler: Told) -> None:
    assert list(log_metrics()) == []

    handler.told = Standing(waiting=500, capacity=1000, dropped=7, is_away=True)

    found = {(sample.name, sample.labels["kind"]): sample.value for each in log_metrics() for sample in each.samples}
    assert found == {
        ("synergos_log_receiver_away", "messages"): 1,
        ("synergos_log_buffer_bytes", "messages"): 500,
        ("synergos_log_buffer_capacity_bytes", "messages"): 1000,
        ("synergos_log_messages_dropped_total", "messages"): 7,
    }
