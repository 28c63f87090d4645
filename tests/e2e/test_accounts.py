"""A grid with accounts: a whole cycle by clients that know nothing of them but a .netrc file."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from grids.real_grid import RealGrid, Study, started
from synergos import Driver
from synergos_simulator.datasets import Dataset

PASSWORD = "correct horse battery staple"


@pytest.fixture
def closed_grid(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealGrid]:
    monkeypatch.setenv("SYNERGOS_AUTH", "on")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with started(tmp_path, data) as running:
        yield running


def account(grid: RealGrid, *words: str) -> None:
    """``synergos account``, as whoever runs the orchestrator types it, while it runs."""
    data = str(grid.grid.folder / "ttp" / "data")
    command = [sys.executable, "-m", "synergos.cli", "account", *words, "--data", data]
    subprocess.run(command, input=f"{PASSWORD}\n", text=True, timeout=60, check=True, capture_output=True)


def test_a_cycle_needs_nothing_but_a_netrc_file(
    closed_grid: RealGrid, wine: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ttp = closed_grid.grid.ttp
    list_url = f"http://{ttp.host}:{ttp.port}/ttp/connect/collaborations"
    assert requests.get(list_url, timeout=30).status_code == 401
    assert "there is no account yet" in closed_grid.log("ttp")
    account(closed_grid, "add", "lead", "--role", "orchestrator", "--password-file", "-")
    account(closed_grid, "add", "looker", "--role", "viewer", "--password-file", "-")
    (tmp_path / "netrc").write_text(f'machine {ttp.host} login lead password "{PASSWORD}"\n')
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    study = Study(closed_grid, wine, "closed", run={"rounds": 2})
    study.declare()
    assert [each["success"] for each in (study.align(), study.train(), study.validate())] == [1, 1, 1]

    # As the original's client asks.
    assert [each["key"] for each in requests.get(list_url, timeout=30).json()["data"]] == [
        {"collab_id": "closed_collaboration"}
    ]
    with Driver(ttp.host, ttp.port, login=("looker", PASSWORD)) as looker:
        [shown] = looker.models.read(*study.keys)["data"]
        assert (shown["participants"], [name for name in shown if name.startswith("local_")]) == ([], [])
        assert looker.participants.read_all()["status"] == 403
    with Driver(ttp.host, ttp.port, login=("looker", "not the password")) as stranger:
        assert stranger.models.read(*study.keys)["status"] == 401
    log = closed_grid.log("ttp")
    assert re.search(rf"somebody could not be signed in.*{re.escape(ttp.host)}", log)
    assert PASSWORD not in log
