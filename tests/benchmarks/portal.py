"""What the portal's pages cost: its servers, browsers, and the grid that it shows.

    python tests/benchmarks/portal.py [pages lists visits memory wheel] [--repeats 25]
    python tests/benchmarks/portal.py live watchers

``pages`` and ``lists``: processor time of the portal and of its orchestrator, at 1,000 runs and 5,000 jobs beside 10 and 50, in turn
on the same machine. ``visits``: a first visit by Chromium, with nothing in its cache; what was sent, unpacked and packed, and when there was
something to be read on a processor 4 times slower behind 5 Mbit/s and 50 ms. ``memory``: both processes after all pages were read.
``wheel``: what the package adds to the product's. ``live``: from a round that is committed to a round that is shown; ``watchers``: a hundred
tabs that look at a training. These two need a grid of processes, and have one made.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import requests
from playwright.sync_api import Browser, sync_playwright

import synergos_portal
from benchmarks.portal_live import measure_live
from benchmarks.portal_watchers import measure_watchers
from factories.full_store import DEEP, LARGE, SMALL, Size, fill
from grids.processes import Processes, Start, executed
from servers.portal import RunningPortal, running
from support.waiting import until
from synergos.records import RecordStore
from synergos_simulator.grid import HOST, FreePorts, is_healthy
from synergos_simulator.state import Program

SIZES = {"small": SMALL, "large": LARGE, "deep": DEEP}
"""By name; all ratios are to the first."""
PROJECT = "/collaborations/collaboration_0/projects/project_0"
EXPERIMENT = f"{PROJECT}/experiments/experiment_0"
RUN = f"{EXPERIMENT}/runs/run_1"
STUDY = "/studies/study_collaboration_0_project_0_experiment_0"
IN_NAV = (
    "/",
    "/home",
    "/orchestrator",
    "/participant",
    "/search?q=run_1",
    "/status",
    "/status/workers",
    "/help",
    "/help/words",
)
IN_VIEW = (
    "/collaborations",
    "/collaborations/new",
    "/collaborations/collaboration_0",
    "/collaborations/collaboration_0/delete",
    PROJECT,
    f"{PROJECT}/edit",
    f"{PROJECT}/launch",
    f"{PROJECT}/compare?run=experiment_0/run_1&run=experiment_0/run_2",
    EXPERIMENT,
    f"{EXPERIMENT}/edit",
    f"{EXPERIMENT}/tune",
    RUN,
    f"{RUN}/edit",
    f"/downloads{RUN}",
    "/jobs",
    "/jobs?state=failed",
    "/studies",
    STUDY,
    "/participants",
    "/participants/hospital_1",
    "/participants/hospital_1/registrations",
    "/catalogue",
    "/lineage/collaboration_0/project_0/experiment_0/run_1",
)
FULL_AND_SHORT = {
    "jobs": ("/ttp/jobs", "/ttp/jobs?limit=50&order=newest&fields=summary"),
    "collaborations": ("/ttp/connect/collaborations", "/ttp/connect/collaborations?relations=counts"),
}
SLOW = {"offline": False, "latency": 50, "downloadThroughput": 5e6 / 8, "uploadThroughput": 5e6 / 8}
"""5 Mbit/s and 50 ms."""
SLOWER = 4
_PAINTED = "performance.getEntriesByName('first-contentful-paint')"
_WARM_UP = 3
_AT_A_TIME = 5
"""Readings between two looks at the clocks, which take longer than a page and leave processors to others."""


@dataclass(frozen=True)
class Served:
    """A portal in front of an orchestrator with so much in its records.

    Attributes:
        orchestrator: its address.
    """

    portal: RunningPortal
    orchestrator: str
    processes: Mapping[str, psutil.Process]

    @property
    def pages(self) -> list[str]:
        """Of every kind one, as far as this portal has it."""
        newest = requests.get(f"{self.orchestrator}/ttp/jobs?limit=1&order=newest&fields=state", timeout=60).json()
        all_there_are = [
            *(f"{self.portal.nav}{path}" for path in IN_NAV),
            *(f"{self.portal.view}{path}" for path in (*IN_VIEW, f"/jobs/{newest['data'][0]['id']}")),
            f"{self.portal.track}/",
        ]
        return [address for address in all_there_are if requests.get(address, timeout=60).ok]

    def seconds(self, who: str) -> float:
        """Of processor time that a program has taken so far, with all its processes and threads."""
        process = self.processes[who]
        return sum(_on_a_processor(each.pid) for each in [process, *process.children(recursive=True)])


def _on_a_processor(pid: int) -> float:
    """Seconds, counted in nanoseconds: a page takes less than the clock of processes can tell."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def main() -> None:
    measures: dict[str, Callable[[argparse.Namespace], None]] = {
        "pages": measure_pages,
        "lists": measure_lists,
        "visits": measure_visits,
        "memory": measure_memory,
        "wheel": lambda _: report("wheel", kibibytes=round(packed_size() / 1024, 1), at_most=400),
        "live": lambda given: measure_live(report, given.repeats),
        "watchers": lambda given: measure_watchers(report),
    }
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", nargs="*", default=list(measures), help=", ".join(measures))
    arguments.add_argument("--repeats", type=int, default=25)
    given = arguments.parse_args()
    for what in given.what:
        measures[what](given)


def report(what: str, **figures: object) -> None:
    """Print what was found."""
    print(json.dumps({"what": what, **figures}), flush=True)


@contextmanager
def served(folder: Path, size: Size, start: Start = executed) -> Iterator[Served]:
    """A TTP whose records are so full, and a portal in front of it, as programs."""
    folder.mkdir(parents=True)
    database = f"sqlite:///{folder / 'records.sqlite'}"
    store = RecordStore(database)
    fill(store, size, folder / "outputs")
    store.close()
    free = FreePorts()
    port, data_port = free(), free()
    own = ["--host", HOST, "--port", str(port), "--data_port", str(data_port), "--database", database]
    own += ["--data", str(folder / "data"), "--outputs", str(folder / "outputs"), "--mlflow", str(folder / "mlflow")]
    command = [sys.executable, "-m", "synergos_ttp", "--id", "ttp", "--logging_variant", "basic", *own]
    ttp = Program("ttp", command, str(folder / "ttp.log"), HOST, port, data_port)
    processes = Processes(start)
    processes.start(ttp)
    try:
        until(lambda: is_healthy(ttp), "the TTP to answer", 120.0)
        with running(folder / "portal", ttp.address, start=start) as portal:
            found = {
                "portal": psutil.Process(portal.pid),
                "orchestrator": psutil.Process(processes.pid("ttp")),
            }
            yield Served(portal, ttp.address, found)
    finally:
        processes.end_all()


def measure_pages(given: argparse.Namespace) -> None:
    """Processor time of each page, at every size by turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        all_sizes = {name: stack.enter_context(served(Path(folder) / name, size)) for name, size in SIZES.items()}
        addresses = {name: one.pages for name, one in all_sizes.items()}
        for at, first in enumerate(addresses["small"]):
            turns: dict[str, list[tuple[float, float]]] = {name: [] for name in all_sizes}
            for _ in range(-(-given.repeats // _AT_A_TIME)):
                for name, one in all_sizes.items():
                    turns[name].append(cost_of(one, addresses[name][at]))
            milliseconds = {
                name: [round(median(each), 1) for each in zip(*costs, strict=True)] for name, costs in turns.items()
            }
            report(
                "page",
                page=first.removeprefix("http://"),
                milliseconds=milliseconds,
                ratio=_ratio(turns["large"], turns["small"]),
                ratio_deep=_ratio(turns["deep"], turns["small"]),
                own_beyond=round(milliseconds["large"][0] - milliseconds["large"][1], 1),
                at_most={"ratio": 1.5, "own_beyond": 5},
            )


def _ratio(costs: Sequence[tuple[float, float]], small: Sequence[tuple[float, float]]) -> float:
    """In the middle of all turns, each of which is over before a machine is quicker or slower."""
    return round(median(sum(one) / max(sum(other), 0.1) for one, other in zip(costs, small, strict=True)), 2)


def cost_of(one: Served, address: str) -> tuple[float, float]:
    """Milliseconds of processor time that reading a page takes of the portal, and of its orchestrator, some times in a row."""
    with requests.Session() as session:
        for _ in range(_WARM_UP):
            session.get(address, timeout=60)
        before = {who: one.seconds(who) for who in one.processes}
        for _ in range(_AT_A_TIME):
            assert session.get(address, timeout=60).status_code == 200, address
        portal, orchestrator = (1000 * (one.seconds(who) - before[who]) / _AT_A_TIME for who in one.processes)
    return portal, orchestrator


def measure_lists(given: argparse.Namespace) -> None:
    """What the short form of a list costs an orchestrator beside the whole one."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "large", LARGE) as one:
        for name, paths in FULL_AND_SHORT.items():
            full, short = (list_cost(one, f"{one.orchestrator}{path}", given.repeats) for path in paths)
            report(
                "list", list=name, milliseconds=[round(full, 1), round(short, 2)], ratio=round(full / max(short, 0.01))
            )


def list_cost(one: Served, address: str, repeats: int) -> float:
    """Milliseconds of processor time of an orchestrator."""
    with requests.Session() as session:
        session.get(address, timeout=60)
        before = one.seconds("orchestrator")
        for _ in range(repeats):
            session.get(address, timeout=60)
    return 1000 * (one.seconds("orchestrator") - before) / repeats


def measure_visits(given: argparse.Namespace) -> None:
    """First visits by a browser."""

    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "large", LARGE) as one,
        sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        for address in one.pages:
            sizes, shown = first_visit(browser, address)
            report(
                "visit",
                page=address.removeprefix("http://"),
                kibibytes={name: round(size / 1024, 1) for name, size in sizes.items()},
                content_milliseconds=round(shown),
                at_most={"unpacked": 400, "packed": 110, "content_milliseconds": 1500},
            )
        browser.close()


def first_visit(browser: Browser, address: str) -> tuple[dict[str, int], float]:
    """Bytes unpacked and packed of a page with all it needs, and the milliseconds until something was to be read."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    sizes = {"unpacked": 0, "packed": 0}
    session.on("Network.dataReceived", lambda told: _add(sizes, "unpacked", told["dataLength"]))
    session.on("Network.loadingFinished", lambda told: _add(sizes, "packed", told["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="load", timeout=60_000)
    # It may be loaded before anything was painted.
    page.wait_for_function(f"{_PAINTED}.length > 0", timeout=60_000)
    shown = float(page.evaluate(f"{_PAINTED}[0].startTime"))
    context.close()
    return sizes, shown


def _add(sizes: dict[str, int], name: str, more: float) -> None:
    sizes[name] += int(more)


def measure_memory(given: argparse.Namespace) -> None:
    """What the portal takes when all its pages have been read a few times."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "large", LARGE) as one:
        for address in one.pages * 5:
            requests.get(address, timeout=60)
        process = one.processes["portal"]
        resident = [each.memory_info().rss / 2**20 for each in [process, *process.children(recursive=True)]]
        report("memory", mebibytes=[round(each, 1) for each in resident], sum=round(sum(resident), 1), at_most=110)


def packed_size() -> int:
    """Bytes that the portal's files take in a wheel."""
    packed, folder = io.BytesIO(), Path(synergos_portal.__file__).parent
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                wheel.write(path, path.relative_to(folder.parent))
    return len(packed.getvalue())


if __name__ == "__main__":
    begun = time.monotonic()
    main()
    report("took", seconds=round(time.monotonic() - begun))
