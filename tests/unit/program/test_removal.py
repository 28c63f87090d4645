from __future__ import annotations

import os
from pathlib import Path

import pytest

from synergos.program.removal import remove_files

RUN = ("c", "p", "e", "r")


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    root = tmp_path / "outputs"
    for run in ("r", "r2"):
        folder = root / "c" / "p" / "e" / run / "predict"
        folder.mkdir(parents=True)
        (folder / "predictions.csv").write_text("row")
        (folder.parent / "model.pt").write_text("weights")
    return root


def names_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_a_folder_goes_with_everything_in_it_and_those_beside_it_stay(outputs: Path) -> None:
    assert remove_files(outputs, RUN) == 2
    assert not outputs.joinpath(*RUN).exists()
    assert names_below(outputs / "c" / "p" / "e") == ["r2/model.pt", "r2/predict/predictions.csv"]


def test_a_folder_above_takes_those_below_along(outputs: Path) -> None:
    assert remove_files(outputs, ("c", "p")) == 4
    assert [path.name for path in outputs.rglob("*")] == ["c"]


@pytest.mark.parametrize(
    "names", [("c", "p", "e", "other"), ("no", "such", "run"), ("c", "p", "e", "r", "model.pt", "x")]
)
def test_what_is_not_there_is_removed_already(outputs: Path, names: tuple[str, ...]) -> None:
    assert remove_files(outputs, names) == 0
    assert remove_files(outputs / "missing", names) == 0
    assert len(names_below(outputs)) == 4


def test_what_was_written_since_stays_where_it_is(outputs: Path) -> None:
    folder = outputs.joinpath(*RUN)
    os.utime(folder / "model.pt", (0, 0))

    assert remove_files(outputs, RUN, age=60.0) == 1
    assert names_below(folder) == ["predict/predictions.csv"]


def test_a_link_goes_and_what_it_leads_to_stays(outputs: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("of somebody else")
    folder = outputs.joinpath(*RUN)
    (folder / "folder").symlink_to(elsewhere)
    (folder / "file").symlink_to(elsewhere / "file")

    remove_files(outputs, RUN)

    assert not folder.exists()
    assert names_below(elsewhere) == ["file"]


def test_no_link_is_followed_on_the_way(outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "e" / "r").mkdir(parents=True)
    (tmp_path / "elsewhere" / "e" / "r" / "file").write_text("of somebody else")
    (outputs / "c" / "linked").symlink_to(tmp_path / "elsewhere")

    assert remove_files(outputs, ("c", "linked", "e", "r")) == 0
    assert names_below(tmp_path / "elsewhere") == ["e/r/file"]


@pytest.mark.parametrize("names", [(), ("c", ".."), ("..", "data"), ("c/p",), ("",), (".",), ("c\0",)])
def test_nothing_outside_the_folder_can_be_named(outputs: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="plain names"):
        remove_files(outputs, names)
    assert len(names_below(outputs)) == 4
