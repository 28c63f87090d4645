"""What becomes of those who wait or have work in hand when the broker goes away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from servers.brokers import PATIENCE, Running, Streams, take
from support.waiting import until
from synmanager.base import ConsumerOperator, ProducerOperator
from synmanager.config import TRAIN
from synmanager.errors import BrokerUnavailable
from synmanager.publisher import Publisher
from synmanager.stream import Delivery
from synmanager.train import TrainConsumerOperator, TrainProducerOperator

pytestmark = pytest.mark.timeout(300)

HOST = "127.0.0.1"


@pytest.fixture
def producer(running: Running) -> Iterator[ProducerOperator]:
    producer = TrainProducerOperator(HOST, broker=running.broker)
    producer.patience = PATIENCE
    producer.connect()
    yield producer
    producer.disconnect()


@pytest.fixture
def consumer(running: Running) -> Iterator[ConsumerOperator]:
    consumer = TrainConsumerOperator(HOST, broker=running.broker)
    consumer.connect()
    yield consumer
    consumer.disconnect()


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, bool]]:
    """What the log has to say about the broker: level, and whether it is back."""
    found = [record for record in caplog.records if record.name == "synmanager.reconnecting"]
    return [(record.levelno, "the broker is back" in record.message) for record in found]


LOST_AND_FOUND = [(logging.WARNING, False), (logging.INFO, True)]


def test_a_job_in_hand_comes_again(
    running: Running, publisher: Publisher, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="synmanager")
    stream = streams()
    publisher.publish(TRAIN, [{"number": 1}])
    in_hand = take(stream)

    running.stop()
    until(lambda: bool(said(caplog)), "the loss to be noticed")
    running.start()
    in_hand.acknowledge()  # too late: does nothing

    again = take(stream)
    assert (again.message, again.redelivered) == ({"number": 1}, True)
    again.acknowledge()
    publisher.publish(TRAIN, [{"number": 2}])
    assert take(stream).message == {"number": 2}
    assert said(caplog) == LOST_AND_FOUND


def test_who_waits_for_a_job_goes_on_waiting(
    running: Running, publisher: Publisher, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="synmanager")
    stream = streams()
    assert stream.take(0.05) is None  # connected
    taken: list[Delivery | None] = []
    waiting = threading.Thread(target=lambda: taken.append(stream.take(PATIENCE)))
    waiting.start()

    running.stop()
    until(lambda: bool(said(caplog)), "the loss to be noticed")
    running.start()
    publisher.publish(TRAIN, [{"number": 1}])
    waiting.join(PATIENCE)

    assert [delivery and delivery.message for delivery in taken] == [{"number": 1}]
    assert said(caplog) == LOST_AND_FOUND


def test_closing_does_not_wait_for_the_broker(running: Running, streams: Streams) -> None:
    stream = streams()
    running.stop()
    stream.close()
    assert stream.take(PATIENCE) is None
    running.start()


def test_a_listener_goes_on_and_its_job_comes_again_once(
    running: Running, producer: ProducerOperator, consumer: ConsumerOperator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="synmanager")
    seen: list[int] = []
    may_end = threading.Event()

    def work(number: int) -> None:
        seen.append(number)
        assert may_end.wait(PATIENCE)

    listener = threading.Thread(target=consumer.listen_message, kwargs={"process_function": work})
    listener.start()
    producer.process(number=1)
    until(lambda: seen == [1], "the job to be begun")

    running.stop()
    until(lambda: bool(said(caplog)), "the loss to be noticed")
    running.start()
    may_end.set()
    producer.process(number=2)

    until(lambda: len(seen) == 3, "the other message")
    assert sorted(seen) == [1, 1, 2]
    consumer.stop()
    listener.join(PATIENCE)
    assert not listener.is_alive()
    assert consumer.check_message_count() == 0
    assert said(caplog) == LOST_AND_FOUND


def test_a_producer_waits_for_the_broker_as_long_as_it_was_told(
    running: Running, producer: ProducerOperator, consumer: ConsumerOperator
) -> None:
    running.stop()
    producer.patience = 0
    with pytest.raises(BrokerUnavailable):
        producer.process(number=1)
    with pytest.raises(BrokerUnavailable):
        producer.process_many([{"number": 1}] * 20)
    producer.patience = PATIENCE
    patient = threading.Thread(target=producer.process, kwargs={"number": 2})
    patient.start()
    running.start()
    patient.join(PATIENCE)

    assert consumer.poll_message(lambda number: number) == 2


def test_a_connection_that_broke_between_two_calls_is_made_anew(
    producer: ProducerOperator, consumer: ConsumerOperator
) -> None:
    producer.patience = 0
    producer.connection.close()
    assert not producer.is_connected()

    producer.process(number=1)
    consumer.connection.close()

    assert consumer.poll_message(lambda number: number) == 1
