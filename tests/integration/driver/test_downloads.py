"""The driver downloads a run's files from a real service: whole, checked, and gone on with where it broke off."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from fakes.orchestration import RUN, CannedDispatcher, Client, declare, go_through_all_stages
from synergos import Driver
from synergos.domain.keys import ExperimentKey, RunKey
from synergos.domain.records import Kind
from synergos.driver import DriverError, ServerUnreachable, UsageError, downloads
from synergos.records import RecordStore
from synergos.rest import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MODEL = bytes(range(256)) * 20_000
FILES = {"global_model.pt": MODEL, "global_loss_history.json": b"{}\n", "manifest.json": b"{}\n", "empty.json": b""}
KEY = RunKey.of(RUN)
IDS = (KEY.collab_id, KEY.project_id, KEY.expt_id, KEY.run_id)


@dataclass
class Moody:
    """A service whose answers with files can go wrong.

    Attributes:
        asked: each request for a file: its path and its range.
        faults: what becomes of the next files' content, first come first served.
    """

    app: WSGIApplication
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    faults: list[Callable[[Iterable[bytes]], Iterable[bytes]]] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content = self.app(environ, start_response)
        name = environ["PATH_INFO"].partition("/artifacts/")[2]
        if not name:
            return content
        self.asked.append((name, environ.get("HTTP_RANGE")))
        return ClosingIterator(self.faults.pop(0)(content), _close_of(content)) if self.faults else content


def _close_of(content: Iterable[bytes]) -> Callable[[], None]:
    return getattr(content, "close", lambda: None)


def breaks_off(content: Iterable[bytes]) -> Iterator[bytes]:
    """A connection that is lost after a part of the file."""
    for number, chunk in enumerate(content):
        if number == 40:
            raise ConnectionError
        yield chunk


def breaks_off_at_once(content: Iterable[bytes]) -> Iterator[bytes]:
    yield b""
    raise ConnectionError


def is_damaged(content: Iterable[bytes]) -> Iterator[bytes]:
    yield from (chunk.replace(b"\x07", b"\x08") for chunk in content)


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records'}")
    yield store
    store.close()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def folder(outputs: Path) -> Path:
    """What a training has left."""
    return written(KEY.folder(outputs), FILES)


@pytest.fixture
def service(store: RecordStore, outputs: Path, folder: Path) -> Moody:
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1", outputs=outputs)
    client = Client(app.test_client())
    declare(client)
    go_through_all_stages(client)
    return Moody(app)


@pytest.fixture
def driver(service: Moody) -> Iterator[Driver]:
    server = make_server("127.0.0.1", 0, service, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with Driver("127.0.0.1", server.server_port) as driver:
        yield driver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "run"


def written(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_is_downloaded_whole(driver: Driver, to: Path) -> None:
    found = driver.models.download(*IDS, to=to)

    assert content_of(to) == FILES
    assert found == {name: to / name for name in FILES}


def test_what_is_there_is_not_asked_for_again(driver: Driver, service: Moody, to: Path) -> None:
    driver.models.download(*IDS, to=to)
    (to / "manifest.json").write_bytes(b"changed")
    service.asked.clear()

    driver.models.download(*IDS, to=to)

    assert service.asked == [("manifest.json", None)]
    assert content_of(to) == FILES


def test_only_what_is_named_is_downloaded(driver: Driver, to: Path) -> None:
    driver.models.download(*IDS, ["manifest.json"], to=str(to))

    assert content_of(to) == {"manifest.json": b"{}\n"}
    with pytest.raises(UsageError, match=r"no file 'model\.onnx'; there is .*manifest\.json"):
        driver.models.download(*IDS, ["manifest.json", "model.onnx"], to=to)


def test_a_download_that_breaks_off_goes_on_where_it_was(driver: Driver, service: Moody, to: Path) -> None:
    service.faults = [breaks_off, breaks_off]

    driver.models.download(*IDS, ["global_model.pt"], to=to)

    (first, begin), (second, wanted), (third, further) = service.asked
    assert {first, second, third} == {"global_model.pt"}
    assert begin is None
    assert wanted is not None
    assert further is not None
    assert 0 < int(wanted[6:-1]) < int(further[6:-1]) < len(MODEL)
    assert content_of(to) == {"global_model.pt": MODEL}


def test_a_service_that_is_gone_leaves_what_has_come_for_the_next_call(
    driver: Driver, service: Moody, to: Path
) -> None:
    service.faults = [breaks_off, *[breaks_off_at_once] * downloads.TRIES]
    with pytest.raises(ServerUnreachable):
        driver.models.download(*IDS, ["global_model.pt"], to=to)
    assert not (to / "global_model.pt").exists()
    service.asked.clear()

    driver.models.download(*IDS, ["global_model.pt"], to=to)

    [(_, wanted)] = service.asked
    assert wanted is not None
    assert content_of(to) == {"global_model.pt": MODEL}


def test_a_file_that_arrives_damaged_takes_nobodys_place(driver: Driver, service: Moody, to: Path) -> None:
    written(to, {"global_model.pt": b"the one before"})
    service.faults = [is_damaged]

    with pytest.raises(DriverError, match=r"global_model\.pt arrived damaged: expected SHA-256"):
        driver.models.download(*IDS, ["global_model.pt"], to=to)

    assert content_of(to) == {"global_model.pt": b"the one before"}


def test_a_run_that_is_trained_again_meanwhile_is_downloaded_as_it_is_then(
    driver: Driver, service: Moody, folder: Path, to: Path
) -> None:
    new = {name: content + b"new" for name, content in FILES.items()}

    def is_swapped(content: Iterable[bytes]) -> Iterator[bytes]:
        folder.rename(folder.with_name(".replaced"))
        written(folder, new)
        yield from breaks_off(content)

    service.faults = [is_swapped]

    driver.models.download(*IDS, to=to)

    assert content_of(to) == new


def test_an_answer_that_is_no_file_is_an_error(driver: Driver, store: RecordStore, to: Path) -> None:
    with pytest.raises(DriverError) as refused:
        driver.models.download("c", "p", "e", "r", to=to)
    assert refused.value.status == 404

    store.delete(Kind.MODEL, KEY)
    assert driver.models.artifacts(*IDS)["status"] == 404


def test_a_folder_that_takes_nothing_is_named(driver: Driver, to: Path) -> None:
    to.parent.mkdir(parents=True)
    to.write_text("no folder")

    with pytest.raises(DriverError, match="cannot be written"):
        driver.models.download(*IDS, to=to)


@pytest.mark.parametrize("name", ["../escaped", "a/b", "..", ".hidden", "a\\b"])
def test_a_name_that_leads_elsewhere_is_not_followed(name: str) -> None:
    with pytest.raises(DriverError, match="name it cannot have"):
        downloads.Artifact.of({"name": name, "bytes": 0, "sha256": hashlib.sha256().hexdigest(), "etag": "x"})


def test_the_picture_of_a_study_is_a_file(driver: Driver, store: RecordStore, outputs: Path, to: Path) -> None:
    experiment = ExperimentKey.of(RUN)
    path = written(experiment.folder(outputs) / "optimizations", {"s1.png": b"\x89PNG"}) / "s1.png"
    store.put(Kind.STUDY, {**experiment, "study_id": "s1"}, {**STUDY, "picture": str(path)})

    assert driver.optimizations.picture("s1", to=to / "s1.png").read_bytes() == b"\x89PNG"
    with pytest.raises(DriverError, match="no Study 's2'"):
        driver.optimizations.picture("s2", to=to / "s2.png")
    assert [each.name for each in to.iterdir()] == ["s1.png"]


STUDY = {
    "metric": "R2",
    "direction": "max",
    "search_space": {},
    "fixed": {},
    "searcher": "random",
    "scheduler": "none",
    "max_trials": 1,
    "seed": 0,
    "base_run": None,
    "max_concurrent": None,
    "max_seconds": None,
    "options": {},
    "state": "completed",
    "error": None,
    "finished_at": None,
}
