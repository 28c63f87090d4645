"""What lists cost an orchestrator: processor time, questions to the database, and memory, whole and in pages.

python tests/benchmarks/lists.py [--collaborations 3000] [--registrations 100] [--megabytes 4]

Asked as the original's client asks: without query parameters. Memory is what the process takes beyond what it took before.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, event

from fakes.orchestration import CannedDispatcher
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.rest import create_app

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Cost:
    """Of one request."""

    seconds: float
    questions: int
    answer: int
    memory: int


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--collaborations", type=int, default=3000)
    arguments.add_argument("--registrations", type=int, default=100)
    arguments.add_argument("--megabytes", type=int, default=4)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = RecordStore(f"sqlite:///{Path(folder) / 'records.sqlite'}")
        app = create_app(store, CannedDispatcher(store), component_id="ttp")
        fill(store, given.collaborations, given.registrations, given.megabytes)
        lists = {
            f"{given.collaborations} collaborations": "/ttp/connect/collaborations",
            "a page of 100 of them": "/ttp/connect/collaborations?limit=100",
            f"{given.registrations} registrations of a project with {given.megabytes} MB of incentives": (
                "/ttp/connect/collaborations/large/projects/p/registrations"
            ),
            "that collaboration with all that is under it": "/ttp/connect/collaborations/large",
        }
        app.test_client().get("/ttp/connect/participants?limit=1")
        for name, url in lists.items():
            print(json.dumps({"list": name, **vars(cost_of(app, store, url))}))
        store.close()


def fill(store: RecordStore, collaborations: int, registrations: int, megabytes: int) -> None:
    """Many small collaborations, and one with a large project and many participants."""
    with store.transaction():
        for number in range(collaborations):
            store.put(Kind.COLLABORATION, {"collab_id": f"c{number}"}, {})
        project = {"collab_id": "large", "project_id": "p"}
        store.put(Kind.COLLABORATION, project, {})
        store.put(Kind.PROJECT, project, {"action": "classify", "incentives": {"all": "x" * 10**6 * megabytes}})
        for number in range(registrations):
            who = {**project, "participant_id": f"w{number}"}
            store.put(Kind.PARTICIPANT, who, {"id": f"w{number}"})
            store.put(Kind.REGISTRATION, who, {"role": "guest", "n_count": 1, "node_0": {"host": "h", "f_port": 1}})
            store.put(Kind.TAG, who, {"train": [["data"]], "evaluate": [], "predict": []})


def cost_of(app: Flask, store: RecordStore, url: str) -> Cost:
    """One request, its answer read piece by piece and thrown away."""
    questions = Questions(store.database._engine)
    before, begun, length = resident(), time.process_time(), 0
    with Highest() as highest, questions:
        response = app.test_client().get(url, buffered=False)
        assert response.status_code == 200, url
        for piece in response.iter_encoded():
            length += len(piece)
    return Cost(round(time.process_time() - begun, 3), questions.count, length, highest.seen - before)


class Questions:
    """Counts the statements that a database is asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.count = 0

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._asked)

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._asked)

    def _asked(self, *_: object) -> None:
        self.count += 1


class Highest:
    """The most memory this process takes, looked at a hundred times a second."""

    def __init__(self) -> None:
        self.seen = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Highest:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.seen = max(self.seen, resident())


def resident() -> int:
    """Bytes this process takes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
