"""What programs written for the original package rely on, against a real broker."""

from __future__ import annotations

import importlib
import itertools
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pika
import pytest

from servers.brokers import PATIENCE
from servers.rabbitmq import RabbitMQ
from support.waiting import until
from synmanager import config
from synmanager.abstract import AbstractOperator
from synmanager.base import BaseOperator, ConsumerOperator, ProducerOperator
from synmanager.errors import AccessRefused, BrokerRefused, BrokerUnavailable, CredentialsNeeded
from synmanager.publisher import Publisher
from synmanager.rabbitmq import Broker
from synmanager.stream import Delivery, JobStream

HOST = "0.0.0.0"
NAMES = ("preprocess", "train", "evaluate", "completed")
MANY = 50


@pytest.fixture
def raw(rabbitmq: RabbitMQ) -> Iterator[Any]:
    """A channel of pika's own."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", rabbitmq.port))
    yield connection.channel()
    connection.close()


def operator_of(name: str, end: str, port: int | str) -> Any:
    module = importlib.import_module(f"synmanager.{name}_operations")
    return getattr(module, f"{name.capitalize()}{end}Operator")(host=HOST, port=port)


def combinations(runs: int) -> list[Mapping[str, Any]]:
    return [
        {
            "process": "train",
            "combination_key": ("collaboration", "project", "experiment", f"run_{number}"),
            "combination_params": {"run": {"rounds": number}, "auto_align": True},
        }
        for number in range(runs)
    ]


def test_modules_have_two_names_and_are_attributes_of_the_package() -> None:
    package = importlib.import_module("synmanager")
    for name, end in itertools.product(NAMES, ("Producer", "Consumer")):
        operator = f"{name.capitalize()}{end}Operator"
        short, long = (importlib.import_module(f"synmanager.{each}") for each in (name, f"{name}_operations"))
        assert getattr(short, operator) is getattr(long, operator) is getattr(getattr(package, name), operator)
    assert issubclass(ProducerOperator, BaseOperator)
    assert issubclass(ConsumerOperator, AbstractOperator)


def test_the_constants_are_there() -> None:
    assert (config.PREPROCESS_QUEUE, config.PREPROCESS_ROUTING_KEY) == ("preprocess", "SynMQ_topic_preprocess")
    assert (config.TRAIN_QUEUE, config.TRAIN_ROUTING_KEY) == ("train", "SynMQ_topic_train")
    assert (config.EVALUATE_QUEUE, config.EVALUATE_ROUTING_KEY) == ("evaluate", "SynMQ_topic_evaluate")
    assert (config.COMPLETED_QUEUE, config.COMPLETED_ROUTING_KEY) == ("completed", "SynMQ_fanout_completed")
    assert (config.COMPLETED_EXCHANGE_NAME, config.COMPLETED_EXCHANGE_TYPE) == ("SynMQ_fanout_logs", "fanout")


def test_connecting_makes_pikas_own_objects_and_disconnecting_closes_them(rabbitmq: RabbitMQ) -> None:
    operator = BaseOperator(HOST, str(rabbitmq.port))
    assert (operator.channel, operator.connection, operator.port) == (None, None, rabbitmq.port)

    operator.connect(heartbeat=0, blocked_connection_timeout=300)

    connection, channel = operator.connection, operator.channel
    assert isinstance(connection, pika.BlockingConnection)
    assert operator.is_connected()
    operator.connect()
    assert operator.connection is connection
    operator.disconnect()
    assert (operator.channel, operator.connection, operator.is_connected()) == (None, None, False)
    assert not connection.is_open
    assert not channel.is_open


def test_disconnecting_closes_objects_that_were_assigned(rabbitmq: RabbitMQ) -> None:
    operator = BaseOperator(HOST, rabbitmq.port)
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", rabbitmq.port))
    operator.connection, operator.channel = connection, connection.channel()

    operator.disconnect()

    assert (operator.channel, operator.connection) == (None, None)
    assert connection.is_closed


@pytest.mark.parametrize("name", NAMES)
def test_a_producer_publishes_what_anybody_can_take(rabbitmq: RabbitMQ, raw: Any, name: str) -> None:
    producer = operator_of(name, "Producer", str(rabbitmq.port))
    producer.connect()

    producer.publish_message(producer.create_message({"project_id": "test_project"}))
    texts = [producer.process(**message) for message in combinations(2)]

    # Declared again without arguments, which must agree with what is there.
    assert raw.queue_declare(queue=name, durable=True).method.message_count == 3
    received = [raw.basic_get(queue=name, auto_ack=True) for _ in range(3)]
    assert [body.decode() for _, _, body in received] == ['{"project_id": "test_project"}', *texts]
    assert {properties.delivery_mode for _, properties, _ in received} == {2}
    assert [json.loads(body)["combination_params"]["run"]["rounds"] for _, _, body in received[1:]] == [0, 1]
    producer.disconnect()


@pytest.mark.parametrize("name", NAMES)
def test_a_consumer_takes_what_anybody_published(rabbitmq: RabbitMQ, raw: Any, name: str) -> None:
    consumer = operator_of(name, "Consumer", str(rabbitmq.port))
    consumer.connect()
    assert consumer.check_message_count() == 0
    message = {"project_id": "test_project", "experiments": [{"model": []}]}
    for _ in range(MANY):
        raw.basic_publish(exchange=consumer.exchange_name, routing_key=consumer.routing_key, body=json.dumps(message))
    raw.queue_declare(queue=name, passive=True)  # has been published by now

    assert consumer.check_message_count() == MANY
    assert consumer.poll_message(process_function=lambda **fields: fields) == message
    consumer.channel.queue_purge(queue=name)
    assert consumer.check_message_count() == 0
    consumer.disconnect()


def test_the_examples_of_the_readme_run(rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch) -> None:
    # The examples name no port, and the tests' broker is not on the usual one.
    for operator in (BaseOperator, ConsumerOperator):
        monkeypatch.setattr(operator.__init__, "__defaults__", (rabbitmq.port,))
    performed: list[tuple[dict[str, Any], str]] = []

    from synmanager.preprocess import PreprocessConsumerOperator, PreprocessProducerOperator

    mq_host = "localhost"
    ppp_operator = PreprocessProducerOperator(host=mq_host)
    ppp_operator.connect()
    preprocess_kwarg = {"project_id": "test_project"}
    ppp_operator.process(**preprocess_kwarg)
    ppp_operator.disconnect()

    def perform_action(kwargs: dict[str, Any], host: str) -> bool:
        performed.append((kwargs, host))
        threading.Thread(target=ppc_operator.stop).start()
        return True

    ppc_operator = PreprocessConsumerOperator(host=mq_host)
    ppc_operator.connect()
    ppc_operator.listen_message(process_callback=perform_action)
    ppc_operator.disconnect()

    assert performed == [({"project_id": "test_project"}, "localhost")]


def test_a_stranger_is_not_let_in(rabbitmq: RabbitMQ) -> None:
    from synmanager.train import TrainProducerOperator

    with pytest.raises(AccessRefused, match="username, password"):
        TrainProducerOperator("127.0.0.1", rabbitmq.port, username="stranger", password="wrong").connect()
    with pytest.raises(AccessRefused, match="virtual host"):
        TrainProducerOperator("127.0.0.1", rabbitmq.port, virtual_host="elsewhere").connect()
    with pytest.raises(CredentialsNeeded, match="username and password"):
        TrainProducerOperator("192.0.2.1").connect()
    with pytest.raises(BrokerUnavailable):
        TrainProducerOperator("127.0.0.1", 1).connect()
    stream = JobStream(Broker("127.0.0.1", rabbitmq.port, "stranger", "wrong"))
    with pytest.raises(AccessRefused):
        stream.take(PATIENCE)
    with pytest.raises(AccessRefused):
        stream.take(PATIENCE)
    stream.close()


def test_a_queue_that_was_declared_differently_is_named(rabbitmq: RabbitMQ, raw: Any) -> None:
    raw.queue_declare("odd", durable=False)
    consumer = ConsumerOperator("127.0.0.1", rabbitmq.port, queue="odd")
    with pytest.raises(BrokerRefused, match="queue 'odd'"):
        consumer.connect()
    consumer.disconnect()
    raw.queue_delete("odd")


def test_a_queue_that_is_deleted_is_declared_again(rabbitmq: RabbitMQ, raw: Any) -> None:
    publisher, stream = Publisher(rabbitmq.broker), JobStream(rabbitmq.broker)
    taken: list[Delivery | None] = []
    waiting = threading.Thread(target=lambda: taken.append(stream.take(PATIENCE)))
    waiting.start()
    until(lambda: raw.queue_declare("evaluate", passive=True).method.consumer_count == 1, "the stream to wait")

    raw.queue_delete("train")
    publisher.declare(config.TRAIN)
    publisher.publish(config.TRAIN, [{"number": 1}])
    waiting.join(PATIENCE)

    assert [delivery and delivery.message for delivery in taken] == [{"number": 1}]
    stream.close()
    publisher.close()


def test_a_channel_that_the_broker_closes_is_noticed_by_who_waits(rabbitmq: RabbitMQ) -> None:
    link = rabbitmq.broker.link()
    link.acknowledge(999)  # a message that never was: the broker closes the channel, not the connection

    with pytest.raises(BrokerRefused, match="closed the channel"):
        until(lambda: link.wait() is not None, "the broker to close the channel", PATIENCE)  # type: ignore[func-returns-value]
    link.close()


def test_importing_changes_no_logging() -> None:
    program = """
        import logging
        before = dict(logging.root.manager.loggerDict), logging.root.level, list(logging.root.handlers)
        import synmanager, synmanager.stream, synmanager.memory
        assert (logging.root.level, logging.root.handlers) == (before[1], before[2])
        assert logging.getLogger("pika").level == logging.getLogger("synmanager").level == logging.NOTSET
        assert not logging.getLogger("synmanager").handlers
        assert "synergos" not in __import__("sys").modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=PATIENCE)
