"""``synergos permission``: offline, on a worker's data folder, with what the worker at its outputs folder was told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synergos.cli import main
from synergos.identity.identity import FOLDER
from synergos.ledger.handed_over import FOLDER as HANDED_OVER
from synergos.permission.counts import COUNTS, Counts, Line
from synergos.permission.judging import Unlisted
from synergos.permission.told import TOLD, Told

WHO = "ab" * 32
ABOUT = ("--collaboration", "heart", "--project", "risk")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("train", "new"):
        (tmp_path / "data" / "heart" / name).mkdir(parents=True)
        (tmp_path / "data" / "heart" / name / "metadata.json").write_text("{}")
    return tmp_path / "data"


@pytest.fixture
def outputs(tmp_path: Path, data: Path) -> Path:
    Told(str(data), Unlisted.ALLOW).write(tmp_path / FOLDER / TOLD)
    return tmp_path


def test_what_is_granted_is_shown_with_how_often_it_was_used(outputs: Path, asked: Any) -> None:
    where = ("--outputs", str(outputs))
    granted = asked("permission", "grant", "heart/train", WHO, *ABOUT, "--purpose", "train", "--per-day", "2", *where)
    Counts(outputs / FOLDER / COUNTS).take([[Line("heart/train/syft.pub.yaml", "synergos/heart/risk/train", WHO, 2)]])

    [rule] = asked("permission", "show", "heart/train", *where)
    verdicts = asked("permission", "show", "heart/train", WHO, *ABOUT, *where)

    assert [(each["who"], each["most a day"], each["used today"]) for each in granted] == [(WHO, 2, 0)]
    assert (rule["collaboration"], rule["purpose"], rule["used today"]) == ("heart", "train", 1)
    assert [(each["purpose"], each["allowed"], each["left today"]) for each in verdicts] == [
        ("train", True, 1),
        ("evaluate", False, ""),
        ("predict", False, ""),
    ]
    assert f"grant heart/train {WHO} --collaboration heart --project risk --purpose evaluate" in str(verdicts[1])


def test_what_is_not_listed_is_as_the_worker_was_told(outputs: Path, data: Path, asked: Any) -> None:
    listed = asked("permission", "show", "--outputs", str(outputs))
    told = asked("permission", "show", "heart/new", WHO, *ABOUT, "--outputs", str(outputs))
    untold = asked("permission", "show", "heart/new", WHO, *ABOUT, "--data", str(data))

    assert [(each["folder"], each["holds"]) for each in listed] == [
        ("heart/new", "no file: --unlisted allow"),
        ("heart/train", "no file: --unlisted allow"),
    ]
    assert ({each["allowed"] for each in told}, {each["allowed"] for each in untold}) == ({True}, {False})


def test_what_is_revoked_is_allowed_no_more(outputs: Path, asked: Any) -> None:
    where = ("--outputs", str(outputs))
    asked("permission", "grant", "heart/train", "*", *where)
    left = asked("permission", "revoke", "heart/train", "*", *where)

    assert left == []
    assert not any(each["allowed"] for each in asked("permission", "show", "heart/train", WHO, *ABOUT, *where))


def test_files_below_that_allowed_what_is_revoked_are_named(
    data: Path, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", str(data))
    asked("permission", "grant", "heart/train", WHO, *where)
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["permission", "revoke", "heart", WHO, *where])

    assert capsys.readouterr().err == "revoked below as well: heart/train/syft.pub.yaml\n"
    assert not any(each["allowed"] for each in asked("permission", "show", "heart/train", WHO, *ABOUT, *where))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grant", "../out", WHO), "FOLDER: expected a folder below"),
        (("grant", "heart/train", "abcd"), "FINGERPRINT"),
        (("grant", "heart/train", WHO, "--purpose", "learn"), "purpose: expected one of train, evaluate, predict"),
        (("grant", "heart/train", WHO, "--project", "a/b"), "project: "),
        (("show", "heart/train", WHO), "--collaboration"),
        (("show", "heart/train"), "no file"),
        (("revoke", "heart/train", WHO), "no file: --unlisted allow; once somebody is granted"),
    ],
)
def test_what_makes_no_sense_is_refused_by_what_it_is(
    outputs: Path, asked: Any, words: tuple[str, ...], said: str
) -> None:
    assert said in asked("permission", *words, "--outputs", str(outputs))


def test_without_a_worker_it_is_asked_where_the_data_is(
    tmp_path: Path, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "--outputs" in asked("permission", "show")


def test_what_is_granted_and_revoked_is_handed_to_the_worker(outputs: Path, data: Path, asked: Any) -> None:
    where = ("--outputs", str(outputs))
    asked("permission", "grant", "heart/train", WHO, *ABOUT, "--purpose", "train", "--per-day", "2", *where)
    asked("permission", "revoke", "heart/train", WHO, *ABOUT, *where)
    asked("permission", "grant", "heart/train", WHO, *ABOUT, "--data", str(data))

    notes = [json.loads(path.read_text()) for path in sorted((outputs / FOLDER / HANDED_OVER).iterdir())]

    assert [(note["command"], note["folders"]) for note in notes] == [
        ("permission grant", {"train": ["heart/train"]}),
        ("permission revoke", {"*": ["heart/train"]}),
    ]
    assert notes[0]["about"] == {"who": WHO, "collaboration": "heart", "project": "risk", "per_day": "2"}
