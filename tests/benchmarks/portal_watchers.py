"""What it costs a training that a hundred tabs look at it: rounds, and processor time of each program, by turns within one run.

Browsers are on other machines, and the client that asks as they do is on this one. So there is a turn in which the same client asks
a stand-in that answers the same bytes and does nothing else: what portal and orchestrator add is the difference to that one. In turns
in which nobody asks the portal it is stopped, as it goes on to hear of changes for a minute after somebody has looked.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import psutil

from benchmarks.portal_stand_in import StandIn
from benchmarks.portal_tabs import Tabs, answer_to_a_tab
from benchmarks.portal_training import Training, training

Report = Callable[..., None]
TABS = 100
CYCLES = 6
"""How often each kind of turn comes, every other time in the opposite order."""
WATCHED_SECONDS = 15.0
_SETTLING_SECONDS = 3.0
"""Before a turn is measured: a portal that was stopped hears anew, and tabs get their first answers."""
_ALONE, _STAND_IN, _WATCHED = "alone", "stand-in", "watched"
_KINDS = (_ALONE, _STAND_IN, _WATCHED)


@dataclass(frozen=True)
class Turn:
    """What was seen in one.

    Attributes:
        rate: rounds a second.
        shares: of a core, by program.
        answers: that the tabs got a second, by status.
        connections: from the portal to its orchestrator.
    """

    rate: float
    shares: Mapping[str, float]
    answers: Mapping[int, float]
    connections: int


class Turns:
    """What is measured of a training and the portal that shows it."""

    def __init__(self, shown: Training, stand_in: StandIn) -> None:
        self._training = shown
        self._stand_in = stand_in
        grid = shown.grid
        workers = [grid.process(program.name) for program in grid.grid.workers]
        portal = [each for each in psutil.Process().children() if str(shown.portal.port) in each.cmdline()]
        outermost = {"portal": portal, "ttp": [grid.process("ttp")], "workers": workers, "stand-in": [stand_in.process]}
        self._programs = {
            who: [each for one in found for each in [one, *one.children(recursive=True)]]
            for who, found in outermost.items()
        }

    def turn(self, kind: str) -> Turn:
        """Measure one."""
        address = self._stand_in.address if kind == _STAND_IN else address_of(self._training)
        portal = self._programs["portal"]
        with (
            nullcontext() if kind == _WATCHED else _stopped(portal),
            Tabs(address, 0 if kind == _ALONE else TABS) as tabs,
        ):
            time.sleep(_SETTLING_SECONDS)
            begun, before, answers = time.monotonic(), self._seconds(tabs), dict(tabs.answers)
            (first, first_known) = self._training.round()
            time.sleep(WATCHED_SECONDS)
            took, after, more = time.monotonic() - begun, self._seconds(tabs), dict(tabs.answers)
            (last, last_known) = self._training.round()
            connections = _connections(portal, self._programs["ttp"]) if kind == _WATCHED else 0
        return Turn(
            (last - first) / (last_known - first_known).total_seconds(),
            {who: (after[who] - before[who]) / took for who in before},
            {status: (count - answers.get(status, 0)) / took for status, count in more.items()},
            connections,
        )

    def _seconds(self, tabs: Tabs) -> dict[str, float]:
        """Of processor time that each has taken so far, of its threads that have ended as well."""
        programs = {who: sum(sum(each.cpu_times()[:2]) for each in found) for who, found in self._programs.items()}
        return {**programs, "tabs": tabs.seconds}


def address_of(shown: Training) -> str:
    """Of the live part that tabs ask for."""
    return f"{shown.portal.view}/jobs/{shown.job_id}/live"


def measure_watchers(report: Report) -> None:
    """Rounds a second and processor time, with nobody, with tabs that look at a stand-in, and with tabs that look at the portal."""
    turns: dict[str, list[Turn]] = {kind: [] for kind in _KINDS}
    with training() as shown, StandIn(answer_to_a_tab(address_of(shown))) as stand_in:
        measured = Turns(shown, stand_in)
        for cycle in range(CYCLES):
            for kind in _KINDS if cycle % 2 == 0 else _KINDS[::-1]:
                turns[kind].append(measured.turn(kind))
    for kind, found in turns.items():
        report(
            "turns",
            kind=kind,
            rounds_a_second=[round(turn.rate, 2) for turn in found],
            percent_of_a_core={who: _percent(found, who) for who in found[0].shares},
            answers_a_second={status: round(count) for status, count in found[-1].answers.items()},
        )
    alone, stood_in, watched = (turns[kind] for kind in _KINDS)
    report(
        "watchers",
        tabs=TABS,
        portal_percent_of_a_core=_percent(watched, "portal"),
        connections_to_the_orchestrator=max(turn.connections for turn in watched),
        longer_percent={
            "median, least, most of the pairs": _longer(stood_in, watched),
            "by the client alone": _longer(alone, stood_in),
        },
        at_most={"portal_percent_of_a_core": 15, "longer_percent": 3},
    )


def _longer(before: Sequence[Turn], after: Sequence[Turn]) -> list[float]:
    """By how many percent rounds take longer: the median of the pairs, the least, and the most."""
    pairs = [100 * (one.rate / other.rate - 1) for one, other in zip(before, after, strict=True)]
    return [round(each, 1) for each in (statistics.median(pairs), min(pairs), max(pairs))]


def _percent(turns: Sequence[Turn], who: str) -> float:
    return round(100 * statistics.mean(turn.shares[who] for turn in turns), 1)


def _connections(portal: Sequence[psutil.Process], ttp: Sequence[psutil.Process]) -> int:
    """That the portal holds to the orchestrator's port, be they waiting or idle."""
    of_ttp, of_portal = ([one for each in found for one in each.net_connections("tcp")] for found in (ttp, portal))
    ports = {each.laddr.port for each in of_ttp if each.status == psutil.CONN_LISTEN}
    return sum(
        each.status == psutil.CONN_ESTABLISHED and bool(each.raddr) and each.raddr.port in ports for each in of_portal
    )


@contextmanager
def _stopped(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Programs that do nothing within the block."""
    for each in processes:
        each.suspend()
    try:
        yield
    finally:
        for each in processes:
            each.resume()
