"""What a gigabyte of hostile input adds to a program's memory: ``python tests/benchmarks/hostile_memory.py [part of a case's name]``.

Bodies go to the real programs; everything else is read in a process of its own, as the programs read it: answers of workers and of
a tracking server, files of datasets, messages of the queue. The aim is at most 64 MiB more than what the same way in takes for
something harmless; the program ends with 1 when it is missed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil

AIM = 64.0
GIGABYTE = 2**30
LONGEST = 300.0


def forget_peak(pid: int | str = "self") -> None:
    """The kernel's note of a process's peak begins anew at what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int | str = "self") -> float:
    """MiB."""
    [line] = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


@contextmanager
def saying(say: Callable[[], Iterator[bytes]]) -> Iterator[int]:
    """The port of a server that says the same to everybody, whatever is asked."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65536)
            for piece in say():
                connection.sendall(piece)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with closing(listening):
        yield int(listening.getsockname()[1])


def in_a_child(name: str) -> float:
    """What a case adds to the peak of a process that has read something harmless before."""
    from benchmarks.hostile_cases import CASES

    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        harmless, hostile = Path(folder) / "harmless", Path(folder) / "hostile"
        for place, is_hostile in ((harmless, False), (hostile, True)):
            place.mkdir()
            case.lay(place, is_hostile)
        say = case.says
        with (
            saying(lambda: say(False) if say else iter(())) as first,
            saying(lambda: say(True) if say else iter(())) as second,
        ):
            child = [sys.executable, __file__, "--case", name, str(harmless), str(first), str(hostile), str(second)]
            done = subprocess.run(child, check=True, capture_output=True, text=True, timeout=LONGEST)
    return float(done.stdout.split()[-1])


def read_case(name: str, harmless: str, first: str, hostile: str, second: str) -> None:
    """What the child does."""
    from benchmarks.hostile_cases import CASES

    case = CASES[name]
    is_asked = case.says is not None
    for _ in range(2):
        case.read(Path(harmless), int(first) if is_asked else 0)
    forget_peak()
    before = peak()
    case.read(Path(hostile), int(second))
    print(peak() - before)


LARGEST = 8 * 2**20
"""Bytes of a body that is read."""


def whole(body: bytes) -> bytes:
    """A body, in full, of a request that is sent again and again."""
    return b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


BODIES: Mapping[str, tuple[bytes, bytes]] = {
    "body, length said": (b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % GIGABYTE, b"x" * 2**20),
    "body, chunked": (
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"100000\r\n" + b"x" * 2**20 + b"\r\n",
    ),
    "bodies of empty objects": (b"", whole(b'{"a": [' + b"{}," * (LARGEST // 3 - 10) + b"0]}")),
    "bodies of objects": (b"", whole(b'{"a": [' + b'{"a":1},' * 108_000 + b"0]}")),
    "bodies of texts": (b"", whole(b'{"a": [' + b'"ab",' * 780_000 + b"0]}")),
    "bodies of emoji": (b"", whole(b'{"a": "' + "😀".encode() * (LARGEST // 4 - 10) + b'"}')),
    "headers": (b"", b"X-Name: " + b"x" * 4000 + b"\r\n"),
    "one header": (b"X-Name: ", b"x" * 2**20),
}
DOORS = {
    "ttp": ("POST /ttp/connect/collaborations", 0),
    "director": ("POST /ttp/connect/collaborations", 0),
    "worker": ("POST /worker/poll/c/p", 0),
    "worker, weights": ("PUT /sessions/00000000000000000000000000000000/rounds/0", 1),
}


def flood(port: int, asked: str, begin: bytes, piece: bytes) -> None:
    """Send a gigabyte, or as much as is taken; a piece with a body of its own is a request of its own."""
    head = f"{asked} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
    if b"\r\n\r\n" in piece:
        for _ in range(GIGABYTE // LARGEST):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(head + piece)
                connection.recv(65536)
        return
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head + begin)
        for _ in range(GIGABYTE // len(piece)):
            connection.sendall(piece)


@contextmanager
def running(program: str, folder: Path) -> Iterator[tuple[int, list[int]]]:
    """A program's process and ports."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [int(each.getsockname()[1]) for each in (one, other)]
    package = "synergos_" + program.split(",")[0]
    places = {"synergos_worker": ("data", "outputs")}.get(package, ("data", "outputs", "mlflow"))
    flags = ["--port", str(ports[0]), "--id", "hostile"]
    for name in places:
        (folder / name).mkdir(exist_ok=True)
        flags += [f"--{name}", str(folder / name)]
    if package != "synergos_director":
        flags += ["--data_port", str(ports[1])]
    else:
        flags += ["--queue", "rabbitmq", "127.0.0.1", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", package, *flags], stdout=log, stderr=log)
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", ports[0]), timeout=1):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError((folder / "log").read_text()[-2000:])
        yield process.pid, ports
    finally:
        process.terminate()
        process.wait(60)


def of_a_program(door: str) -> Iterator[tuple[str, float]]:
    """What each body adds to the peaks of a program's processes."""
    asked, which = DOORS[door]
    with tempfile.TemporaryDirectory() as folder, running(door, Path(folder)) as (pid, ports):
        begin, piece = BODIES["body, length said"]
        with suppress(OSError), socket.create_connection(("127.0.0.1", ports[which]), timeout=10) as connection:
            connection.sendall(f"{asked} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            connection.recv(65536)
        processes = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        for name, (begin, piece) in BODIES.items():
            for each in processes:
                forget_peak(each)
            before = {each: peak(each) for each in processes}
            flood(ports[which], asked, begin, piece)
            time.sleep(0.5)
            yield name, sum(peak(each) - before[each] for each in processes)


def figures(part: str) -> Iterator[tuple[str, str, float]]:
    """Each side, what it sends, and MiB."""
    from benchmarks.hostile_cases import CASES

    for door in DOORS:
        if part in f"requests to {door}":
            yield from ((f"requests to {door}", name, more) for name, more in of_a_program(door))
    for name, case in CASES.items():
        if part in f"{case.side} {name}":
            yield case.side, name, in_a_child(name)


def main(part: str = "") -> int:
    """Print the table; 1 when something takes more than the aim."""
    print(f"{'from':28} {'a gigabyte of':28} {'more memory':>12}")
    missed = False
    for side, name, more in figures(part):
        missed |= more > AIM
        print(
            f"{side:28} {name:28} {more:8.1f} MiB{'  ← more than ' + format(AIM, '.0f') if more > AIM else ''}",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.path.insert(0, os.fspath(Path(__file__).parents[1]))
    if sys.argv[1:2] == ["--case"]:
        read_case(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
