"""How the queues stand, as metrics."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from support.waiting import DEADLINE
from synergos.orchestration.grids import Broker, QueueDepth
from synergos_director.cluster_queue import DirectorQueue
from synergos_director.queue_watch import QueueWatch
from synmanager.broker import QueueStanding
from synmanager.config import PREPROCESS, TRAIN, Queue, cluster_queue
from synmanager.errors import BrokerRefused, BrokerUnavailable
from synmanager.memory import MemoryBroker
from synmanager.publisher import Publisher


def found_by(watch: QueueWatch) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value for family in watch.metrics() for sample in family.samples
    }


class Told:
    """A broker that says what it is told to, or why it does not."""

    def __init__(self, standings: Mapping[str, QueueStanding] | Exception) -> None:
        self.standings = standings

    def __call__(self) -> Mapping[str, QueueStanding]:
        if isinstance(self.standings, Exception):
            raise self.standings
        return self.standings


def test_each_queue_has_its_depth_and_who_takes_from_it() -> None:
    watch = QueueWatch(
        Told(
            {
                "train": QueueStanding(3, 0),
                "evaluate": QueueStanding(0, 2),
                "dead": QueueStanding(1, 0),
            }
        )
    )

    watch.look()

    assert found_by(watch) == {
        ("synergos_broker_reachable",): 1,
        ("synergos_queue_messages", "train"): 3,
        ("synergos_queue_messages", "evaluate"): 0,
        ("synergos_queue_messages", "dead"): 1,
        ("synergos_queue_consumers", "train"): 0,
        ("synergos_queue_consumers", "evaluate"): 2,
        ("synergos_queue_consumers", "dead"): 0,
    }


def test_nothing_old_is_told_of_a_broker_that_is_away() -> None:
    broker = Told({"train": QueueStanding(3, 1)})
    watch = QueueWatch(broker)
    watch.look()

    broker.standings = BrokerUnavailable("no connection")
    watch.look()

    assert found_by(watch) == {("synergos_broker_reachable",): 0}


@pytest.mark.parametrize("error", [BrokerRefused("declared differently"), ValueError("nobody foresaw it")])
def test_nothing_old_is_told_however_looking_fails(error: Exception) -> None:
    broker = Told({"train": QueueStanding(3, 1)})
    watch = QueueWatch(broker)
    watch.look()

    broker.standings = error
    with pytest.raises(type(error)):
        watch.look()

    assert found_by(watch) == {("synergos_broker_reachable",): 0}


def test_a_cluster_has_what_is_handed_on_to_it_as_well() -> None:
    broker = MemoryBroker()
    publisher, queue = Publisher(broker), DirectorQueue(broker, "c1")
    publisher.declare(own := cluster_queue(TRAIN, "c1"))
    publisher.publish(TRAIN, [{"job": 1}, {"job": 2}])
    publisher.publish_to(own.name, {"job": 3})
    publisher.declare(Queue("train.c2"))
    publisher.publish_to("train.c2", {"job": 4})

    found = queue.look()

    assert (found["train"].messages, found[PREPROCESS.name].messages) == (3, 0)
    assert set(found) == {"preprocess", "train", "evaluate", "completed", "dead", "parked"}


def test_no_message_is_taken_to_look_at_a_queue() -> None:
    """A broker may count how often one was, and give it up after so many times."""
    broker = MemoryBroker()
    publisher, queue = Publisher(broker), DirectorQueue(broker, "c1")
    publisher.publish(TRAIN, [{"job": 1}])

    queue.look()

    message = broker.link().get("train")
    assert message is not None
    assert not message.redelivered


def test_pages_are_told_what_was_found_last_and_that_the_broker_is_away() -> None:
    told = Told({"train": QueueStanding(3, 1)})
    watch = QueueWatch(told, patience=DEADLINE)

    assert watch.broker() == Broker({"train": QueueDepth(3, 1)})
    told.standings = ConnectionError()
    watch.look()
    assert watch.broker() == Broker(None)
    watch.close()
