"""What an administrator does on the host of a program: back up, restore, tidy, make a service of it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.command_runner import Run
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

RUN = RunKey("c", "p", "e", "r")


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Data and outputs of a TTP that has trained a run three times."""
    outputs = tmp_path / "outputs"
    (tmp_path / "data").mkdir()
    with closing(RecordStore(f"sqlite:///{tmp_path / 'data' / 'records.sqlite'}")) as store:
        store.put(Kind.RUN, RUN, {"rounds": 2})
        for version, place in ((1, "versions/1"), (2, "versions/2"), (3, "")):
            folder = RUN.folder(outputs) / place
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "manifest.json").write_text(json.dumps({"version": version}))
            (folder / "global_model.safetensors").write_text(f"version {version}")
            store.put(Kind.MODEL_VERSION, RUN.trained_as(version), {"version": version})
        store.put(
            Kind.MODEL, RUN, {"version": 3, "global": {"path": str(RUN.folder(outputs) / "global_model.safetensors")}}
        )
    capsys.readouterr()  # a store is logged that is made anew
    return tmp_path


def folders(home: Path) -> list[str]:
    return ["--data", str(home / "data"), "--outputs", str(home / "outputs")]


def test_a_backup_is_made_and_put_in_place_elsewhere(run: Run, home: Path, tmp_path: Path) -> None:
    made = run("backup", "nightly", *folders(home), "--format", "json")
    restored = run("restore", "nightly", *folders(tmp_path / "elsewhere"))

    assert (made.code, restored.code) == (0, 0), restored.err
    assert json.loads(made.out)["missing"] == []
    assert "unfinished_jobs" in restored.out
    with closing(RecordStore(f"sqlite:///{tmp_path / 'elsewhere/data/records.sqlite'}")) as store:
        assert Path(store.get(Kind.MODEL, RUN)["global"]["path"]).read_text() == "version 3"


def test_what_cannot_be_done_is_said_in_a_sentence(run: Run, home: Path) -> None:
    (home / "in_the_way").mkdir()
    refused = [
        run("backup", "in_the_way", *folders(home)),
        run("backup", "new", "--data", "nowhere", "--outputs", str(home / "outputs")),
        run("backup", "new", *folders(home), "--database", "postgres//wrong"),
        run("restore", "in_the_way", *folders(home)),
        run("tidy", "--outputs", "nowhere"),
        run("tidy", "--outputs", str(home / "outputs"), "--keep", "modles=3"),
    ]

    assert all(ended.code != 0 and "Traceback" not in ended.err for ended in refused)
    words = [ended.err.strip().splitlines()[-1] for ended in refused]
    assert "in_the_way is there already; name a folder that is not" in words[0]
    assert "--data: there is no record store" in words[1]
    assert "--database: expected an address of SQLAlchemy's" in words[2]
    assert "in_the_way is no backup: there is no backup.json in it" in words[3]
    assert "--outputs: nowhere is not a folder" in words[4]
    assert "--keep: 'modles' is not something that is kept; did you mean models" in words[5]


def test_tidying_shows_first_what_would_go(run: Run, home: Path) -> None:
    asked = ("tidy", *folders(home), "--keep", "models=1", "--format", "json")
    shown, done, again = run(*asked, "--dry-run"), run(*asked), run(*asked)

    assert [row["path"] for row in json.loads(shown.out)] == [str(RUN.folder(home / "outputs") / "versions/1")]
    assert json.loads(done.out) == json.loads(shown.out)
    assert json.loads(again.out) == []


def test_a_worker_tidies_without_what_a_record_store_takes(home: Path) -> None:
    blocked = "import sys; sys.modules['sqlalchemy'] = None; from synergos.cli import main; main()"
    command = [sys.executable, "-c", blocked, "tidy", "--outputs", str(home / "outputs")]

    done = subprocess.run([*command, "--keep", "predictions=1d"], capture_output=True, text=True, check=False)
    refused = subprocess.run([*command, "--keep", "models=1"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert refused.returncode == 2
    assert "pip install 'synergos[ttp]'" in refused.stderr


def test_a_service_is_shown_and_written(run: Run, tmp_path: Path) -> None:
    shown, written = run("service", "worker"), run("service", "worker", "--root", str(tmp_path / "host"))

    assert f"ExecStart={Path(sys.executable).parent}/synergos-worker --id" in shown.out
    assert (tmp_path / "host/etc/systemd/system/synergos-worker.service").read_text() == shown.out
    assert "systemctl enable --now synergos-worker" in written.err
