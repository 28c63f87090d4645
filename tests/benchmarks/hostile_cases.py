"""What hostile_memory.py has a child process read: a case is a way in, with something harmless first and a gigabyte then.

The harmless one is for what a way in costs once in a process; what the other adds to the peak is the figure.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from synergos.domain.feature_space import Action
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.messages import JobMessage, OutcomeMessage, OutcomeSender
from synergos.domain.tags import Purpose
from synergos.errors import SynergosError
from synergos.learning.algorithms import Step
from synergos.wire import Layout, encode
from synergos_ttp.tracking.mlflow_store import MlflowStore
from synergos_ttp.tracking.notes import NotWritten, Point, Target, TrainingNotes
from synergos_ttp.workers.answer_memory import AnswerMemory, Destination
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.limits import Limits
from synergos_worker.data_root import DataRoot
from synergos_worker.tables import Tables
from synmanager.errors import NotAMessage
from synmanager.message import LARGEST, from_text

GIGABYTE = 2**30
WEIGHTS = {"w": torch.zeros((4, 4))}
LIMITS = Limits(connect=60.0, preparation=60.0, round=60.0, long_poll=10.0)


@dataclass(frozen=True)
class Case:
    """One way in.

    Attributes:
        side: who says what is read.
        lay: writes files for it, harmless or not; given the folder.
        read: reads what was laid, or asks a server at a port; what is refused ends like what is taken.
        says: what that server answers, harmless or not; None where nobody is asked.
    """

    side: str
    read: Callable[[Path, int], None]
    lay: Callable[[Path, bool], None] = lambda _folder, _is_hostile: None
    says: Callable[[bool], Iterator[bytes]] | None = None


def commands(port: int) -> WorkerCommands:
    return WorkerCommands(Node("w", "127.0.0.1", port, port), LIMITS, lambda: None)


def greet(_: Path, port: int) -> None:
    with suppress(SynergosError):
        commands(port).greet()


def prepare(_: Path, port: int) -> None:
    with suppress(SynergosError):
        commands(port).prepare(ProjectKey("c", "p"), Action.CLASSIFY, {Purpose.TRAIN: [("t",)]})


def measure(_: Path, port: int) -> None:
    with suppress(SynergosError):
        commands(port).measure(RunKey("c", "p", "e", "r"), "s", Purpose.EVALUATE)


def exchange(folder: Path, port: int) -> None:
    target = Destination(lambda: folder / "answer", AnswerMemory(), lambda: (folder / "answer").open("wb"))
    node = Node("w", "127.0.0.1", port, port)
    with suppress(SynergosError), closing(DataPlane(node, "s", LIMITS, lambda: None)) as data:
        data.exchange(Step(0), encode(WEIGHTS, {"round": 0}), Layout.of(WEIGHTS), target)


def track(folder: Path, port: int) -> None:
    target = Target("c_>_p_>_e", "r", f"http://127.0.0.1:{port}", ("127.0.0.1",))
    with suppress(NotWritten):
        MlflowStore(folder).write(TrainingNotes(target, "job", {}, (Point("loss", 1.0, 0),)))


def answered(head: bytes, piece: bytes, end: bytes = b"") -> Callable[[bool], Iterator[bytes]]:
    """An answer that begins like this and goes on with pieces for a gigabyte; the harmless one is an empty object."""

    def say(is_hostile: bool) -> Iterator[bytes]:
        if not is_hostile:
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
            return
        yield head
        for _ in range(GIGABYTE // len(piece)):
            yield piece
        yield end

    return say


def headed(status: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *lines, b"", b""))


MEBIBYTE = b"x" * 2**20
OF_A_GIGABYTE = b"Content-Length: %d" % GIGABYTE
TEXT = headed(b"200 OK", b"Content-Type: application/json", OF_A_GIGABYTE) + b'{"data": "'
ERROR = headed(b"500 X", OF_A_GIGABYTE)
CHUNKED = headed(b"200 OK", b"Transfer-Encoding: chunked")
CHUNK = b"%x\r\n%s\r\n" % (len(MEBIBYTE), MEBIBYTE)
HEADERS = b"HTTP/1.1 200 OK\r\n"
HEADER = b"X-Name: %s\r\n" % (b"x" * 60_000)
ZIPPED = headed(b"200 OK", b"Content-Type: application/json", b"Content-Encoding: gzip", b"Connection: close")


def bomb(is_hostile: bool) -> Iterator[bytes]:
    """A gigabyte of JSON that was packed into a megabyte."""
    yield ZIPPED
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(b'{"a": "')
    for _ in range(1024 if is_hostile else 0):
        yield packer.compress(MEBIBYTE)
    yield packer.compress(b'"}') + packer.flush()


def read_folder(folder: Path, _: int) -> None:
    with suppress(SynergosError):
        Tables(DataRoot(folder), keep=1).get(Action.CLASSIFY, Purpose.TRAIN, [("f",)])


def table(name: str, hostile: Callable[[Path], None]) -> Callable[[Path, bool], None]:
    """A table of two rows; one of its files is another if it is to be hostile."""

    def lay(folder: Path, is_hostile: bool) -> None:
        place = folder / "f"
        place.mkdir(exist_ok=True)
        (place / "metadata.json").write_text('{"datatype": "tabular", "operations": {}}')
        (place / "schema.json").write_text('{"a": "float64", "target": "category"}')
        (place / "rows.csv").write_text("a,target\n1,x\n2,y\n")
        if is_hostile:
            if name.startswith("rows."):
                (place / "rows.csv").unlink()
            hostile(place / name)

    return lay


def pictures(name: str, hostile: Callable[[Path], None]) -> Callable[[Path, bool], None]:
    """Two pictures; one file is another if it is to be hostile."""

    def lay(folder: Path, is_hostile: bool) -> None:
        place = folder / "f"
        place.mkdir(exist_ok=True)
        (place / "metadata.json").write_text('{"datatype": "image", "operations": {}}')
        (place / "mapping.csv").write_text("image,target\na.png,x\nb.png,y\n")
        for each in ("a.png", "b.png"):
            (place / each).write_bytes(png(2, 1))
        if is_hostile:
            hostile(place / name)

    return lay


def png(side: int, lines: int) -> bytes:
    """A grey picture that says it has so many sides, and has so many lines of nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(side + 1)) for _ in range(lines)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, lines, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def sparse(head: bytes) -> Callable[[Path], None]:
    """A gigabyte of NUL after a beginning; it takes no room on the disk."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            file.truncate(GIGABYTE)

    return write


def filled(head: bytes, piece: bytes) -> Callable[[Path], None]:
    """A gigabyte of one piece after a beginning."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            for _ in range(GIGABYTE // len(piece)):
                file.write(piece)

    return write


def zipped(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,target\n")
        for _ in range(GIGABYTE // len(MEBIBYTE)):
            file.write(MEBIBYTE)


MESSAGES = ((b'{"job_id": "', b"x", b'"}'), (b'{"job_id": ', b"[", b""), (b'{"a":[0', b",0", b"]}"), (b" ", b" ", b""))


def lay_messages(folder: Path, is_hostile: bool) -> None:
    """Messages of the largest size that is read, and one that is larger."""
    size = LARGEST if is_hostile else 100
    for number, (begin, piece, end) in enumerate(MESSAGES):
        content = begin + piece * ((size - len(begin) - len(end)) // len(piece)) + end
        (folder / str(number)).write_bytes(content + b" " * (number == len(MESSAGES) - 1))


def read_messages(folder: Path, _: int) -> None:
    """A gigabyte of them, one after the other, each as it comes from the broker; all are refused."""
    for number in range(GIGABYTE // LARGEST):
        message = (folder / str(number % len(MESSAGES))).read_bytes()
        for read in (JobMessage.from_json, OutcomeSender.from_json, OutcomeMessage.from_json):
            with suppress(SynergosError):
                read(message)
        if number % len(MESSAGES) == len(MESSAGES) - 1:
            with suppress(NotAMessage):
                from_text(message)
        del message


def write_bomb(path: Path) -> None:
    """30,000 × 30,000 pixels of nothing."""
    path.write_bytes(png(30_000, 30_000))


CASES: Mapping[str, Case] = {
    "greeting, one text": Case("worker", greet, says=answered(TEXT, MEBIBYTE)),
    "greeting, status 500": Case("worker", greet, says=answered(ERROR, MEBIBYTE)),
    "greeting, chunked": Case("worker", greet, says=answered(CHUNKED, CHUNK)),
    "greeting, headers": Case("worker", greet, says=answered(HEADERS, HEADER)),
    "greeting, packed": Case("worker", greet, says=bomb),
    "preparation, one text": Case("worker", prepare, says=answered(TEXT, MEBIBYTE)),
    "statistics, one text": Case("worker", measure, says=answered(TEXT, MEBIBYTE)),
    "round, one text": Case("worker", exchange, says=answered(TEXT, MEBIBYTE)),
    "round, status 500": Case("worker", exchange, says=answered(ERROR, MEBIBYTE)),
    "round, one header": Case(
        "worker", exchange, says=answered(headed(b"200 OK", OF_A_GIGABYTE) + struct.pack("<Q", GIGABYTE - 8), MEBIBYTE)
    ),
    "tracking, one text": Case("tracking server", track, says=answered(TEXT, MEBIBYTE)),
    "tracking, chunked": Case("tracking server", track, says=answered(CHUNKED, CHUNK)),
    "tracking, packed": Case("tracking server", track, says=bomb),
    "rows.csv, nothing but NUL": Case("dataset", read_folder, table("rows.csv", sparse(b"a,target\n"))),
    "rows.csv, one line": Case("dataset", read_folder, table("rows.csv", filled(b"a,target\n", MEBIBYTE))),
    "rows.csv, one cell": Case("dataset", read_folder, table("rows.csv", filled(b'a,target\n"', MEBIBYTE))),
    "rows.csv, one heading": Case("dataset", read_folder, table("rows.csv", filled(b"", MEBIBYTE))),
    "rows.csv.gz, one line": Case("dataset", read_folder, table("rows.csv.gz", zipped)),
    "metadata.json, one text": Case(
        "dataset", read_folder, table("metadata.json", filled(b'{"datatype": "', MEBIBYTE))
    ),
    "metadata.json, blank": Case("dataset", read_folder, table("metadata.json", filled(b"{", b" " * 2**20))),
    "schema.json, brackets": Case("dataset", read_folder, table("schema.json", filled(b'{"a": ', b"[" * 2**20))),
    "mapping.csv, one line": Case("dataset", read_folder, pictures("mapping.csv", filled(b"image,target\n", MEBIBYTE))),
    "picture, NUL": Case("dataset", read_folder, pictures("a.png", sparse(png(2, 1)[:20]))),
    "picture, packed": Case("dataset", read_folder, pictures("a.png", write_bomb)),
    "64 messages of 16 MiB": Case("queue", read_messages, lay_messages),
}
