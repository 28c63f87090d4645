"""A real RabbitMQ, emptied before each test, and its twin in this process: what is promised is asked of both."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from servers import rabbitmq as rabbitmq_server
from servers.brokers import Running, Streams, Twin
from servers.rabbitmq import RabbitMQ
from synmanager.broker import Link
from synmanager.config import TOPOLOGY
from synmanager.publisher import Publisher
from synmanager.stream import JobStream


@pytest.fixture(scope="session")
def server() -> Iterator[RabbitMQ]:
    if not rabbitmq_server.is_installed():
        pytest.skip("RabbitMQ IS NOT TESTED: it is not installed (on Debian: apt-get install rabbitmq-server)")
    with rabbitmq_server.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _quiet_pika() -> None:
    logging.getLogger("pika").setLevel(logging.CRITICAL)


@pytest.fixture
def rabbitmq(server: RabbitMQ) -> RabbitMQ:
    link = server.broker.link()
    for queue in TOPOLOGY:
        link.purge(queue.name)
    link.close()
    return server


@pytest.fixture(params=["memory", "rabbitmq"])
def running(request: pytest.FixtureRequest) -> Running:
    if request.param == "memory":
        return Twin()
    server: RabbitMQ = request.getfixturevalue("rabbitmq")
    return server


@pytest.fixture
def link(running: Running) -> Iterator[Link]:
    link = running.broker.link()
    yield link
    link.close()


@pytest.fixture
def publisher(running: Running) -> Iterator[Publisher]:
    publisher = Publisher(running.broker, patience=20)
    yield publisher
    publisher.close()


@pytest.fixture
def streams(running: Running) -> Iterator[Streams]:
    """Makes streams, and closes them."""
    made: list[JobStream] = []

    def make(*arguments: Any) -> JobStream:
        made.append(JobStream(running.broker, *arguments))
        return made[-1]

    yield make
    for stream in made:
        stream.close()
