"""How fast jobs go through the queue, beside bare pika on the same broker in the same run.

    python tests/benchmarks/queue_throughput.py [--jobs 2000] [--rounds 5]

Ours and pika take turns, and each pair is compared with itself: a busy machine slows down both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers import rabbitmq as rabbitmq_server
from synmanager.broker import HEARTBEAT_SECONDS
from synmanager.config import TRAIN, TRAIN_QUEUE, TRAIN_ROUTING_KEY
from synmanager.rabbitmq import Broker, Link
from synmanager.stream import JobStream
from synmanager.train import TrainConsumerOperator, TrainProducerOperator

HOST = "127.0.0.1"
JOB = {
    "process": "train",
    "keys": ["collaboration", "project", "experiment", "run"],
    "grids": [[{"participant": f"participant_{number}", "host": "10.0.0.1", "port": 8020} for number in range(4)]],
    "parameters": {"action": "classify", "auto_align": True, "verbose": False, "run": {"rounds": 20, "epochs": 1}},
}
PERSISTENT = pika.BasicProperties(delivery_mode=2, content_type="application/json")


@dataclass
class Comparison:
    """One thing measured, ours and pika's, in turns."""

    what: str
    unit: str
    ours: list[float]
    bare: list[float]
    aim: str

    def row(self) -> str:
        ratio = statistics.median(mine / theirs for mine, theirs in zip(self.ours, self.bare, strict=True))
        ours, bare = statistics.median(self.ours), statistics.median(self.bare)
        return f"{self.what:<34}{ours:>10.2f}{bare:>10.2f} {self.unit:<8}{ratio:>7.0%}   {self.aim}"


def rate(count: int, act: Callable[[], Any]) -> float:
    """How many of ``count`` are done per second."""
    start = time.perf_counter()
    act()
    return count / (time.perf_counter() - start)


def bare_one_by_one(channel: BlockingChannel, texts: list[str]) -> None:
    for text in texts:
        channel.basic_publish(TRAIN.exchange or "", TRAIN_ROUTING_KEY, text.encode(), PERSISTENT, mandatory=True)


def bare_pipelined(parameters: pika.ConnectionParameters, texts: list[str]) -> None:
    """All are published before the first confirmation is waited for."""
    confirmed = 0

    def opened(channel: Any) -> None:
        channel.confirm_delivery(answered, callback=lambda _frame: publish(channel))

    def publish(channel: Any) -> None:
        for text in texts:
            channel.basic_publish(TRAIN.exchange or "", TRAIN_ROUTING_KEY, text.encode(), PERSISTENT, mandatory=True)

    def answered(frame: Any) -> None:
        nonlocal confirmed
        confirmed = frame.method.delivery_tag if frame.method.multiple else confirmed + 1
        if confirmed >= len(texts):
            connection.close()

    connection = pika.SelectConnection(
        parameters,
        on_open_callback=lambda connection: connection.channel(on_open_callback=opened),
        on_close_callback=lambda connection, _reason: connection.ioloop.stop(),
    )
    connection.ioloop.start()


class TimedLink(Link):
    """Notes when messages are acknowledged."""

    moments: list[float]

    def acknowledge(self, tag: int) -> None:
        super().acknowledge(tag)
        self.moments.append(time.perf_counter())


class TimedBroker(Broker):
    """Notes when messages are acknowledged."""

    def link(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> Link:
        link = super().link(heartbeat, blocked_connection_timeout)
        timed = TimedLink(self, link.connection, link.channel)
        timed.moments = moments_of[self]
        return timed


moments_of: dict[Broker, list[float]] = {}


def latencies(publish: Callable[[], Any], moments: list[float], count: int) -> float:
    """Median milliseconds from publishing a job until it is acknowledged, one job at a time."""
    found = []
    for _ in range(count):
        before = len(moments)
        start = time.perf_counter()
        publish()
        while len(moments) == before:
            time.sleep(0.0001)
        found.append(moments[-1] - start)
        # Whoever took it waits for the next one again.
        time.sleep(0.02)
    return statistics.median(found) * 1000


class BareConsumer:
    """Pika's own loop, in a thread."""

    def __init__(self, parameters: pika.ConnectionParameters) -> None:
        self.moments: list[float] = []
        self._connection = pika.BlockingConnection(parameters)
        self._channel = self._connection.channel()
        self._channel.basic_qos(prefetch_count=1)
        self._channel.basic_consume(TRAIN_QUEUE, self._take)
        self._thread = threading.Thread(target=self._channel.start_consuming)
        self._thread.start()

    def _take(self, channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        channel.basic_ack(method.delivery_tag)
        self.moments.append(time.perf_counter())

    def close(self) -> None:
        self._connection.add_callback_threadsafe(self._channel.stop_consuming)
        self._thread.join()
        self._connection.close()


def take_all(stream: JobStream) -> None:
    while (delivery := stream.take()) is not None:
        delivery.acknowledge()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=2000, help="jobs published in each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns")
    given = parser.parse_args()
    with rabbitmq_server.running() as server:
        print(f"{'':<34}{'ours':>10}{'pika':>10} {'':<8}{'ratio':>7}   aim")
        for comparison in (*throughput(server.port, given.jobs, given.rounds), *latency(server.port, given.rounds)):
            print(comparison.row())


def throughput(port: int, jobs: int, rounds: int) -> list[Comparison]:
    producer, consumer = TrainProducerOperator(HOST, port), TrainConsumerOperator(HOST, port)
    producer.connect()
    consumer.connect()
    parameters = pika.ConnectionParameters(HOST, port)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    messages = [JOB] * jobs
    texts = [producer.create_message(message) for message in messages]
    single = Comparison("published one by one", "jobs/s", [], [], "at least 90 %")
    many = Comparison("process_many", "jobs/s", [], [], "at least 80 %")
    for _ in range(rounds):
        single.ours.append(rate(jobs, lambda: [producer.process(**message) for message in messages]))
        single.bare.append(rate(jobs, lambda: bare_one_by_one(channel, texts)))
        consumer.delete()
        many.ours.append(rate(jobs, lambda: producer.process_many(messages)))
        many.bare.append(rate(jobs, lambda: bare_pipelined(parameters, texts)))
        consumer.delete()
    for closable in (producer, consumer):
        closable.disconnect()
    connection.close()
    return [single, many]


def latency(port: int, rounds: int, count: int = 100) -> list[Comparison]:
    producer = TrainProducerOperator(HOST, port)
    producer.connect()
    listener = Comparison("published to acknowledged, listener", "ms", [], [], "below 1.1 ms")
    stream = Comparison("published to acknowledged, stream", "ms", [], [], "below 1.1 ms")
    for _ in range(rounds):
        bare = BareConsumer(pika.ConnectionParameters(HOST, port))
        theirs = latencies(lambda: producer.process(**JOB), bare.moments, count)
        bare.close()
        listener.bare.append(theirs)
        stream.bare.append(theirs)
        listener.ours.append(listening(producer, port, count))
        stream.ours.append(streaming(producer, port, count))
    producer.disconnect()
    return [listener, stream]


def listening(producer: TrainProducerOperator, port: int, count: int) -> float:
    broker = TimedBroker(HOST, port)
    moments_of[broker] = []
    consumer = TrainConsumerOperator(HOST, broker=broker)
    consumer.connect()
    thread = threading.Thread(target=consumer.listen_message, args=(lambda **_job: None,))
    thread.start()
    found = latencies(lambda: producer.process(**JOB), moments_of[broker], count)
    consumer.stop()
    thread.join()
    consumer.disconnect()
    return found


def streaming(producer: TrainProducerOperator, port: int, count: int) -> float:
    broker = TimedBroker(HOST, port)
    moments_of[broker] = []
    stream = JobStream(broker)
    thread = threading.Thread(target=take_all, args=(stream,))
    thread.start()
    found = latencies(lambda: producer.process(**JOB), moments_of[broker], count)
    stream.close()
    thread.join()
    return found


if __name__ == "__main__":
    main()
