"""Where another program is, and what its addresses are here."""

from __future__ import annotations

import threading

import pytest

from synergos.errors import InvalidRequest
from synergos_portal.proxy import lines
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.tool import Kind, Login, Place, Tool, Trouble


@pytest.mark.parametrize(
    ("url", "written", "port", "path"),
    [
        ("http://mlops:5500", "mlops:5500", 5500, ""),
        ("https://logs.example.org/graylog/", "logs.example.org", 443, "/graylog"),
        ("http://[::1]:80/", "[::1]:80", 80, ""),
    ],
)
def test_a_place_is_read_from_an_address(url: str, written: str, port: int, path: str) -> None:
    place = Place.read(url, "--mlops")
    assert (place.written, place.port, place.path) == (written, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mlops:5500",
        "ftp://mlops",
        "http://",
        "http://a:b",
        "http://a:99999",
        "http://a/?x=1",
        "http://a/#x",
        "http://a b",
        "http://ä",
        "file:///etc",
        "//a",
    ],
)
def test_what_is_no_address_is_refused_with_the_flag(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^--mlops: .*expected an address such as"):
        Place.read(url, "--mlops")


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidRequest) as refused:
        Place.read("http://lead:secret@mlops:5500", "--mlops")
    assert "secret" not in str(refused.value)


def test_a_password_is_in_no_description() -> None:
    tool = Tool.under("mlops", "MLflow", Place.read("http://mlops", "--mlops"), login=Login("lead", "secret"))
    assert "secret" not in repr(tool)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("http://[::1]:5500", {"http://[::1]:5500"}),
        ("https://Logs.Example", {"https://logs.example", "https://logs.example:443"}),
        ("http://logs:80", {"http://logs", "http://logs:80"}),
    ],
)
def test_an_origin_may_be_written_in_several_ways(url: str, written: set[str]) -> None:
    assert Place.read(url, "--logs").origins == written


def test_of_a_program_that_hangs_so_many_wait_and_others_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_more = threading.BoundedSemaphore(1)
    nobody_more.acquire()
    monkeypatch.setattr(lines, "_waiting", nobody_more)
    waited: list[float | None] = []

    class Full(threading.BoundedSemaphore):
        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            waited.append(timeout if blocking else 0.0)
            return False

    full = Lines(Tool.under("mlops", "MLflow", Place.read("http://mlops", "--mlops")))
    monkeypatch.setattr(full, "_places", Full())

    with pytest.raises(Trouble) as error:
        full.take()
    nobody_more.release()
    with pytest.raises(Trouble):
        full.take()

    assert error.value.kind is Kind.BUSY
    assert waited == [0.0, 0.0, 5.0]
