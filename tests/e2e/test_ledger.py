"""What a worker was asked and did is in its ledger, and whoever owns the data sees it in one table."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import urllib.request
from typing import Any

from grids.real_grid import RealGrid, Study
from support.waiting import until
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import lines_in, rows_of
from synergos.ledger.verification import verify
from synergos_simulator.datasets import Dataset


def audit(grid: RealGrid, worker: str, *words: str) -> str:
    """``synergos audit`` at a worker, as its owner types it."""
    command = [sys.executable, "-m", "synergos.cli", "audit", words[0], str(grid.outputs(worker)), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_who_used_which_folder_for_what_is_one_table(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "audited", run={"rounds": 2})
    study.declare()
    assert [each["success"] for each in (study.align(), study.train(), study.validate())] == [1, 1, 1]
    until(lambda: grid.open_sessions() == 0, "the sessions to have ended")
    with urllib.request.urlopen(f"http://{grid.grid.ttp.host}:{grid.grid.ttp.port}/health", timeout=30) as answer:
        asker = json.load(answer)["fingerprint"]

    found: list[dict[str, Any]] = json.loads(audit(grid, "worker_1", "show", "--format", "json"))
    own = [row for row in found if row.get("collaboration") == study.keys[0]]
    training, validation = (row for row in own if row["what"] == "session")
    [prepared] = [row for row in own if row["what"] == "preparation"]

    assert [row["what"] for row in (found[0], *own[:2])] == ["worker started", "consent", "preparation"]
    assert {row["who"] for row in own} == {asker}
    assert (training["collaboration"], training["run"]) == ("audited_collaboration", "audited_run")
    assert training["purposes"] == ["evaluate", "train"]
    assert training["left"]["weights"] == 2
    assert training["rows"] == prepared["rows"]
    assert validation["purposes"] == ["evaluate"]
    assert validation["left"]["evaluate accuracy"] == 1
    assert all(row["until"] > row["at"] and row["reason"] == "asked for" for row in (training, validation))
    used = training["folders"][-1]
    options = ("--folder", used, "--since", "1h", "--what", "preparation", "--format", "csv")
    shown = list(csv.DictReader(io.StringIO(audit(grid, "worker_1", "show", *options))))
    # Others, of whom there may be some, have used the folder too.
    [listed] = [row for row in shown if row["collaboration"] == study.keys[0]]
    assert {row["what"] for row in shown} == {"preparation"}
    assert listed["at"] == prepared["at"]

    # What the TTP has kept of the worker's ledger is in it still.
    place = LedgerPlace(grid.grid.folder / "ttp" / "data", "ttp")
    done = rows_of(line for line in lines_in(place) if line is not None)
    ended = [row["more"] for row in done if (row["what"], row.get("collaboration")) == ("job ended", study.keys[0])]
    [trained] = [each for each in ended if isinstance(each, dict) and each["stage"] == "train"]
    kept = trained["heads"]["worker_1"]
    [verified] = json.loads(audit(grid, "worker_1", "verify", "--head", kept, "--format", "json"))
    assert (verified["is_sound"], verified["findings"]) == (True, [])
    assert trained["how"] == "completed"
    assert {row["what"] for row in done} >= {"declared", "asked for", "job started", "job ended"}
    assert verify(place).is_sound
