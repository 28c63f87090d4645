"""A line between two hosts that is as bad as it is told to be: slow, long, lossy, cut, forgetful.

Each end is a TUN device in a network namespace of its own; what one end sends is read here, kept for as long as it is on its
way, and given to the other. A thread of the tests does all of it: at the rates of bad lines, there are few packets.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import math
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

_TUNSETIFF, _TUN_WITHOUT_HEADER = 0x400454CA, 0x0001 | 0x1000
_CLONE_NEWNET = 0x40000000
_TCP, _SYN = 6, 0x02


@dataclass(frozen=True)
class Faults:
    """How a line is; as good as none unless it is told otherwise.

    Attributes:
        delay: seconds that a packet takes, one way.
        rate: bits per second, each way; None for no limit.
        queue: bytes that wait for their turn at most; what comes beyond them is lost.
        loss: the share of packets that are lost, and ``reordered`` of those that others overtake.
        largest: bytes of a packet; larger ones vanish, and nobody is told. None for no limit.
        forgets: seconds without a packet after which a connection is not known any more; None for never.
    """

    delay: float = 0.0005
    rate: float | None = None
    queue: int = 2**16
    loss: float = 0.0
    reordered: float = 0.0
    largest: int | None = None
    forgets: float | None = None


class Packet(NamedTuple):
    """An IP packet on its way."""

    due: float
    number: int
    end: int
    content: bytes


@dataclass
class Seen:
    """What has passed towards one end.

    Attributes:
        payload: bytes inside TCP segments.
        repeated: of them, those that TCP itself has sent again although they had arrived.
        packets: that arrived, and ``lost`` those that never did.
    """

    payload: int = 0
    repeated: int = 0
    packets: int = 0
    lost: int = 0

    @property
    def new(self) -> int:
        """Bytes that programs have sent, once or again."""
        return self.payload - self.repeated


@dataclass
class _Way:
    """One direction of a line: until when it is taken by the packets before."""

    free_at: float = 0.0
    seen: Seen = field(default_factory=Seen)


class Link:
    """A line between two namespaces; ``ends`` are their names, ``addresses`` those of the two devices."""

    def __init__(self, ends: tuple[str, str], addresses: tuple[str, str], name: str, seed: int = 1) -> None:
        self.addresses = addresses
        self._devices = [
            _device(end, f"{name}{number}", own, other)
            for number, (end, own, other) in enumerate(zip(ends, addresses, reversed(addresses), strict=True))
        ]
        self._faults = Faults()
        self._ways = (_Way(), _Way())
        self._cut_until = 0.0
        # Cuts that are to come: at which end, after how many bytes of content altogether, for how long, and who is told.
        self._cuts: list[tuple[int, int, float, threading.Event]] = []
        self._random = random.Random(seed)
        self._flows: dict[tuple[object, ...], float] = {}
        self._under_way: list[Packet] = []
        # Addresses, ports and numbers of what has arrived.
        self._segments: set[bytes] = set()
        self._numbers = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._carry, name=f"link {name}", daemon=True)
        self._thread.start()

    def become(self, faults: Faults) -> None:
        """Be as good or bad as this from now on."""
        self._faults = faults
        for way in self._ways:
            way.free_at = 0.0

    def cut(self, seconds: float) -> None:
        """Lose all that is under way, and all that comes, for so long."""
        self._cut_until = time.monotonic() + seconds

    def cut_after(self, end: int, payload: int, seconds: float) -> threading.Event:
        """Cut the line as soon as so many bytes more have passed towards an end; set when that has been done."""
        was_cut = threading.Event()
        self._cuts.append((end, self._ways[end].seen.payload + payload, seconds, was_cut))
        return was_cut

    def passed(self, end: int) -> Seen:
        """What has arrived at an end so far."""
        return replace(self._ways[end].seen)

    def close(self) -> None:
        """Carry nothing any more."""
        self._ended.set()
        self._thread.join()
        for device in self._devices:
            os.close(device)

    def _carry(self) -> None:
        poll = select.poll()
        for device in self._devices:
            poll.register(device, select.POLLIN)
        while not self._ended.is_set():
            now = time.monotonic()
            wait = min(0.05, self._under_way[0].due - now) if self._under_way else 0.05
            for device, _ in poll.poll(max(0.0, 1000 * wait)):
                self._take(1 - self._devices.index(device), os.read(device, 2**16))
            self._hand_over()

    def _take(self, end: int, content: bytes) -> None:
        """A packet that is to go to one end."""
        now, faults, way = time.monotonic(), self._faults, self._ways[end]
        start = max(now, way.free_at)
        is_lost = (
            now < self._cut_until
            or (faults.largest is not None and len(content) > faults.largest)
            or (faults.rate is not None and (start - now) * faults.rate / 8 > faults.queue)
            or self._random.random() < faults.loss
            or not self._is_known(content, now)
        )
        if is_lost:
            way.seen.lost += 1
            return
        if faults.rate is not None:
            start = way.free_at = start + 8 * len(content) / faults.rate
        late = self._random.uniform(0.01, 0.05) if self._random.random() < faults.reordered else 0.0
        self._numbers += 1
        heapq.heappush(self._under_way, Packet(start + faults.delay + late, self._numbers, end, content))

    def _hand_over(self) -> None:
        now = time.monotonic()
        while self._under_way and self._under_way[0].due <= now:
            packet = heapq.heappop(self._under_way)
            seen = self._ways[packet.end].seen
            if now < self._cut_until:
                seen.lost += 1
                continue
            seen.packets += 1
            size = _payload(packet.content)
            seen.payload += size
            if size and self._came_before(packet.content):
                seen.repeated += size
            os.write(self._devices[packet.end], packet.content)
            for due in [cut for cut in self._cuts if cut[0] == packet.end and cut[1] <= seen.payload]:
                self._cuts.remove(due)
                self.cut(due[2])
                due[3].set()

    def _came_before(self, content: bytes) -> bool:
        """Whether a segment that begins as this one arrived already."""
        length = 4 * (content[0] & 0x0F)
        segment = content[12:20] + content[length : length + 8]
        if segment in self._segments:
            return True
        self._segments.add(segment)
        return False

    def _is_known(self, content: bytes, now: float) -> bool:
        """Whether a network address translation on the way would still know the connection of a packet."""
        if content[9] != _TCP:
            return True
        length = 4 * (content[0] & 0x0F)
        ports = struct.unpack_from(">HH", content, length)
        flow = tuple(sorted(((content[12:16], ports[0]), (content[16:20], ports[1]))))
        is_first = bool(content[length + 13] & _SYN)
        # Also of a line that forgets nothing it is kept when each connection was last used: it may become one that does.
        silent = now - self._flows.get(flow, -math.inf)
        if not is_first and self._faults.forgets is not None and silent > self._faults.forgets:
            self._flows.pop(flow, None)
            return False
        self._flows[flow] = now
        return True


def _payload(content: bytes) -> int:
    if content[0] >> 4 != 4 or content[9] != _TCP:
        return 0
    length = 4 * (content[0] & 0x0F)
    return len(content) - length - 4 * (content[length + 12] >> 4)


class _Hosts:
    """Network namespaces that were made for a test."""

    def __init__(self, *names: str) -> None:
        self.names = [f"syn{os.getpid()}{name}" for name in names]

    def __enter__(self) -> list[str]:
        for name in self.names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        return self.names

    def __exit__(self, *_: object) -> None:
        for name in self.names:
            _ip("netns", "del", name)


hosts = _Hosts
"""A context manager: hosts of these names while it lasts, each with nothing but itself to talk to."""


@contextmanager
def within(host: str) -> Iterator[None]:
    """What this thread connects and listens with meanwhile, and the threads and programs that it starts, is that host's."""
    with Path("/proc/thread-self/ns/net").open() as own, Path(f"/run/netns/{host}").open() as other:
        _enter(other.fileno())
        try:
            yield
        finally:
            _enter(own.fileno())


def why_not() -> str | None:
    """Why hosts cannot be made here; None where they can."""
    if os.geteuid() != 0:
        return "LINES ARE NOT TESTED: namespaces of a network are made by root alone"
    if not Path("/dev/net/tun").exists():
        return "LINES ARE NOT TESTED: there is no /dev/net/tun"
    try:
        with hosts("try") as [name]:
            os.close(_device(name, "try", "10.199.255.1", "10.199.255.2"))
    except (OSError, subprocess.CalledProcessError) as error:
        return f"LINES ARE NOT TESTED: no host can be made ({error})"
    return None


def _device(host: str, name: str, own: str, other: str) -> int:
    """A TUN device of a host, for the packets from its own address to another one."""
    with within(host):
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEADER))
    _ip("-n", host, "addr", "add", own, "peer", other, "dev", name)
    _ip("-n", host, "link", "set", name, "up")
    return device


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")
