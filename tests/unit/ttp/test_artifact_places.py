"""Where the files of a training may go, whoever says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos_ttp.tracking.artifact_places import PlaceNotAllowed, check_local, check_remote, folder_of

SERVER = "http://10.0.0.9:5500"
RUN = "0" * 32


@pytest.mark.parametrize("collaboration", ["heart", "heart (1) + ü@north=a~b:c"])
def test_each_collaboration_has_a_folder_of_its_own(tmp_path: Path, collaboration: str) -> None:
    place = (folder_of(tmp_path, collaboration) / RUN / "artifacts").as_uri()

    assert check_local(place, tmp_path, collaboration, RUN) == place
    with pytest.raises(PlaceNotAllowed):
        check_local(place, tmp_path, "lungs", RUN)


def test_a_run_of_before_there_were_such_folders_keeps_its_place(tmp_path: Path) -> None:
    place = (tmp_path / "artifacts" / RUN / "artifacts").as_uri()

    assert check_local(place, tmp_path, "heart", RUN) == place
    with pytest.raises(PlaceNotAllowed):
        check_local(place, tmp_path, "heart", "1" * 32)


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc",
        "file://{store}/artifacts/heart/../lungs/x",
        "file://{store}/artifacts/heart/%2e%2e/lungs/x",
        "file://{store}/artifacts/heart",
        "file://elsewhere{store}/artifacts/heart/x",
        "{store}/artifacts/heart/x",
        "file:artifacts/heart/x",
        "mlflow-artifacts:/heart/x",
        "s3://bucket/heart",
        "file://{store}/artifacts/heart/link/x",
        "",
    ],
)
def test_nothing_is_written_outside_of_it(tmp_path: Path, place: str) -> None:
    own, other = folder_of(tmp_path, "heart"), folder_of(tmp_path, "lungs")
    own.mkdir(parents=True)
    other.mkdir()
    (own / "link").symlink_to(other)

    with pytest.raises(PlaceNotAllowed):
        check_local(place.format(store=tmp_path), tmp_path, "heart", RUN)


@pytest.mark.parametrize(
    "place",
    [
        "mlflow-artifacts:/1/run/artifacts",
        "mlflow-artifacts://10.0.0.9:5500/1/run/artifacts",
        "http://10.0.0.9:5500/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts",
    ],
)
def test_a_server_takes_files_by_its_own_hands(place: str) -> None:
    assert check_remote(place, SERVER) == place


@pytest.mark.parametrize(
    "place",
    [
        "file:///outputs/heart",
        "/outputs/heart",
        "s3://bucket/x",
        "mlflow-artifacts://10.0.0.8:5500/1",
        "mlflow-artifacts://10.0.0.9:5501/1",
        "mlflow-artifacts://10.0.0.9/1",
        "mlflow-artifacts://10.0.0.9:5500@10.0.0.8:5500/1",
        "mlflow-artifacts:/1/../../../x",
        "mlflow-artifacts:/1/%2E%2E/x",
        "mlflow-artifacts:/1?x=y",
        "http://10.0.0.8:5500/api/2.0/mlflow-artifacts/artifacts/1",
        "https://10.0.0.9:5500/api/2.0/mlflow-artifacts/artifacts/1",
        "http://10.0.0.9:5500/elsewhere",
        "http://10.0.0.9:5500\\@10.0.0.8/api/2.0/mlflow-artifacts/artifacts/1",
        "http://10.0.0.9:port/api/2.0/mlflow-artifacts/artifacts/1",
        "dbfs:/x",
        "",
    ],
)
def test_a_server_sends_files_nowhere_else(place: str) -> None:
    with pytest.raises(PlaceNotAllowed):
        check_remote(place, SERVER)
