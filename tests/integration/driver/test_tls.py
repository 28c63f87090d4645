"""The driver by https: it believes whom it is told to, shows what it is asked for, and says what does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.connect_proxy import ConnectProxy, connect_proxy
from servers.https import HOST, listening
from synergos import Driver
from synergos.driver.errors import ServerUnreachable, UsageError
from synergos.pki.consortium import LocalConsortium
from synergos_simulator.grid import FreePorts

THROUGH_A_PROXY = "0.0.0.0"
"""This machine, by an address that is not loopback: a driver asks no proxy for that."""


@pytest.fixture
def consortium(tmp_path: Path) -> LocalConsortium:
    return LocalConsortium(tmp_path / "pki", (HOST,))


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    for name in ("no_proxy", "NO_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with connect_proxy(tmp_path, FreePorts()()) as running:
        monkeypatch.setenv("HTTPS_PROXY", running.url)
        yield running


def reads(port: int, host: str = HOST, **files: object) -> int:
    with Driver(host, port, is_secured=True, raise_errors=True, **files) as driver:  # type: ignore[arg-type]
        return int(driver.collaborations.read_all()["status"])


def test_who_vouches_for_an_orchestrator_is_told_by_a_file_or_the_environment(
    consortium: LocalConsortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(consortium) as port:
        assert reads(port, tls_ca=consortium.authority.believed) == 200
        monkeypatch.setenv("SYNERGOS_TLS_CA", str(consortium.authority.believed))
        assert reads(port) == 200


def test_who_was_named_counts_and_not_whom_the_library_is_told_of(
    consortium: LocalConsortium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers = LocalConsortium(tmp_path / "strangers").authority.believed
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(consortium.authority.believed))

    with (
        listening(consortium) as port,
        pytest.raises(ServerUnreachable, match=r"nobody that is believed vouches for it.*tls_ca"),
    ):
        reads(port, tls_ca=strangers)


def test_an_orchestrator_whose_certificate_was_revoked_is_not_believed(consortium: LocalConsortium) -> None:
    with listening(consortium) as port:
        consortium.authority.revoke("ttp")
        with pytest.raises(ServerUnreachable, match="its certificate does not hold: it was revoked"):
            reads(port, tls_ca=consortium.authority.believed)


def test_an_orchestrator_that_asks_for_a_certificate_is_shown_one(consortium: LocalConsortium) -> None:
    authority = consortium.authority.believed
    with listening(consortium, asks=True) as port:
        certificate, key, _ = consortium.files("analyst")
        assert reads(port, tls_ca=authority, tls_cert=certificate, tls_key=key) == 200
        with pytest.raises(ServerUnreachable):
            reads(port, tls_ca=authority)


def test_through_a_proxy_an_orchestrator_is_believed_and_shown_the_same(tmp_path: Path, proxy: ConnectProxy) -> None:
    consortium = LocalConsortium(tmp_path / "pki", (THROUGH_A_PROXY,))
    authority = consortium.authority.believed
    certificate, key, _ = consortium.files("analyst")
    with listening(consortium, asks=True) as port:
        assert reads(port, THROUGH_A_PROXY, tls_ca=authority, tls_cert=certificate, tls_key=key) == 200
        consortium.authority.revoke("ttp")
        with pytest.raises(ServerUnreachable, match="its certificate does not hold: it was revoked"):
            reads(port, THROUGH_A_PROXY, tls_ca=authority, tls_cert=certificate, tls_key=key)

    assert proxy.asked.count(f"{THROUGH_A_PROXY}:{port}") == 2


def test_files_that_make_no_sense_are_refused_before_anything_is_asked(
    consortium: LocalConsortium, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--tls_ca: .*gone\.pem cannot be read"):
        Driver(HOST, 1, is_secured=True, tls_ca=tmp_path / "gone.pem")
    with pytest.raises(UsageError, match="tls_ca: expected with is_secured=True"):
        Driver(HOST, 1, tls_ca=consortium.authority.believed)
    with pytest.raises(UsageError, match="together"):
        Driver(HOST, 1, is_secured=True, tls_cert=consortium.files("analyst")[0])
