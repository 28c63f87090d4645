"""Lists of names, addresses and networks: what is in them, and how they are written."""

from __future__ import annotations

import pytest

from synergos.domain.addresses import Places
from synergos.errors import InvalidRequest


@pytest.mark.parametrize(
    ("listed", "host", "port"),
    [
        ("mlflow.example.org", "mlflow.example.org", 5500),
        ("mlflow.example.org", "MLflow.example.org.", 5500),
        ("mlflow.example.org:5500", "mlflow.example.org", 5500),
        ("10.0.0.11", "10.0.0.11", 1),
        ("10.0.0.0/24", "10.0.0.11", 1),
        ("10.0.0.0/24:5500", "10.0.0.11", 5500),
        ("::1", "[::1]", 1),
        ("[::1]:5500", "::1", 5500),
        ("fd00::/8", "fd00::7", 1),
    ],
)
def test_what_is_listed_is_found_however_it_is_written(listed: str, host: str, port: int) -> None:
    assert Places.read(["other.example.org", listed]).have(host, port)


@pytest.mark.parametrize(
    ("listed", "host", "port"),
    [
        ("mlflow.example.org", "mlflow.example.org.evil.example", 5500),
        ("mlflow.example.org", "evil.example/mlflow.example.org", 5500),
        ("mlflow.example.org:5500", "mlflow.example.org", 5501),
        ("10.0.0.11:5500", "10.0.0.11", 80),
        ("10.0.0.0/24", "10.0.1.11", 1),
        ("127.0.0.1", "2130706433", 1),
        ("127.0.0.1", "::ffff:127.0.0.1", 1),
        ("127.0.0.1", "localhost", 1),
    ],
)
def test_what_is_not_listed_is_not_found(listed: str, host: str, port: int) -> None:
    assert not Places.read([listed]).have(host, port)


@pytest.mark.parametrize(
    "text", ["", "http://mlflow", "a b", "10.0.0.1/24", "2130706433", "host:0", "host:x", "x@y", "0x7f.1"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="expected a name, an address or a network"):
        Places.read([text])
