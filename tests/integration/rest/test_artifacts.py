"""The files of a run over HTTP: what there is, whole, in parts, not again, and nothing that lies elsewhere."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from fakes.orchestration import MODELS_URL, RUN, CannedDispatcher, Client, E, R, leave
from synergos.domain.keys import ExperimentKey, RunKey
from synergos.domain.records import Kind
from synergos.domain.study import Direction, Study, StudyState
from synergos.records import RecordStore
from synergos.rest import create_app

URL = f"{MODELS_URL}/{E}/{R}/artifacts"
MODEL = bytes(range(256)) * 1000
FILES = {
    "global_model.pt": MODEL,
    "global_model.safetensors": MODEL[::-1],
    "global_loss_history.json": b'{"train": {"0": 1.5}}\n',
    "local_model_wörker 1.pt": b"weights",
    "manifest.json": b"{}\n",
}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def folder(outputs: Path) -> Path:
    """What a training has left."""
    folder = RunKey.of(RUN).folder(outputs)
    write(folder, FILES)
    return folder


@pytest.fixture
def served(store: RecordStore, dispatcher: CannedDispatcher, outputs: Path, finished: Client, folder: Path) -> Client:
    """A client of a grid that has trained."""
    return Client(create_app(store, dispatcher, component_id="ttp/1", outputs=outputs).test_client())


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read(client: Client, name: str, **headers: str) -> Any:
    written = {key.replace("_", "-"): value for key, value in headers.items()}
    return client.http.get(f"{URL}/{name}", headers=written, buffered=True)


def test_a_run_lists_its_files_with_what_it_takes_to_check_them(served: Client, folder: Path) -> None:
    (folder / ".unfinished").write_bytes(b"")
    (folder / "more").mkdir()

    listed = served.data("GET", URL)

    assert {each["name"]: each["bytes"] for each in listed} == {name: len(content) for name, content in FILES.items()}
    assert {each["name"]: each["sha256"] for each in listed} == {
        name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()
    }
    assert {each["media_type"] for each in listed} == {"application/json", "application/octet-stream"}


def test_a_file_comes_as_it_is_and_for_no_browser_to_guess_at(served: Client) -> None:
    [listed] = [each for each in served.data("GET", URL) if each["name"] == "global_model.pt"]

    answer = read(served, "global_model.pt")

    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, MODEL, str(len(MODEL)))
    assert answer.headers["ETag"] == f'"{listed["etag"]}"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename=global_model.pt"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_name_that_is_not_ascii_is_served_under_its_name(served: Client) -> None:
    answer = read(served, "local_model_wörker 1.pt")

    assert answer.data == b"weights"
    assert "filename*=UTF-8''local_model_w%C3%B6rker%201.pt" in answer.headers["Content-Disposition"]


def test_a_file_is_never_held_whole(served: Client) -> None:
    answer = served.http.get(f"{URL}/global_model.pt", buffered=False)

    assert answer.is_streamed
    assert max(map(len, answer.response)) < len(MODEL)
    answer.close()


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("bytes=0-9", 0, 9), ("bytes=255999-", 255999, 255999), ("bytes=-6", 255994, 255999)]
)
def test_a_part_of_a_file_can_be_had(served: Client, wanted: str, first: int, last: int) -> None:
    answer = read(served, "global_model.pt", Range=wanted)

    assert (answer.status_code, answer.data) == (206, MODEL[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/256000"


def test_a_part_that_there_is_not_is_refused_with_the_size(served: Client) -> None:
    answer = read(served, "global_model.pt", Range="bytes=256000-")

    assert (answer.status_code, answer.get_json()["status"]) == (416, 416)
    assert answer.headers["Content-Range"] == "bytes */256000"


def test_what_a_client_has_already_is_not_sent_again(served: Client) -> None:
    etag = read(served, "manifest.json").headers["ETag"]

    assert (read(served, "manifest.json", If_None_Match=etag).status_code, etag) == (304, etag)
    assert read(served, "manifest.json", If_None_Match='"another"').status_code == 200


def test_a_part_of_another_training_is_not_taken_for_the_rest_of_the_first(served: Client, folder: Path) -> None:
    etag = read(served, "global_model.pt").headers["ETag"]
    swap(folder, {**FILES, "global_model.pt": b"new"})

    assert read(served, "global_model.pt", If_Match=etag, Range="bytes=1-").status_code == 412
    whole = read(served, "global_model.pt", If_Range=etag, Range="bytes=1-")
    assert (whole.status_code, whole.data) == (200, b"new")


def swap(folder: Path, files: dict[str, bytes]) -> None:
    """As a training puts its folder in the place of the one before."""
    staging, replaced = folder.with_name(".staging"), folder.with_name(".replaced")
    write(staging, files)
    folder.rename(replaced)
    staging.rename(folder)
    for path in replaced.iterdir():
        path.unlink()
    replaced.rmdir()


def test_who_reads_while_the_run_is_trained_again_gets_the_old_file_whole(served: Client, folder: Path) -> None:
    answer = served.http.get(f"{URL}/global_model.pt", buffered=False)
    chunks: Any = iter(answer.response)
    begin = next(chunks)

    swap(folder, {**FILES, "global_model.pt": b"new"})

    assert begin + b"".join(chunks) == MODEL
    answer.close()
    assert read(served, "global_model.pt").data == b"new"


def test_a_run_that_is_being_trained_again_still_has_its_files(
    served: Client, store: RecordStore, dispatcher: CannedDispatcher
) -> None:
    dispatcher.do = leave
    served.post(f"{MODELS_URL}/{E}/{R}", {})

    assert served.get(f"{MODELS_URL}/{E}/{R}")[0] == 404
    assert len(served.data("GET", URL)) == len(FILES)


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "%2e%2e%2fsecret",
        "..%2f..%2fsecret",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        ".hidden",
        "no_such_file.json",
        "linked.json",
        "piped",
        "more",
        "global_model.pt%00.json",
        "%00",
        "x" * 5000,
        "%ff",
    ],
)
def test_nothing_but_the_files_of_the_run_is_served(served: Client, folder: Path, name: str) -> None:
    secret = folder.parent / "secret"
    secret.write_bytes(b"classified")
    (folder / ".hidden").write_bytes(b"classified")
    (folder / "linked.json").symlink_to(secret)
    os.mkfifo(folder / "piped")
    (folder / "more").mkdir()

    answer = served.http.get(f"{URL}/{name}", buffered=True)

    assert answer.status_code == 404
    assert b"classified" not in answer.data
    assert {"linked.json", "piped", "more"}.isdisjoint(each["name"] for each in served.data("GET", URL))


def test_a_file_that_there_is_not_is_named(served: Client) -> None:
    status, answer = served.get(f"{URL}/model.onnx")

    assert (status, answer["field"]) == (404, "name")
    assert "'model.onnx'" in answer["message"]


@pytest.mark.parametrize("parts", [0, 1, 2, 3])
def test_no_folder_on_the_way_may_be_a_link(served: Client, outputs: Path, folder: Path, parts: int) -> None:
    linked = [*reversed(folder.relative_to(outputs).parents), folder.relative_to(outputs)][parts + 1]
    (outputs / linked).rename(outputs.parent / "elsewhere")
    (outputs / linked).symlink_to(outputs.parent / "elsewhere")

    assert served.get(URL)[0] == 404
    assert read(served, "manifest.json").status_code == 404


def test_files_on_another_host_are_not_here_and_the_answer_says_where(
    served: Client, store: RecordStore, outputs: Path, folder: Path
) -> None:
    [job] = store.jobs(stage="train")
    store.save_job(job.started().__class__(**{**vars(job), "ttp": "ttp_2"}))
    folder.rename(outputs / "away")

    for url in (URL, f"{URL}/manifest.json"):
        status, answer = served.get(url)
        assert status == 404
        assert "TTP 'ttp_2' wrote them to /outputs/" in answer["message"]


@pytest.mark.parametrize(("kind", "said"), [(Kind.RUN, "no Run with"), (Kind.MODEL, "is not trained")])
def test_without_a_run_or_its_model_there_are_no_files(
    served: Client, store: RecordStore, kind: Kind, said: str
) -> None:
    store.delete(kind, RUN)

    status, answer = served.get(URL)

    assert status == 404
    assert said in answer["message"]


def test_a_program_without_outputs_says_so(finished: Client) -> None:
    assert finished.get(URL)[0] == 403


def test_the_picture_of_a_study_is_shown_when_there_is_one(served: Client, store: RecordStore, outputs: Path) -> None:
    study = Study(
        id="s1",
        experiment=ExperimentKey.of(RUN),
        metric="R2",
        direction=Direction.MAXIMUM,
        search_space={},
        fixed={},
        searcher="random",
        scheduler="none",
        max_trials=1,
        seed=0,
        state=StudyState.COMPLETED,
    )
    store.put(Kind.STUDY, study.key, study.to_payload())
    assert served.get("/ttp/studies/s1/picture")[0] == 404

    path = study.experiment.folder(outputs) / "optimizations" / "s1.png"
    store.merge(Kind.STUDY, study.key, {"picture": str(path)})
    status, answer = served.get("/ttp/studies/s1/picture")
    assert (status, str(path) in answer["message"]) == (404, True)

    write(path.parent, {path.name: b"\x89PNG"})
    shown = served.http.get("/ttp/studies/s1/picture", buffered=True)
    assert (shown.status_code, shown.data, shown.mimetype) == (200, b"\x89PNG", "image/png")
    assert shown.headers["Content-Disposition"] == "inline; filename=s1.png"


def test_a_model_that_is_not_the_file_that_was_trained_is_not_handed_out(
    served: Client, store: RecordStore, folder: Path
) -> None:
    digests = {"global_model.pt": hashlib.sha256(MODEL).hexdigest()}
    store.merge(Kind.MODEL, RUN, {"global": {**store.get(Kind.MODEL, RUN)["global"], "sha256": digests}})

    assert read(served, "global_model.pt").get_data() == MODEL
    (folder / "global_model.pt").write_bytes(b"another collaboration's")
    answer = read(served, "global_model.pt")

    assert (answer.status_code, answer.json["message"].split(":")[0]) == (
        409,
        "global_model.pt is not the file that was trained",
    )
    assert read(served, "manifest.json").status_code == 200
