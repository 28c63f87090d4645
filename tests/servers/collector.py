"""A real collector on loopback, another project's (Rotel), which writes what it takes as text; and the spans read from that."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import files
from pathlib import Path

from support.waiting import until
from synergos_simulator.grid import FreePorts

_FIELD = re.compile(r"^ {4}(Trace ID|Parent ID|ID|Name|Kind|Status code) +: (.*)$|^(Start|End) time: (\d+)$")
_ATTRIBUTE = re.compile(r"^ +-> ([^:]+): (\w+)\((.*)\)$")


@dataclass
class Collected:
    """A span as the collector wrote it; ``start`` and ``end`` in nanoseconds."""

    service: str
    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.fields["Name"]

    @property
    def id(self) -> str:
        return self.fields["ID"]

    @property
    def parent(self) -> str | None:
        return self.fields["Parent ID"] or None

    @property
    def trace(self) -> str:
        return self.fields["Trace ID"]

    @property
    def start(self) -> int:
        return int(self.fields["Start"])

    @property
    def end(self) -> int:
        return int(self.fields["End"])

    @property
    def has_failed(self) -> bool:
        return self.fields["Status code"] == "STATUS_CODE_ERROR"


@dataclass(frozen=True)
class Collector:
    """A collector that runs.

    Attributes:
        url: where it takes spans, as ``--tracing`` names it.
    """

    url: str
    written: Path

    def spans(self) -> list[Collected]:
        """All it has taken."""
        return _spans(self.written.read_text())

    def tree(self, trace: str) -> Mapping[str | None, Sequence[Collected]]:
        """The spans of one trace, by the id of the span they are part of."""
        found: dict[str | None, list[Collected]] = {}
        for span in self.spans():
            if span.trace == trace:
                found.setdefault(span.parent, []).append(span)
        return found


@contextmanager
def collector(folder: Path) -> Iterator[Collector]:
    """One that runs inside the ``with`` block."""
    free_port = FreePorts()
    http, grpc = free_port(), free_port()
    [program] = [path.locate() for path in files("rotel") or () if path.name == "rotel-agent"]
    places = {
        "--otlp-http-endpoint": f"127.0.0.1:{http}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "--pid-file": str(folder / "collector.pid"),
        "--log-file": str(folder / "collector.log"),
    }
    flags = {"--exporter": "blackhole", "--debug-log": "traces", "--debug-log-verbosity": "detailed"}
    command = [str(program), "start", *(word for pair in (places | flags).items() for word in pair)]
    written = folder / "collected.txt"
    with written.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"]},
        )
    try:
        until(lambda: "Starting Rotel" in written.read_text() and _listens(http), "the collector to listen")
        yield Collector(f"http://127.0.0.1:{http}", written)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _spans(text: str) -> list[Collected]:
    found: list[Collected] = []
    resource: dict[str, str] = {}
    into = resource
    for line in text.splitlines():
        if line.startswith("ResourceSpans #"):
            into = resource = {}
        elif re.match(r"Span #\d+$", line):
            found.append(Collected(resource.get("service.name", "")))
            into = found[-1].attributes
        elif (attribute := _ATTRIBUTE.match(line)) is not None:
            into[attribute[1]] = attribute[3]
        elif found and (said := _FIELD.match(line)) is not None:
            found[-1].fields[said[1] or said[3]] = (said[2] or said[4] or "").strip()
    # The last one may not be written to its end yet.
    return [span for span in found if "Status code" in span.fields]
