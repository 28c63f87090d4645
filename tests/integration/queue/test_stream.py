"""The stream a TTP takes its jobs from."""

from __future__ import annotations

import threading

import pytest

from servers.brokers import PATIENCE, Streams, take
from support.waiting import until
from synmanager.broker import Link
from synmanager.config import EVALUATE, PREPROCESS, TRAIN, Queue
from synmanager.errors import CredentialsNeeded
from synmanager.memory import MemoryLink
from synmanager.publisher import Publisher
from synmanager.rabbitmq import Broker
from synmanager.stream import Delivery, JobStream


def test_the_most_urgent_comes_first_and_the_oldest_of_a_kind(publisher: Publisher, streams: Streams) -> None:
    publisher.publish(EVALUATE, [{"name": "evaluate"}])
    publisher.publish(TRAIN, [{"name": "train 1"}, {"name": "train 2"}])
    publisher.publish(PREPROCESS, [{"name": "preprocess"}])
    stream, seen = streams(), []

    for _ in range(4):
        delivery = take(stream)
        seen.append((delivery.queue, delivery.message["name"]))
        delivery.acknowledge()

    assert [name for _, name in seen] == ["preprocess", "train 1", "train 2", "evaluate"]
    assert [queue for queue, _ in seen] == ["preprocess", "train", "train", "evaluate"]
    assert stream.take(0.05) is None


def test_one_who_waits_is_handed_what_comes(publisher: Publisher, streams: Streams) -> None:
    stream = streams()
    taken: list[Delivery | None] = []
    waiting = threading.Thread(target=lambda: taken.append(stream.take(60)))
    waiting.start()

    publisher.publish(EVALUATE, [{"number": 1}])
    waiting.join(60)

    assert [delivery and delivery.message for delivery in taken] == [{"number": 1}]


def test_who_has_a_job_in_hand_holds_no_other(publisher: Publisher, streams: Streams) -> None:
    busy, idle = streams(), streams()
    publisher.publish(TRAIN, [{"number": 1}])
    in_hand = take(busy)
    publisher.publish(TRAIN, [{"number": 2}])
    publisher.publish(EVALUATE, [{"number": 3}])

    others = [take(idle).message["number"] for _ in range(2)]

    assert (in_hand.message["number"], others) == (1, [2, 3])


def test_what_comes_in_the_same_moment_is_given_back(link: Link, streams: Streams) -> None:
    for name in ("train", "evaluate"):
        link.declare(Queue(name, "everywhere", "fanout"))
    busy = streams()
    waiting = threading.Thread(target=lambda: taken.append(take(busy)))
    taken: list[Delivery] = []
    assert busy.take(0.05) is None  # connected
    waiting.start()
    link.publish("everywhere", "", "{}")
    waiting.join(60)

    other = take(streams())

    assert {taken[0].queue, other.queue} == {"train", "evaluate"}


def test_what_comes_when_one_gives_up_waiting_is_given_back(
    link: Link, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = type(link).cancel
    begun, published = threading.Event(), threading.Event()

    def cancel_late(self: Link, consumer: str) -> None:
        begun.set()
        if not published.is_set():
            link.publish("", "evaluate", "{}")
            # A link in memory asks for messages when it waits, a real one is sent them.
            until(lambda: link.count("evaluate") == 0 or isinstance(link, MemoryLink), "the message to be delivered")
            published.set()
        cancel(self, consumer)

    monkeypatch.setattr(type(link), "cancel", cancel_late)
    impatient = streams()

    def gave_up() -> bool:
        if (delivery := impatient.take(0.05)) is not None:
            # The one before has given up so late that this one was handed what came.
            delivery.give_back()
        # On a busy machine it may have given up before it even listens; then nothing is cancelled.
        return begun.wait(5)

    until(gave_up, "one to give up waiting")
    assert published.wait(PATIENCE)

    assert take(streams()).queue == "evaluate"


def test_one_who_gave_up_waiting_takes_nothing_from_others(publisher: Publisher, streams: Streams) -> None:
    away, here = streams(), streams()
    assert away.take(0.05) is None

    publisher.publish(TRAIN, [{"number": 1}])

    assert take(here).message == {"number": 1}


def test_what_is_given_back_is_anybodys(publisher: Publisher, streams: Streams) -> None:
    first, second = streams(), streams()
    publisher.publish(TRAIN, [{"number": 1}])
    take(first).give_back()

    delivery = take(second)

    assert (delivery.message, delivery.redelivered) == ({"number": 1}, True)


def test_what_a_closed_stream_had_in_hand_is_anybodys(publisher: Publisher, streams: Streams) -> None:
    first, second = streams(), streams()
    publisher.publish(TRAIN, [{"number": 1}])
    take(first)
    first.close()

    assert take(second).message == {"number": 1}
    assert first.take(60) is None


def test_closing_ends_waiting(streams: Streams) -> None:
    stream = streams()
    taken: list[Delivery | None] = []
    waiting = threading.Thread(target=lambda: taken.append(stream.take(60)))
    waiting.start()

    stream.close()
    waiting.join(60)

    assert taken == [None]


def test_a_stopped_stream_still_settles_what_is_in_hand(publisher: Publisher, streams: Streams) -> None:
    stream = streams()
    publisher.publish(TRAIN, [{"number": 1}, {"number": 2}])
    in_hand = take(stream)

    stream.stop()
    assert stream.take(60) is None
    in_hand.acknowledge()
    stream.close()

    assert publisher.count("train") == 1


def test_what_is_no_job_is_parked_and_stops_nothing(link: Link, publisher: Publisher, streams: Streams) -> None:
    for body in (b"no JSON", b"[1, 2]", b"\xff", b"[" * 100_000):
        link.publish("", "preprocess", body)
    publisher.publish(TRAIN, [{"number": 1}])

    delivery = take(streams())

    assert delivery.message == {"number": 1}
    until(lambda: publisher.count("parked") == 4, "the messages to be parked")
    parked = [link.get("parked") for _ in range(4)]
    reasons = [each.headers["x-synergos-reason"] for each in parked if each]
    assert reasons == [
        "not JSON in UTF-8",
        "expected a JSON object, not list",
        "not JSON in UTF-8",
        "not JSON in UTF-8",
    ]
    assert {each.headers["x-synergos-queue"] for each in parked if each} == {"preprocess"}


def test_messages_can_be_buried_parked_and_forwarded(publisher: Publisher, streams: Streams) -> None:
    publisher.declare(Queue("train.other"))
    publisher.publish(TRAIN, [{"number": number} for number in range(3)])
    stream = streams()
    take(stream).dead_letter("failed for good")
    take(stream).quarantine("not a job")
    take(stream).forward("train.other")

    until(
        lambda: [publisher.count(each) for each in ("dead", "parked", "train.other", "train")] == [1, 1, 1, 0], "moves"
    )
    assert stream.take(0.05) is None
    other = streams([Queue("train.other")])
    delivery = take(other)
    assert delivery.message == {"number": 2}
    delivery.acknowledge()


def test_what_cannot_be_moved_is_given_back(publisher: Publisher, streams: Streams) -> None:
    publisher.publish(TRAIN, [{"number": 1}])
    stream = streams()

    take(stream).forward("nowhere")

    again = take(stream)
    assert (again.message, again.redelivered) == ({"number": 1}, True)


def test_a_message_is_settled_once(publisher: Publisher, streams: Streams, caplog: pytest.LogCaptureFixture) -> None:
    publisher.publish(TRAIN, [{"number": 1}, {"number": 2}])
    stream = streams()
    delivery = take(stream)
    delivery.acknowledge()
    delivery.give_back()
    delivery.dead_letter("too late")

    following = take(stream)

    assert (following.message, following.redelivered) == ({"number": 2}, False)
    following.acknowledge()
    assert stream.take(0.05) is None
    assert publisher.count("dead") == 0
    assert not caplog.records  # a broker closes the channel of those who settle twice


def test_what_is_tried_again_lets_others_pass_and_counts(publisher: Publisher, streams: Streams) -> None:
    publisher.publish(TRAIN, [{"name": "fails"}, {"name": "other"}])
    stream = streams()
    failed = take(stream)
    failed.retry(after=0.3)

    other, again = take(stream), take(stream)

    assert (other.message["name"], other.attempts) == ("other", 0)
    assert (again.message["name"], again.attempts, again.redelivered) == ("fails", 1, False)


def test_a_queue_of_ones_own(publisher: Publisher, streams: Streams) -> None:
    publisher.publish(PREPROCESS, [{"number": 1}])
    publisher.declare(Queue("completed.cluster"))
    stream = streams([Queue("completed.cluster"), PREPROCESS])
    publisher.publish_to("completed.cluster", {"number": 2})

    first, second = take(stream), take(stream)

    assert [first.message["number"], second.message["number"]] == [2, 1]
    for delivery in (first, second):
        delivery.acknowledge()


def test_a_stream_needs_credentials_of_another_machine() -> None:
    with pytest.raises(CredentialsNeeded, match="username and password"):
        JobStream(Broker("192.0.2.1"))
    with pytest.raises(CredentialsNeeded, match="a password for somebody"):
        JobStream(Broker("192.0.2.1", username="somebody"))
