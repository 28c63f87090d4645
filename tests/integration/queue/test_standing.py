"""How a queue stands: what lies there, and who takes it."""

from __future__ import annotations

import pika

from servers.brokers import Running
from servers.rabbitmq import RabbitMQ
from support.waiting import until
from synmanager.broker import Link
from synmanager.config import TRAIN
from synmanager.publisher import Publisher


def test_a_queue_tells_its_depth_and_all_stays_where_it_is(publisher: Publisher, link: Link) -> None:
    assert publisher.look("train").messages == 0

    publisher.publish(TRAIN, [{"job": number} for number in range(3)])
    until(lambda: link.count("train") == 3, "the messages to lie there")

    assert publisher.look("train").messages == 3
    first = link.get("train")
    assert first is not None
    assert (first.body, first.redelivered) == (b'{"job": 0}', False)


def test_a_queue_tells_how_many_are_free_to_take_from_it(running: Running, publisher: Publisher) -> None:
    taking = running.broker.link()
    consumer = taking.consume("evaluate", lambda _message: None)
    assert publisher.look("evaluate").consumers == 1

    taking.cancel(consumer)
    until(lambda: publisher.look("evaluate").consumers == 0, "nobody to take from it")
    taking.close()


def test_what_a_foreign_message_says_of_its_time_harms_nobody(rabbitmq: RabbitMQ) -> None:
    """A broker takes any 64 bits for a time."""
    link = rabbitmq.broker.link()
    link.channel.basic_publish("", "evaluate", b"{}", pika.BasicProperties(timestamp=2**63), mandatory=True)

    message = link.get("evaluate")

    assert message is not None
    link.acknowledge(message.tag)
    link.close()
