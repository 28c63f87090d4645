"""``synergos audit``: offline, on the folders of programs or copies of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from synergos.cli import main
from synergos.identity.identity import FOLDER, Renewable, identity_in, renew_identity
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace

USE = {"who": "ab" * 32, "address": "10.0.0.7", "collaboration": "c", "project": "=1+1", "rows": {"train": 7}}


@pytest.fixture
def place(tmp_path: Path) -> LedgerPlace:
    place = LedgerPlace(tmp_path / "outputs", "worker")
    ledger = Ledger(place, Renewable(place.own / FOLDER / "worker.json"))
    ledger.append("preparation", {**USE, "folders": {"train": ["heart/2026"]}})
    ledger.append("session opened", {**USE, "session": "1", "folders": {"train": ["heart/2026"]}})
    ledger.append("refused", {"address": "10.0.0.8", "asked": "poll", "reason": "not \x1b[31mallowed"})
    ledger.append("session ended", {"session": "1", "reason": "asked for", "left": {"weights": 3}})
    ledger.close()
    return place


def ended(*words: str) -> int:
    try:
        main(["audit", *words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_table_says_who_used_which_folder(place: LedgerPlace, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("show", str(place.own), "--folder", "heart") == 0

    shown = capsys.readouterr().out
    assert "2 uses" in shown
    assert "abababab…" in shown.replace("\n", "")
    assert "refused" not in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["preparation", "session", "refused"]),
        (("--who", "abab"), ["preparation", "session"]),
        (("--who", "10.0.0.8"), ["refused"]),
        (("--what", "session"), ["session"]),
        (("--collaboration", "d"), []),
        (("--since", "1h"), ["preparation", "session", "refused"]),
        (("--until", "2020-01-01"), []),
    ],
)
def test_rows_are_chosen(
    place: LedgerPlace, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: list[str]
) -> None:
    assert ended("show", str(place.own), "--format", "json", *words) == 0

    assert [row["what"] for row in json.loads(capsys.readouterr().out)] == expected


def test_a_spreadsheet_and_a_terminal_do_nothing_with_what_others_say(
    place: LedgerPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    ended("show", str(place.own), "--format", "csv")
    spreadsheet = capsys.readouterr().out
    ended("show", str(place.own))
    table = capsys.readouterr().out

    assert ",'=1+1," in spreadsheet
    assert "\x1b" not in table


@pytest.mark.parametrize(("option", "value"), [("--since", "yesterday"), ("--until", "2026-13-01")])
def test_a_time_that_is_none_is_refused(
    place: LedgerPlace, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert ended("show", str(place.own), option, value) == 2

    assert option in capsys.readouterr().err


def test_a_ledger_and_a_copy_of_it_are_verified_and_a_changed_one_ends_in_failure(
    place: LedgerPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("verify", str(place.own), "--format", "json") == 0
    [sound] = json.loads(capsys.readouterr().out)
    copy = LedgerPlace(tmp_path / "copy", "worker")
    shutil.copytree(place.folder, copy.folder)
    assert ended("verify", str(copy.own), "--head", sound["head"], "--fingerprint", sound["signed_by"][0]) == 0
    [file] = copy.files()
    file.write_text(file.read_text().replace("10.0.0.8", "10.0.0.9"))
    capsys.readouterr()

    assert ended("verify", str(copy.own), "--head", sound["head"]) == 1

    assert "was edited" in capsys.readouterr().out.replace("\n", " ")
    assert ended("verify", str(copy.own), "--head", "5:nonsense") == 2


def test_a_ledger_that_was_written_before_its_identity_was_renewed_is_its_programs(place: LedgerPlace) -> None:
    renew_identity(place.own / FOLDER / "worker.json")

    assert ended("verify", str(place.own)) == 0


def test_a_ledger_that_another_has_written_is_not(place: LedgerPlace, tmp_path: Path) -> None:
    (place.own / FOLDER / "worker.json").unlink()
    identity_in(place.own / FOLDER / "worker.json")

    assert ended("verify", str(place.own)) == 1


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("show", str(tmp_path)) == 2

    assert "no program keeps a ledger" in capsys.readouterr().err
