"""What it costs that workers dial out: the same rounds with workers that do and with workers that listen, by turns.

    python tests/benchmarks/outbound_rounds.py [--case mlp|cnn|large] [--rounds 11] [--turns 5] [--sealed on|off]

Four workers, real processes with one torch thread each: two that listen, and two that have joined the rendezvous of this process,
which is the TTP. Medians over all rounds of all turns but the first of each. Each turn begins with the other kind, so that neither
has the warmer machine. Processor time is that of this process and of the workers of that kind.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.round_cases import CASES, Case, write_rows
from benchmarks.round_overhead import LIMITS, WORKERS, loop, milliseconds
from grids.processes import Processes
from support.any_model import allow_any_model
from support.waiting import until
from synergos.identity.identity import Renewable
from synergos.program.connection import CONNECTION, Connection
from synergos.program.destinations import ANY_NODE
from synergos_simulator.grid import HOST, Grid, Plan, is_healthy
from synergos_ttp.rendezvous.app import RendezvousApp
from synergos_ttp.rendezvous.rendezvous import Rendezvous
from synergos_ttp.workers.sealing import Introductions


def compared(case: Case, rounds: int, turns: int, folder: Path, *, is_sealed: bool) -> dict[bool, tuple[float, float]]:
    """Wall and processor seconds of a round, by whether the workers dial out."""
    write_rows(case, folder / "data")
    allow_any_model(folder)
    keys = Renewable(folder / "identity.json")
    limits = replace(LIMITS, introductions=Introductions(keys, "benchmark") if is_sealed else None)
    walls: dict[bool, list[float]] = {True: [], False: []}
    processors: dict[bool, list[float]] = {True: [], False: []}
    with (
        _workers(folder / "in", folder / "data", ()) as (inbound, _),
        _workers(folder / "out", folder / "data", WORKERS) as (outbound, port),
        _rendezvous(keys, port) as rendezvous,
    ):
        joined = replace(limits, where=replace(ANY_NODE, joined=rendezvous))
        for program in (*inbound.workers, *outbound.workers):
            until(lambda program=program: is_healthy(program), f"{program.name} to be there")  # type: ignore[misc]
        for turn in range(2 * turns):
            dials = turn % 4 in (0, 3)
            grid, of_kind = (outbound, joined) if dials else (inbound, limits)
            before = _processor()
            measured, _ = loop(grid, case, rounds + 1, folder / str(turn), limits=of_kind)
            processors[dials].append((_processor() - before) / (rounds + 1))
            walls[dials] += [wall - work for wall, work in zip(measured.walls[1:], measured.works[1:], strict=False)]
    return {each: (median(walls[each]), median(processors[each])) for each in walls}


@contextmanager
def _workers(folder: Path, data: Path, outbound: Sequence[str]) -> Iterator[tuple[Grid, int]]:
    """Running workers of a grid that has no TTP, and the port at which that would have its rendezvous; 0 where it has none."""
    grid = Grid.planned(Plan(folder, data, WORKERS, outbound=outbound))
    told = list(grid.ttp.command)
    port = int(told[told.index("--rendezvous_port") + 1]) if outbound else 0
    processes = Processes()
    try:
        for program in grid.workers:
            processes.start(program)
        yield grid, port
    finally:
        processes.end_all()


@contextmanager
def _rendezvous(keys: Renewable, port: int) -> Iterator[Rendezvous]:
    """A rendezvous in this process, whose few arrivals are answered by a thread each."""
    rendezvous = Rendezvous(lambda _fingerprint: True)
    app = RendezvousApp(rendezvous, keys, "benchmark", lambda: None, time.monotonic)
    rendezvous.start()
    with socket.create_server((HOST, port)) as listener:

        def accept() -> None:
            while True:
                try:
                    line, client = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_meet, args=(app, line, client), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield rendezvous
        rendezvous.close()


def _meet(app: RendezvousApp, line: socket.socket, client: Any) -> None:
    connection = Connection(line, client, line.getsockname())
    while connection.taker is None:
        file = line.makefile("rb", 0)
        method, target, _ = file.readline().decode().split()
        fields = http.client.parse_headers(file)
        length = int(fields.get("Content-Length", 0))
        body = b""
        while len(body) < length:
            body += line.recv(length - len(body))
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": urlsplit(target).path,
            "QUERY_STRING": urlsplit(target).query,
            "REMOTE_ADDR": client[0],
            "CONTENT_LENGTH": str(length),
            "HTTP_UPGRADE": fields.get("Upgrade", ""),
            "wsgi.input": io.BytesIO(body),
            CONNECTION: connection,
        }
        heads: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], heads: list[str] = heads) -> None:
            heads.append(
                "".join([f"HTTP/1.1 {status}\r\n", *(f"{name}: {value}\r\n" for name, value in headers), "\r\n"])
            )

        answer = b"".join(app(environ, start))  # type: ignore[arg-type]
        line.sendall("".join(heads).encode() + answer)
    line.setblocking(False)
    connection.taker(line)


def _processor() -> float:
    """Processor seconds of this process and of all that it has started."""
    whole = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=sorted(CASES), action="append", help="may be given several times")
    parser.add_argument("--rounds", type=int, default=11, help="in each turn; the first is not counted")
    parser.add_argument("--turns", type=int, default=5, help="of either kind")
    parser.add_argument("--sealed", choices=["on", "off"], default="on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    columns = ("case", "listen", "dial out", "dial out / listen", "more", "processor, listen", "processor, dial out")
    table = Table(*columns, title=f"overhead of a round, two workers, sealed {given.sealed}")
    before = os.getloadavg()[0]
    for name in given.case or ("mlp", "large"):
        with tempfile.TemporaryDirectory() as folder:
            found = compared(CASES[name], given.rounds, given.turns, Path(folder), is_sealed=given.sealed == "on")
        (dialled, dialled_work), (listened, listened_work) = found[True], found[False]
        table.add_row(
            CASES[name].name,
            milliseconds(listened),
            milliseconds(dialled),
            f"{dialled / listened:.2f}",
            milliseconds(dialled - listened),
            milliseconds(listened_work),
            milliseconds(dialled_work),
        )
    table.caption = f"{len(os.sched_getaffinity(0))} cores; load before {before:.1f}, after {os.getloadavg()[0]:.1f}"
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
