"""What a log server that takes nothing costs a round of 16 KB: wall and processor time without one, with one, and with one that never reads.

    python tests/benchmarks/stalled_receiver.py [rounds] [repeats]

Three grids of two participants with one torch thread each train by turns, by the whole path, with --debug, so that each round is
logged, and with system metrics each second. Medians over the repeats; each turn is compared with the one without a server beside it.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.product_rounds import Product, processor_seconds, product, walls
from benchmarks.round_cases import CASES
from synergos_simulator.grid import LOG_TO_FILES

_WARM_UP = 25
_AS_MUCH = ("--debug", "--logging_resolution", "1")
BASIC, READS, STALLS = "none", "reads", "never reads"


@contextmanager
def reading() -> Iterator[str]:
    """The address of somebody who takes all that comes."""

    def take(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=_drain, args=[listening.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=take, args=[server], daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent() -> Iterator[str]:
    """The address of somebody who takes connections, and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def _drain(connection: socket.socket) -> None:
    while connection.recv(2**16):
        pass


def started(stack: ExitStack, folder: Path, address: str) -> Product:
    """A grid whose programs send there what they log; on standard error alone, if nowhere."""
    folder.mkdir()
    host, _, port = address.partition(":")
    logging = ["--logging_variant", "graylog", host, port, port] if address else LOG_TO_FILES
    found = stack.enter_context(product(folder, CASES["mlp"], 2, [*logging, *_AS_MUCH]))
    found.train(_WARM_UP)
    return found


def main() -> None:
    """Measure and show it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    measured: dict[str, list[tuple[float, float, float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = {BASIC: "", READS: stack.enter_context(reading()), STALLS: stack.enter_context(silent())}
        grids = {name: started(stack, folder / name.replace(" ", "_"), place) for name, place in places.items()}
        for repeat in range(repeats):
            for name, grid in grids.items():
                before = processor_seconds(grid)
                moments = grid.train(rounds + repeat)
                after = processor_seconds(grid)
                ttp, worker = ((after[who] - before[who]) / len(moments) for who in range(2))
                measured.setdefault(name, []).append((ttp, worker, median(walls(moments))))
    columns = ("log server", "TTP, ms of processor", "worker, ms of processor", "wall, ms", "wall / without")
    table = Table(*columns, title=f"{rounds} rounds, {repeats} times")
    for name, turns in measured.items():
        ratio = median(turn[2] / without[2] for turn, without in zip(turns, measured[BASIC], strict=True))
        table.add_row(
            name, *(f"{1000 * median(turn[which] for turn in turns):.2f}" for which in range(3)), f"{ratio:.3f}"
        )
    Console().print(table)
    Console().print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
