"""What a page of another program costs through the portal: ``python tests/benchmarks/proxied_pages.py [URL] [repeats]``.

A page is asked for directly and through the portal by turns, each over a connection that is kept: of the program at URL, else of a small
server here (a page of 700 bytes, one of 50 KB, a file of 4 MB). Told are medians in milliseconds, and what is aimed at: 1.5 times the direct one
plus 2 ms. Where other programs run beside it read ratios.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from grids.processes import executed  # noqa: E402
from servers.portal import running  # noqa: E402
from servers.shown_tool import as_json, shown_tool  # noqa: E402

SIZES = {"/small": 700, "/page": 50_000, "/file": 4_000_000}


def seconds(connection: http.client.HTTPConnection, path: str) -> float:
    """For one answer, read to its end."""
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, f"{path}: {answer.status}"
    return time.perf_counter() - begun


@contextmanager
def program(url: str | None) -> Iterator[tuple[str, list[str]]]:
    """The address of a program and paths of its pages."""
    if url is not None:
        yield url, ["/"]
        return
    with shown_tool() as tool:
        for path, size in SIZES.items():
            tool.answers[path] = (200, [("Content-Type", "text/plain")], [b"x" * size])
        yield tool.url, list(SIZES)


def main(url: str | None = None, repeats: int = 200) -> None:
    """Measure and tell."""
    with tempfile.TemporaryDirectory() as name, shown_tool() as orchestrator, program(url) as (address, paths):
        health = {"status": "ok", "component": "ttp", "id": "t", "accounts": "off"}
        orchestrator.answers["/health"] = as_json(health)
        with running(Path(name), orchestrator.url, ["--mlops", address], executed) as portal:
            direct = http.client.HTTPConnection(urlsplit(address).netloc)
            proxied = http.client.HTTPConnection(urlsplit(portal.track).netloc)
            for path in paths:
                pairs = [(seconds(direct, path), seconds(proxied, f"/tools/mlops{path}")) for _ in range(repeats)]
                own, shown = (1000 * statistics.median(each) for each in zip(*pairs, strict=True))
                print(f"{path}: direct {own:.2f} ms, proxied {shown:.2f} ms, aimed at {1.5 * own + 2:.2f} ms")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None, int(sys.argv[2]) if len(sys.argv) > 2 else 200)
