from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from factories.image_data import picture, write_images
from synergos_worker.data_commands import app

TEXT = "patient;age;score;smoker;seen;ward;note;target\n" + "".join(
    f"PID-{n:04};{20 + n};{n},5;{'yes' if n % 3 else 'no'};{1 + n % 28:02}.01.2024;{n % 4:02};;{n % 2}\n"
    for n in range(60)
)


def run(*arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(app, list(map(str, arguments)))
    return ended.exit_code, ended.output


def written(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "größe"
    place.mkdir()
    (place / "rows.csv").write_text(TEXT, encoding="cp1252")
    return place


def test_a_schema_and_metadata_are_written_from_a_file_and_can_be_aligned(folder: Path) -> None:
    code, output = run("describe", folder)

    assert code == 0
    assert written(folder) == {
        "version": 1,
        "label": "target",
        "columns": {
            "patient": "id",
            "age": "int32",
            "score": "float64",
            "smoker": "boolean",
            "seen": {"type": "date", "format": "%d.%m.%Y"},
            "ward": "category",
            "note": "ignore",
            "target": "category",
        },
    }
    assert json.loads((folder / "metadata.json").read_text()) == {
        "datatype": "tabular",
        "operations": {},
        "delimiter": ";",
        "decimal": ",",
    }
    assert "PID" not in output
    assert run("check", folder)[0] == 0


def test_what_is_there_is_not_written_over(folder: Path) -> None:
    (folder / "schema.json").write_text("{}")
    (folder / "metadata.json").write_text('{"datatype": "tabular", "delimiter": ";", "decimal": ","}')

    code, output = run("describe", folder)
    forced, _ = run("describe", folder, "--force")

    assert (code, forced) == (1, 0)
    assert "schema.json: is there already; --force writes over it" in output
    assert written(folder)["columns"]["age"] == "int32"
    assert "operations" not in (folder / "metadata.json").read_text()


def test_the_label_is_the_column_that_is_named(folder: Path) -> None:
    assert run("describe", folder, "--label", "ward")[0] == 0
    assert written(folder)["label"] == "ward"

    code, output = run("describe", folder, "--label", "wad", "--force")

    assert code == 1
    assert "there is no column 'wad'; expected one of 'patient'" in output


def test_several_files_are_described_together_or_not_at_all(folder: Path) -> None:
    (folder / "more.csv").write_text(TEXT.replace(";21;", ";x1;"), encoding="cp1252")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "rows.csv").write_text("something else")

    assert run("describe", folder)[0] == 0
    assert written(folder)["columns"]["age"] == "int32"

    (folder / "more.csv").write_text("age;target\n1;0\n")
    code, output = run("describe", folder, "--force")
    assert code == 1
    assert "is only in some files" in output


def test_a_typed_file_says_itself_how_it_is_written(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"age": range(40), "seen": pd.to_datetime(pd.Series(["2024-01-01"] * 40)), "target": [0, 1] * 20}
    )
    frame.to_parquet(tmp_path / "rows.parquet")

    assert run("describe", tmp_path)[0] == 0
    assert written(tmp_path)["columns"] == {"age": "int32", "seen": "date", "target": "category"}
    assert json.loads((tmp_path / "metadata.json").read_text()) == {"datatype": "tabular", "operations": {}}
    assert run("check", tmp_path)[0] == 0


def test_a_frame_s_index_is_ignored(tmp_path: Path) -> None:
    pd.DataFrame({"age": range(40), "target": [0, 1] * 20}).to_csv(tmp_path / "rows.csv")

    assert run("describe", tmp_path)[0] == 0
    assert written(tmp_path)["columns"][""] == "ignore"
    assert run("check", tmp_path)[0] == 0


def test_a_folder_that_cannot_be_written_to_is_told(folder: Path) -> None:
    (folder / "schema.json").mkdir()

    code, output = run("describe", folder)

    assert code == 1
    assert "schema.json: cannot be written" in output


def test_images_need_metadata_alone(tmp_path: Path) -> None:
    place = write_images(tmp_path, ["dogs"], {"0.png": picture((4, 4))}, ["x"])
    (place / "metadata.json").unlink()

    code, _ = run("describe", place)

    assert code == 0
    assert json.loads((place / "metadata.json").read_text())["datatype"] == "image"
    assert not (place / "schema.json").exists()


def test_a_folder_without_rows_is_refused(tmp_path: Path) -> None:
    code, output = run("describe", tmp_path)

    assert code == 1
    assert "there is no file of rows in it" in output


def test_what_was_written_is_told_as_json(folder: Path) -> None:
    code, output = run("describe", folder, "--format", "json")

    told = json.loads(output)
    assert code == 0
    assert told["written"] == ["schema.json", "metadata.json"]
    assert told["columns"]["seen"] == "date"


def test_a_number_that_stands_in_for_nothing_is_suspected_and_not_repeated(folder: Path) -> None:
    (folder / "rows.csv").write_text(TEXT.replace(";21;", ";999;").replace(";22;", ";999;"), encoding="cp1252")

    code, output = run("describe", folder)

    assert code == 0
    said = " ".join(output.split())
    assert "column 'age': its greatest number, in 2 rows, stands apart from all others" in said
    assert "column 'score'" not in said
    assert "999" not in said
