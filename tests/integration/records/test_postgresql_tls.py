"""A record store by TLS: the server is verified and so is who asks; who is not believed is asked nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from servers import postgresql
from synergos.pki.consortium import LocalConsortium
from synergos.records import RecordStore
from synergos.records.secured_url import secured_url
from synergos.tls.files import TlsFiles
from synergos_simulator.grid import HOST, FreePorts


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> LocalConsortium:
    return LocalConsortium(tmp_path_factory.mktemp("pki"), (HOST,))


@pytest.fixture(scope="module")
def url(consortium: LocalConsortium) -> Iterator[str]:
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("POSTGRESQL WITH TLS IS NOT TESTED: it is not installed (on Debian: apt-get install postgresql)")
    port = FreePorts()()
    with postgresql.running(programs, (port, *consortium.files("postgresql"))):
        yield f"postgresql+psycopg://{postgresql.OWNER}@{HOST}:{port}/postgres"


def test_records_are_kept_at_a_server_that_is_believed(url: str, consortium: LocalConsortium) -> None:
    store = RecordStore(secured_url(url, TlsFiles(*consortium.files("ttp"))))
    try:
        assert store.cluster_id()
    finally:
        store.close()


def refused(url: str, files: TlsFiles) -> str:
    with pytest.raises(OperationalError) as caught:
        RecordStore(secured_url(url, files))
    return str(caught.value)


def test_a_server_that_nobody_vouches_for_is_not_asked(url: str, consortium: LocalConsortium, tmp_path: Path) -> None:
    ours, strangers = TlsFiles(*consortium.files("ttp")), LocalConsortium(tmp_path / "pki").authority.believed

    assert "certificate verify failed" in refused(url, replace(ours, authority=strangers))
    assert "does not match host name" in refused(url.replace(HOST, "localhost"), ours)


def test_who_shows_no_certificate_is_not_answered(url: str, consortium: LocalConsortium) -> None:
    assert "certificate" in refused(url, TlsFiles(authority=consortium.authority.believed))


def test_a_server_whose_certificate_was_revoked_is_not_asked(url: str, consortium: LocalConsortium) -> None:
    consortium.authority.revoke("postgresql")

    assert "certificate verify failed" in refused(url, TlsFiles(*consortium.files("ttp")))
