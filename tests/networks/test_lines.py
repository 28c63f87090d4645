"""Rounds over lines as they are: what was cut goes on where it stopped, and what comes is what would have come."""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median

import pytest

from networks.buffering_proxy import buffering_proxy
from networks.link import Faults
from networks.proxy import proxy
from networks.site import HOSPITAL, IMPATIENT, ORCHESTRATOR, Site, are_same, weights_of
from synergos_ttp.events import ParticipantAwaited, ParticipantTransferred, ParticipantTransfers, RoundDone
from synergos_ttp.workers import flow
from synergos_ttp.workers.limits import Limits

THIN = Faults(delay=0.01, rate=8e6, queue=2**15)
BAD = Faults(delay=0.1, rate=2e6, loss=0.01)
SENT_AGAIN = 0.05
"""Of a transfer, at most, however it was cut: what TCP had under way behind a packet that was lost is lost with its connection."""


@pytest.mark.parametrize(("is_sealed", "memory"), [(True, 2**26), (False, 0)], ids=["sealed", "plain, into a file"])
def test_a_transfer_that_was_cut_goes_on_where_it_stopped_both_ways(line: Site, is_sealed: bool, memory: int) -> None:
    with line.session(is_sealed=is_sealed, width=700) as calm:
        expected = weights_of(calm.exchange())
    with line.session(is_sealed=is_sealed, width=700) as session:
        size = session.message.whole
        line.link.become(THIN)
        before = [line.link.passed(end) for end in (ORCHESTRATOR, HOSPITAL)]
        cuts = [line.link.cut_after(end, size * 3 // 4, 4.0) for end in (HOSPITAL, ORCHESTRATOR)]

        answer = session.exchange(memory)

        after = [line.link.passed(end) for end in (ORCHESTRATOR, HOSPITAL)]
        again = [now.new - was.new - size for now, was in zip(after, before, strict=True)]
        assert all(cut.is_set() for cut in cuts)
        assert are_same(weights_of(answer), expected)
        # A machine that does nothing for some seconds is one more cut, for who notices one so soon.
        breaks = len([event for event in session.events if isinstance(event, ParticipantAwaited)])
        assert breaks > 0
        assert all(count < SENT_AGAIN * size * max(1.0, breaks / 2) for count in again), (again, before, after)


def test_a_training_over_a_bad_line_comes_to_the_same(line: Site) -> None:
    with line.session(width=180) as calm:
        expected = calm.train().history
    with line.session(Limits(), width=180) as session:
        line.link.become(BAD)
        was_cut = line.link.cut_after(HOSPITAL, session.message.whole // 2, 2.5)

        history = session.train().history

    assert was_cut.is_set()
    assert history == expected


def test_a_line_that_forgets_idle_connections_loses_no_round(line: Site) -> None:
    with line.session(width=250) as calm:
        expected = calm.train().history
    with line.session(width=250) as session:
        line.link.become(replace(THIN, forgets=0.3))
        # Between the rounds nothing passes for longer than that.
        session.sessions.control.subscribe(lambda event: time.sleep(0.6) if isinstance(event, RoundDone) else None)

        history = session.train().history

    assert history == expected


def test_packets_that_are_too_large_for_a_line_are_sent_smaller(line: Site) -> None:
    line.link.become(replace(THIN, largest=1300))
    with line.session(width=250) as session:
        history = session.train().history

    assert history.train


def test_packets_that_overtake_each_other_change_nothing(line: Site) -> None:
    with line.session(width=250) as calm:
        expected = calm.train().history
    with line.session(width=250) as session:
        line.link.become(replace(THIN, reordered=0.1))

        assert session.train().history == expected


def test_a_proxy_that_drops_connections_in_the_middle_is_no_hindrance(line: Site) -> None:
    with proxy(line) as way:
        line.link.become(THIN)
        with way.site.session(width=400) as session:
            size = session.message.whole
            way.drop_after(size // 2)

            answer = session.exchange()

        assert way.dropped == 1
        assert answer.said.round == 0


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "plain"])
def test_a_proxy_that_buffers_whole_messages_changes_nothing(line: Site, is_sealed: bool) -> None:
    with line.session(width=250, is_sealed=is_sealed) as calm:
        expected = calm.train().history
    with buffering_proxy(line) as (way, behind):
        line.link.become(THIN)
        with behind.session(width=250, is_sealed=is_sealed) as session:
            size = session.message.whole
            history = session.train().history

    assert way.largest >= size
    assert history == expected


def test_a_proxy_that_buffers_for_longer_than_silence_is_borne_costs_no_round(line: Site) -> None:
    with line.session(width=250) as calm:
        expected = weights_of(calm.exchange())
    with buffering_proxy(line) as (_, behind), behind.session(width=250) as session:
        # A message takes longer to the worker, and its answer back, than this TTP waits for a word.
        seconds = 1.5 * (IMPATIENT.stall + IMPATIENT.long_poll)
        line.link.become(Faults(delay=0.02, rate=8 * session.message.whole / seconds))

        answer = session.exchange()

    assert are_same(weights_of(answer), expected)


def test_who_is_slow_and_how_far_is_told(line: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Half as long as always, on a line that is twice as quick as one of those that are slow.
    monkeypatch.setattr(flow, "_SLOW_SECONDS", 1.5)
    monkeypatch.setattr(flow, "_AGAIN_SECONDS", 5.0)
    with line.session(width=400) as session:
        line.link.become(Faults(delay=0.02, rate=1e6))

        session.exchange()

    told = [event for event in session.events if isinstance(event, ParticipantTransfers)]
    assert {event.direction for event in told} == {"sending", "receiving"}
    for direction in ("sending", "receiving"):
        done = [event.done for event in told if event.direction == direction]
        assert done == sorted(done)
    assert all(event.participant == "worker_1" and event.of >= session.message.whole - 5000 for event in told)
    # 1,000,000 bits a second are 125,000 bytes; of one moment it says too little or too much when nothing was carried for a while.
    assert 80_000 < median(event.rate for event in told) < 140_000
    assert isinstance(session.events[-1], ParticipantTransferred)


def test_a_cut_is_waited_for_longer_than_a_worker_that_is_lost(line: Site) -> None:
    with line.session(replace(IMPATIENT, rejoin=5.0), width=700) as session:
        size = session.message.whole
        line.link.become(THIN)
        before = line.link.passed(HOSPITAL).new
        # A worker that is lost would not be waited for half as long.
        was_cut = line.link.cut_after(HOSPITAL, size * 3 // 4, 12.0)

        session.exchange()

        assert was_cut.is_set()
        assert line.link.passed(HOSPITAL).new - before < (1 + SENT_AGAIN) * size
