"""A broker whose director and TTPs have users of their own: each does its part, and RabbitMQ refuses everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from servers import rabbitmq as rabbitmq_server
from servers.brokers import PATIENCE, take
from servers.rabbitmq import RabbitMQ
from support.waiting import until
from synergos_director.cluster_queue import CompletedListener
from synergos_director.outcome_consumer import NotOurs, OutcomeConsumer
from synergos_ttp.running.cluster_queue import TtpQueue
from synmanager.broker import Link
from synmanager.config import COMPLETED, PARKED, RANKED, TOPOLOGY, TRAIN, Queue, cluster_queue
from synmanager.delivery import REASON_HEADER
from synmanager.errors import AccessRefused, BrokerRefused
from synmanager.publisher import Publisher
from synmanager.rabbitmq import Broker, translated
from synmanager.roles import DIRECTOR, ROLES, TTP, Role
from synmanager.stream import JobStream


@pytest.fixture(scope="module")
def server() -> Iterator[RabbitMQ]:
    if not rabbitmq_server.is_installed():
        pytest.skip("RabbitMQ IS NOT TESTED: it is not installed (on Debian: apt-get install rabbitmq-server)")
    with rabbitmq_server.running(has_roles=True) as server:
        yield server


@pytest.fixture
def broker(server: RabbitMQ) -> RabbitMQ:
    """It, with nothing in it."""
    link = server.broker.link()
    for queue in TOPOLOGY:
        link.purge(queue.name)
    link.close()
    return server


Act = Callable[[Link], Any]

FORBIDDEN: dict[str, tuple[Role, Act]] = {
    **{
        f"a TTP publishes a job to {queue.name}": (TTP, lambda link, way=queue.way: link.publish(*way, "{}"))  # type: ignore[misc]
        for queue in RANKED
    },
    **{
        f"a TTP puts a job into {queue.name}": (TTP, lambda link, name=queue.name: link.publish("", name, "{}"))  # type: ignore[misc]
        for queue in RANKED
    },
    "a TTP takes an outcome": (TTP, lambda link: link.get(COMPLETED.name)),
    "a TTP empties the outcomes": (TTP, lambda link: link.purge(COMPLETED.name)),
    "a TTP takes what was parked": (TTP, lambda link: link.get(PARKED.name)),
    "a TTP declares a queue": (TTP, lambda link: link.channel.queue_declare("mine")),
    "a TTP declares a queue without a name": (TTP, lambda link: link.channel.queue_declare("")),
    "a TTP removes a queue": (TTP, lambda link: link.channel.queue_delete(TRAIN.name)),
    "a TTP binds a queue to what the director publishes": (
        TTP,
        lambda link: link.channel.queue_bind(TRAIN.name, TRAIN.exchange, "#"),
    ),
    "a TTP binds the outcomes to the jobs": (
        TTP,
        lambda link: link.channel.exchange_bind(COMPLETED.exchange, TRAIN.exchange, "#"),
    ),
    "a director publishes an outcome": (DIRECTOR, lambda link: link.publish(*COMPLETED.way, "{}")),
    "a director puts an outcome into the queue": (DIRECTOR, lambda link: link.publish("", COMPLETED.name, "{}")),
    "a director takes a job": (DIRECTOR, lambda link: link.get(TRAIN.name)),
    "a director declares a queue": (DIRECTOR, lambda link: link.channel.queue_declare("mine")),
    "a director removes an exchange": (DIRECTOR, lambda link: link.channel.exchange_delete(COMPLETED.exchange)),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_broker_refuses_what_is_another_roles(broker: RabbitMQ, what: str) -> None:
    role, act = FORBIDDEN[what]
    link = broker.broker_as(role).link()
    try:
        with pytest.raises(BrokerRefused, match="ACCESS_REFUSED"), translated():
            act(link)
    finally:
        link.close()

    administrator = broker.broker.link()
    assert {queue.name: administrator.count(queue.name) for queue in TOPOLOGY} == dict.fromkeys(
        (queue.name for queue in TOPOLOGY), 0
    )
    administrator.close()


def test_jobs_go_one_way_and_outcomes_the_other(broker: RabbitMQ) -> None:
    director, ttp = (Publisher(broker.broker_as(role)) for role in (DIRECTOR, TTP))
    jobs = JobStream(broker.broker_as(TTP), [each for queue in RANKED for each in (queue, cluster_queue(queue, "c1"))])
    outcomes = JobStream(broker.broker_as(DIRECTOR), [cluster_queue(COMPLETED, "c1"), COMPLETED])
    try:
        director.publish(TRAIN, [{"job": number} for number in range(20)])
        job = take(jobs)
        ttp.publish(COMPLETED, [{"outcome": 1}])
        outcome = take(outcomes)
        job.quarantine("by the TTP")
        outcome.quarantine("by the director")
        for publisher in (director, ttp):
            publisher.dead_letter({"job": 0}, "it cannot be done")

        assert (job.message, outcome.message) == ({"job": 0}, {"outcome": 1})
        until(lambda: director.count(PARKED) == 2, "both to be parked", PATIENCE)
        assert [director.count(name) for name in ("train", "dead", "completed")] == [19, 2, 0]
        assert director.count(cluster_queue(TRAIN, "c1")) == 0
        assert not ttp.declare(cluster_queue(TRAIN, "another"))
    finally:
        for each in (jobs, outcomes, director, ttp):
            each.close()


class ElsewheresOutcomes:
    """All are another cluster's."""

    def settle(self, body: bytes, headers: object, *, is_redelivered: bool) -> None:
        raise NotOurs("another")


def test_what_is_another_clusters_is_handed_on_by_nobody_and_parked(broker: RabbitMQ) -> None:
    listener = CompletedListener(broker.broker_as(DIRECTOR), "c1", cast("OutcomeConsumer", ElsewheresOutcomes()))
    queue = TtpQueue(broker.broker_as(TTP), "c1")
    link = broker.broker.link()
    listener.start()
    try:
        with capture_logs() as lines:
            queue.complete({"cluster": "another"})
            until(lambda: link.count(PARKED.name) == 1, "it to be parked", PATIENCE)
        parked = link.get(PARKED.name)
        assert queue.queue_of("train", "another") is None
    finally:
        for each in (listener, queue, link):
            each.close()

    assert parked is not None
    assert parked.headers[REASON_HEADER] in [line["reason"] for line in lines if line["log_level"] == "warning"]
    assert "expected a virtual host for each cluster" in str(parked.headers[REASON_HEADER])


def test_nobody_is_guest_and_nobody_has_anothers_password(server: RabbitMQ) -> None:
    credentials = [server.credentials(role) for role in ROLES]

    with pytest.raises(AccessRefused):
        Broker("127.0.0.1", server.port).link()
    passwords = [file.read_text() for _, file in credentials]
    assert len(set(passwords)) == len(ROLES)
    with pytest.raises(AccessRefused):
        Broker("127.0.0.1", server.port, credentials[1][0], passwords[2]).link()
    folders = {file.parent for _, file in credentials}
    assert len(folders) == len(ROLES)
    assert {path.stat().st_mode & 0o777 for folder in folders for path in folder.iterdir()} == {0o600}
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


def test_a_queue_that_was_removed_is_missed_by_name(broker: RabbitMQ) -> None:
    gone = Queue("dead")
    administrator = broker.broker.link()
    administrator.channel.queue_delete(gone.name)
    try:
        with pytest.raises(BrokerRefused, match=r"no queue 'dead'.*; ttp may not declare it: import the definitions"):
            broker.broker_as(TTP).link()
    finally:
        for queue in TOPOLOGY:
            administrator.declare(queue)
        administrator.close()
