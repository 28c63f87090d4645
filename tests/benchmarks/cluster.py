"""What a cluster gains and costs, on the processor cores there are.

    python tests/benchmarks/cluster.py [--jobs 8] [--rounds 12] [--times 9] [--kills 3] [--only speed-up|request|recovery]

A director, RabbitMQ and two TTPs, each with a worker of its own that has one torch thread, all on this machine:

- speed-up: the same trainings with one TTP and with both. Beside it, what two processes that do nothing but train gain over
  one: more cannot be had from these cores.
- request: from posting a training to an idle cluster until it is taken up, and until its first round is trained.
- recovery: from killing a TTP in the midst of a training until the other one has taken it up, and has trained a round.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.first_round import layer, write_rows
from grids.cluster_grid import Cluster, cluster
from support.any_model import allow_any_model
from synergos import Driver

WORKER = "worker_1"
KEYS = ("benchmark", "benchmark")
SMALL, LARGE = "small", "large"
"""The experiments: one whose rounds are short, and one that keeps a core busy."""
ENDLESS = 100_000
"""Rounds of a training that is killed, and then cancelled."""
LOOK = 0.005
"""Seconds between two looks at a job."""
DEADLINE = 600.0
"""Seconds for what another process does: only a mistake takes so long."""
EPOCHS = 20
"""Of each round of a training whose time is measured."""
STEPS = 2000
"""Of each bare process."""
BARE = f"""
import sys, time, torch
torch.set_num_threads(1)
network = torch.nn.Sequential(
    torch.nn.Linear(28, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 1)
)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
rows, targets = torch.rand(64, 28), torch.rand(64, 1)
print("ready", flush=True)
sys.stdin.readline()
begun = time.perf_counter()
for _ in range({STEPS}):
    optimizer.zero_grad()
    torch.nn.functional.binary_cross_entropy_with_logits(network(rows), targets).backward()
    optimizer.step()
print(time.perf_counter() - begun, flush=True)
"""

Job = Mapping[str, Any]
Row = tuple[str, str, str]
"""What was measured, what was seen, what is wanted or stands beside it."""


class Bench:
    """A cluster, and trainings on it.

    Args:
        grid: runs already; ``declare`` comes first.
    """

    def __init__(self, grid: Cluster) -> None:
        self.grid = grid
        self.driver = Driver(host=grid.grid.ttp.host, port=grid.grid.ttp.port, raise_errors=True)

    def declare(self) -> None:
        """A project with both experiments, aligned; each TTP has trained before it is measured."""
        driver = self.driver
        driver.collaborations.create(KEYS[0])
        driver.projects.create(*KEYS, action="classify", incentives={})
        for name, width in ((SMALL, 64), (LARGE, 512)):
            model = [layer("relu", 28, width), layer("relu", width, width), layer("sigmoid", width, 1)]
            driver.experiments.create(*KEYS, name, model=model)
        driver.participants.create(WORKER)
        for nodes in self.grid.nodes():
            registration = driver.registrations
            for node in nodes:
                registration.add_node(host=node.host, port=node.data_port, f_port=node.port)
            registration.create(*KEYS, WORKER, role="guest")
        driver.tags.create(*KEYS, WORKER, train=[["train"]])
        self.completed([job["id"] for job in driver.alignments.create(*KEYS, respond_async=True)["data"]])
        self.completed([self.post(LARGE, f"warm_up_{number}", rounds=10, epochs=10) for number in range(4)])

    def post(self, experiment: str, run: str, rounds: int, epochs: int = 1) -> str:
        """The id of a training that was just asked for."""
        self.declare_run(experiment, run, rounds, epochs)
        return self.train(experiment, run)

    def declare_run(self, experiment: str, run: str, rounds: int, epochs: int = 1) -> None:
        """A run that goes through all its rounds and epochs."""
        patience = max(rounds, epochs) + 1
        self.driver.runs.create(
            *KEYS, experiment, run, rounds=rounds, epochs=epochs, batch_size=64, patience=patience, lr=0.01
        )

    def train(self, experiment: str, run: str) -> str:
        """Ask for one training; the id of its job."""
        [job] = self.driver.models.create(*KEYS, experiment, run, respond_async=True)["data"]
        return str(job["id"])

    def completed(self, ids: Sequence[str]) -> Sequence[Job]:
        """The jobs, once they have ended; nothing is measured that failed."""
        jobs = self.driver.jobs.wait(ids, timeout=DEADLINE)
        for job in jobs:
            if job["state"] != "completed":
                raise SystemExit(f"{job['stage']} {job['state']}: {job['error']}")
        return jobs

    def until(self, job_id: str, arrived: Callable[[Job], bool]) -> Job:
        """A job as it is when something has come to pass; it is looked at as often as the director answers."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            job: Job = self.driver.jobs.read(job_id)["data"]
            if arrived(job):
                return job
            if job["state"] in {"failed", "cancelled"}:
                raise SystemExit(f"{job['stage']} {job['state']}: {job['error']}")
            time.sleep(LOOK)
        raise SystemExit(f"waited {DEADLINE:g} s for job {job_id}")


def speed_up(bench: Bench, count: int, rounds: int) -> list[Row]:
    """The same trainings with both TTPs, and with one."""
    both = throughput(bench, "both", count, rounds)
    bench.grid.kill("ttp_1", signal.SIGTERM)
    alone = throughput(bench, "alone", count, rounds)
    bench.grid.start("ttp_1")
    one, two = bare(1), bare(2)
    gain, possible = alone[0] / both[0], 2 * one / two
    return [
        (f"{count} trainings, one TTP", f"{alone[0]:.1f} s", f"{alone[1]:.1f} s each"),
        (f"{count} trainings, two TTPs", f"{both[0]:.1f} s", f"{both[1]:.1f} s each"),
        ("speed-up", f"{gain:.2f}", f"bare: {possible:.2f}; ours / bare {gain / possible:.0%}"),
    ]


def throughput(bench: Bench, name: str, count: int, rounds: int) -> tuple[float, float]:
    """Seconds from the first request to the end of the last training, and the median training's."""
    runs = [f"{name}_{number}" for number in range(count)]
    for run in runs:
        bench.declare_run(LARGE, run, rounds, EPOCHS)
    jobs = bench.completed([bench.train(LARGE, run) for run in runs])
    wall = max(moment(job, "finished_at") for job in jobs) - min(moment(job, "created_at") for job in jobs)
    return wall, median(moment(job, "finished_at") - moment(job, "started_at") for job in jobs)


def bare(processes: int) -> float:
    """Seconds that each of so many processes takes at once for the same steps; the slowest one's."""
    running = [
        subprocess.Popen([sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in running)


def request(bench: Bench, times: int) -> list[Row]:
    """From the request to the first round, with nobody at work."""
    taken_up, trained, looks = [], [], []
    for number in range(times):
        run = f"request_{number}"
        bench.declare_run(SMALL, run, rounds=ENDLESS)
        begun, seen = time.time(), 0

        def is_trained(job: Job) -> bool:
            nonlocal seen
            seen += 1
            return "round" in job["progress"]

        job_id = bench.train(SMALL, run)
        answered = time.time()
        job = bench.until(job_id, is_trained)
        arrived = time.time()
        trained.append(arrived - begun)
        looks.append((arrived - answered) / seen)
        taken_up.append(moment(job, "started_at") - begun)
        cancel(bench, job_id)
        # Those who have just ended a job wait for the next one again.
        time.sleep(1)
    return [
        ("request to running", milliseconds(taken_up), f"median of {times}, and the range"),
        (
            "request to first round seen",
            milliseconds(trained),
            f"< 150 ms; looked at every {median(looks) * 1e3:.0f} ms",
        ),
    ]


def recovery(bench: Bench, kills: int) -> list[Row]:
    """From killing a TTP until its training goes on with the other."""
    taken_up, trained = [], []
    for number in range(kills):
        job_id = bench.post(SMALL, f"recovery_{number}", rounds=ENDLESS)
        before = bench.until(job_id, lambda job: job["state"] == "running" and job["progress"].get("round", 0) >= 2)
        killed = time.time()
        bench.grid.kill(before["ttp"])
        after = bench.until(job_id, lambda job, ttp=before["ttp"]: job["state"] == "running" and job["ttp"] != ttp)  # type: ignore[misc]
        reached = after["progress"]["round"]
        bench.until(job_id, lambda job, reached=reached: job["progress"]["round"] > reached)  # type: ignore[misc]
        trained.append(time.time() - killed)
        taken_up.append(moment(after, "started_at") - killed)
        cancel(bench, job_id)
        bench.grid.start(before["ttp"])
    return [
        ("kill to running at the other", seconds(taken_up), f"< 30 s; median of {kills}, and the range"),
        ("kill to its next round", seconds(trained), ""),
    ]


def cancel(bench: Bench, job_id: str) -> None:
    """End a training that has shown what it was for."""
    bench.driver.jobs.cancel(job_id)
    bench.driver.jobs.wait(job_id, timeout=DEADLINE, interval=0.1)


def moment(job: Job, name: str) -> float:
    """When something happened to a job, in seconds as ``time.time()`` counts them."""
    return datetime.fromisoformat(job[name]).timestamp()


def milliseconds(found: Sequence[float]) -> str:
    return f"{median(found) * 1e3:.0f} ms ({min(found) * 1e3:.0f} to {max(found) * 1e3:.0f})"


def seconds(found: Sequence[float]) -> str:
    return f"{median(found):.1f} s ({min(found):.1f} to {max(found):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=8, help="trainings with one TTP, and as many with both")
    parser.add_argument("--rounds", type=int, default=12, help="rounds of each of these")
    parser.add_argument("--times", type=int, default=9, help="requests to an idle cluster")
    parser.add_argument("--kills", type=int, default=3, help="TTPs killed")
    parser.add_argument("--only", choices=["speed-up", "request", "recovery"])
    given = parser.parse_args()
    # So that the cluster is stopped, too, when somebody's patience ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    parts: dict[str, Callable[[Bench], list[Row]]] = {
        "request": lambda bench: request(bench, given.times),
        "speed-up": lambda bench: speed_up(bench, given.jobs, given.rounds),
        "recovery": lambda bench: recovery(bench, given.kills),
    }
    chosen = [part for part in parts if given.only in {None, part}]
    with tempfile.TemporaryDirectory(prefix="synergos-cluster-") as name:
        folder = Path(name)
        write_rows(folder / "data" / "train")
        allow_any_model(folder)
        with cluster(folder / "grid", folder / "data", [WORKER]) as grid:
            bench = Bench(grid)
            bench.declare()
            for part in chosen:
                # Each when it is done: others' work on the machine may be too much for the next.
                Console().print(measured(part, parts[part], bench))


def measured(part: str, measure: Callable[[Bench], list[Row]], bench: Bench) -> Table:
    """One part, with what else the machine did when it began."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    table = Table(part, "seen", "aim, or beside it", title=f"{cores} cores; load before: {load:.1f}")
    for row in measure(bench):
        table.add_row(*row)
    return table


if __name__ == "__main__":
    main()
