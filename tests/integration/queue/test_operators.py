"""The producers and consumers of the original's interface."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from servers.brokers import PATIENCE, Running
from support.waiting import until
from synmanager.base import ConsumerOperator, ProducerOperator
from synmanager.completed import CompletedConsumerOperator, CompletedProducerOperator
from synmanager.consumer import MAXIMUM_ATTEMPTS
from synmanager.errors import Drop, GiveBack, NotAMessage, NotConnected, Quarantine, Unroutable
from synmanager.evaluate import EvaluateConsumerOperator, EvaluateProducerOperator
from synmanager.preprocess import PreprocessConsumerOperator, PreprocessProducerOperator
from synmanager.publisher import Publisher
from synmanager.train import TrainConsumerOperator, TrainProducerOperator

HOST = "127.0.0.1"
MANY = 50
PAIRS: dict[str, tuple[type[ProducerOperator], type[ConsumerOperator]]] = {
    "preprocess": (PreprocessProducerOperator, PreprocessConsumerOperator),
    "train": (TrainProducerOperator, TrainConsumerOperator),
    "evaluate": (EvaluateProducerOperator, EvaluateConsumerOperator),
    "completed": (CompletedProducerOperator, CompletedConsumerOperator),
}

Ends = tuple[ProducerOperator, ConsumerOperator]
Listening = Callable[[ConsumerOperator, Callable[..., Any]], threading.Thread]


@pytest.fixture
def connected(running: Running) -> Iterator[Callable[[str], Ends]]:
    """Makes a producer and a consumer of a queue, both connected."""
    made: list[ProducerOperator | ConsumerOperator] = []

    def make(name: str) -> Ends:
        producer, consumer = PAIRS[name][0](HOST, broker=running.broker), PAIRS[name][1](HOST, broker=running.broker)
        for operator in (producer, consumer):
            operator.connect()
            made.append(operator)
        return producer, consumer

    yield make
    for operator in made:
        operator.disconnect()


@pytest.fixture
def train(connected: Callable[[str], Ends]) -> Ends:
    return connected("train")


@pytest.fixture
def listening() -> Iterator[Listening]:
    """Has consumers listen in threads, and stops them."""
    started: list[tuple[ConsumerOperator, threading.Thread]] = []

    def listen(consumer: ConsumerOperator, callback: Callable[..., Any]) -> threading.Thread:
        thread = threading.Thread(target=consumer.listen_message, args=(callback,), daemon=True)
        started.append((consumer, thread))
        thread.start()
        return thread

    yield listen
    for consumer, thread in started:
        consumer.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_published_can_be_counted_and_polled(connected: Callable[[str], Ends], name: str) -> None:
    producer, consumer = connected(name)
    assert consumer.check_message_count() == 0
    text = producer.process(keys=("c", "p"), process=name, parameters={"auto_fix": True})
    for number in range(MANY - 1):
        producer.publish_message(producer.create_message({"number": number}))
    assert consumer.check_message_count() == MANY

    seen: list[dict[str, Any]] = []

    def note(**message: Any) -> str:
        seen.append(message)
        return "done"

    answer = consumer.poll_message(note)

    assert text == f'{{"keys": ["c", "p"], "parameters": {{"auto_fix": true}}, "process": "{name}"}}'
    assert answer == "done"
    assert seen == [{"keys": ["c", "p"], "process": name, "parameters": {"auto_fix": True}}]
    assert consumer.check_message_count() == MANY - 1
    assert consumer.delete() == MANY - 1
    assert consumer.poll_message(lambda **message: seen.append(message)) is None
    assert len(seen) == 1


@pytest.mark.parametrize("how_many", [3, 500])
def test_many_are_published_in_order(train: Ends, how_many: int) -> None:
    producer, consumer = train

    texts = producer.process_many({"number": number} for number in range(how_many))

    assert texts[:2] == ['{"number": 0}', '{"number": 1}']
    assert consumer.check_message_count() == how_many
    assert [consumer.poll_message(lambda number: number) for _ in range(how_many)] == list(range(how_many))


def test_threads_share_a_producer(train: Ends) -> None:
    producer, consumer = train

    def publish(first: int) -> None:
        for number in range(first, first + MANY):
            producer.process(number=number)

    threads = [threading.Thread(target=publish, args=(MANY * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    seen = [consumer.poll_message(lambda number: number) for _ in range(4 * MANY)]
    assert sorted(seen) == list(range(4 * MANY))


def test_a_listener_is_handed_everything_in_order(train: Ends, listening: Listening) -> None:
    producer, consumer = train
    seen: list[int] = []
    listening(consumer, lambda number: seen.append(number))

    for number in range(MANY):
        producer.process(number=number)

    until(lambda: len(seen) == MANY, "all messages")
    assert seen == list(range(MANY))


def test_a_stopped_listener_finishes_what_it_has_in_hand(train: Ends, listening: Listening) -> None:
    producer, consumer = train
    begun, may_end = threading.Event(), threading.Event()

    def work(number: int) -> None:
        begun.set()
        assert may_end.wait(PATIENCE)

    producer.process_many({"number": number} for number in range(2))
    thread = listening(consumer, work)
    assert begun.wait(PATIENCE)
    consumer.stop()
    may_end.set()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert consumer.check_message_count() == 1
    assert consumer.poll_message(lambda number: number) == 1


def test_two_listeners_share_the_work(connected: Callable[[str], Ends], listening: Listening) -> None:
    (producer, first), (_, second) = connected("train"), connected("train")
    both_busy = threading.Barrier(2)
    shared: list[int] = []

    def work(number: int) -> None:
        # Neither gets on unless the other has the other message.
        both_busy.wait(PATIENCE)
        shared.append(number)

    for consumer in (first, second):
        listening(consumer, work)

    producer.process_many({"number": number} for number in range(2))

    # An empty queue would not do: a message that a listener was sent and has not taken goes back when it is stopped.
    until(lambda: len(shared) == 2, "both messages to be done")
    assert sorted(shared) == [0, 1]


def test_what_fails_is_tried_again_and_then_given_up(
    train: Ends, listening: Listening, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synmanager.consumer.RETRY_SECONDS", 0.3)
    producer, consumer = train
    seen: list[str] = []

    def fail(name: str) -> None:
        seen.append(name)
        if name == "bad":
            raise ArithmeticError

    producer.process(name="bad")
    producer.process(name="good")
    listening(consumer, fail)

    until(lambda: publisher.count("dead") == 1, "the message to be given up")
    assert seen == ["bad", "good", "bad", "bad"]
    assert publisher.count("train") == 0


def test_what_is_to_be_tried_again_keeps_nobody_waiting(
    train: Ends, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synmanager.consumer.RETRY_SECONDS", 1000.0)
    producer, consumer = train
    seen: list[int] = []

    def fail(number: int) -> None:
        seen.append(number)
        raise ArithmeticError

    producer.process_many({"number": number} for number in range(3))
    thread = listening(consumer, fail)
    until(lambda: len(seen) == 3, "all to be tried", PATIENCE)
    consumer.stop()
    thread.join(PATIENCE)

    assert seen == [0, 1, 2]
    # Nothing is lost when the listener ends before their time.
    assert consumer.delete() == 3


def test_what_fails_in_polling_comes_again_and_is_given_up(train: Ends, publisher: Publisher) -> None:
    producer, consumer = train
    producer.process(number=1)

    def fail(number: int) -> None:
        raise ArithmeticError

    for left in range(MAXIMUM_ATTEMPTS, 0, -1):
        assert (consumer.check_message_count(), publisher.count("dead")) == (1, 0), left
        assert consumer.poll_message(fail) is None
    assert (consumer.check_message_count(), publisher.count("dead")) == (0, 1)


def test_what_is_no_message_is_parked(train: Ends, publisher: Publisher) -> None:
    producer, consumer = train
    for text in ("no JSON", "[1]"):
        producer.publish_message(text)
        assert consumer.poll_message(lambda **message: message) is None
    assert (consumer.check_message_count(), publisher.count("parked")) == (0, 2)


@pytest.mark.parametrize(
    ("instruction", "queue"), [(Quarantine("not ours"), "parked"), (GiveBack(), "train"), (Drop(), None)]
)
def test_a_callback_says_what_becomes_of_its_message(
    train: Ends, publisher: Publisher, instruction: Exception, queue: str | None
) -> None:
    producer, consumer = train
    producer.process(number=1)

    def say(number: int) -> None:
        raise instruction

    assert consumer.poll_message(say) is None
    expected = {name: int(name == queue) for name in ("parked", "train", "dead")}
    # What is given back is on its way, also when its connection is asked.
    until(lambda: {name: publisher.count(name) for name in expected} == expected, "it to be there", PATIENCE)
    assert consumer.check_message_count() == expected["train"]


def test_without_acknowledgement_a_failure_is_the_end_of_a_message(train: Ends, publisher: Publisher) -> None:
    producer, consumer = train
    consumer.auto_ack = True
    producer.process(number=1)

    def fail(number: int) -> None:
        raise ArithmeticError

    assert consumer.poll_message(fail) is None
    assert (consumer.check_message_count(), publisher.count("dead")) == (0, 0)


def test_what_has_no_queue_is_refused(train: Ends) -> None:
    producer, consumer = train
    producer.routing_key = "nowhere"
    with pytest.raises(Unroutable):
        producer.process(number=1)
    with pytest.raises(Unroutable):
        producer.process_many({"number": number} for number in range(20))
    with pytest.raises(Unroutable):
        producer.publish_to("nowhere", {"number": 1})
    producer.routing_key = "SynMQ_topic_train"
    producer.process(number=2)
    assert consumer.poll_message(lambda number: number) == 2


def test_a_consumer_of_a_queue_of_its_own(running: Running, connected: Callable[[str], Ends]) -> None:
    producer, usual = connected("completed")
    own = CompletedConsumerOperator(HOST, queue="completed.director_1", broker=running.broker)
    own.connect()

    producer.process(process="train")
    producer.publish_to("completed.director_1", {"process": "evaluate"})

    assert (usual.check_message_count(), own.check_message_count()) == (1, 1)
    assert own.poll_message(lambda process: process) == "evaluate"
    own.disconnect()


def test_a_consumer_of_the_base_takes_what_its_attributes_say(running: Running) -> None:
    producer = ProducerOperator(HOST, broker=running.broker)
    consumer = ConsumerOperator(HOST, broker=running.broker)
    producer.routing_key = consumer.routing_key = "SynMQ_topic_unittest"
    producer.connect()
    consumer.connect()
    consumer.queue = "unittest"

    assert consumer.check_message_count() == 0
    producer.process(project_id="test_project")

    assert consumer.poll_message(lambda **message: message) == {"project_id": "test_project"}
    producer.disconnect()
    consumer.disconnect()


def test_operators_want_to_be_connected() -> None:
    with pytest.raises(NotConnected, match=r"call .connect\(\) first"):
        TrainProducerOperator(HOST).process(number=1)
    consumer = TrainConsumerOperator(HOST)
    for use in (consumer.check_message_count, lambda: consumer.listen_message(print), consumer.delete):
        with pytest.raises(RuntimeError, match="connect"):
            use()


def test_operators_say_what_is_wrong_with_a_call(train: Ends) -> None:
    producer, consumer = train
    with pytest.raises(TypeError, match="process_function or process_callback"):
        consumer.poll_message()
    with pytest.raises(ValueError, match="port: expected a number"):
        TrainProducerOperator(HOST, port="amqp")
    with pytest.raises(NotAMessage):
        producer.parse_message("no JSON")
