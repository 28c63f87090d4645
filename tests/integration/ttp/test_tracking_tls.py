"""MLflow's client by https: it believes whom the TTP believes, and looks at what those have revoked."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from servers.https import HOST, listening
from synergos.pki.consortium import LocalConsortium
from synergos.program.program import ProgramSettings
from synergos.tls.files import TlsFiles
from synergos.tls.secured import Secured
from synergos_ttp.__main__ import parser
from synergos_ttp.tracking.one_server import OneServer, only
from synergos_ttp.tracking.tls import arguments_of, files_of, tracking_tls_of


@pytest.fixture
def consortium(tmp_path: Path) -> LocalConsortium:
    return LocalConsortium(tmp_path / "pki", (HOST,))


def asked(port: int, files: TlsFiles) -> int:
    address = f"https://{HOST}:{port}"
    # As MLflow's client: it knows nothing of certificates.
    with only(OneServer(address, (HOST,), Secured(files))), requests.Session() as session:
        return session.get(f"{address}/api", timeout=30).status_code


def test_a_server_is_believed_and_shown_who_asks(consortium: LocalConsortium, tmp_path: Path) -> None:
    files = TlsFiles(*consortium.files("writer"))
    strangers = LocalConsortium(tmp_path / "strangers").authority.believed

    with listening(consortium, asks=True) as port:
        assert asked(port, files) == 200
        with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
            asked(port, replace(files, authority=strangers))
        with pytest.raises(requests.exceptions.ConnectionError):
            asked(port, TlsFiles(authority=files.authority))


def test_a_server_whose_certificate_was_revoked_is_told_nothing(consortium: LocalConsortium) -> None:
    with listening(consortium) as port:
        consortium.authority.revoke("ttp")
        with pytest.raises(requests.exceptions.SSLError, match="certificate revoked"):
            asked(port, TlsFiles(authority=consortium.authority.believed))


def read(*arguments: str) -> TlsFiles | None:
    flags = parser()
    given: argparse.Namespace = flags.parse_args(arguments)
    return tracking_tls_of(flags, given, ProgramSettings.of(given))


def test_who_vouches_for_servers_is_who_vouches_for_all_others_unless_another_is_said(
    consortium: LocalConsortium, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, key, authority = consortium.files("ttp")
    other = LocalConsortium(tmp_path / "other").authority.believed
    own = ["--tls_cert", str(certificate), "--tls_key", str(key), "--tls_ca", str(authority)]

    assert read() is None
    assert read(*own) == TlsFiles(certificate, key, authority)
    assert read(*own, "--mlops_ca", str(other)) == TlsFiles(certificate, key, other)
    assert read("--mlops_ca", str(other)) == TlsFiles(authority=other)
    with pytest.raises(SystemExit):
        read("--mlops_ca", str(tmp_path / "gone.pem"))
    assert "--mlops_ca: " in capsys.readouterr().err


def test_the_process_that_writes_is_told_the_same_files(consortium: LocalConsortium) -> None:
    for files in (TlsFiles(*consortium.files("ttp")), TlsFiles(authority=Path("/ca.pem"))):
        assert files_of(arguments_of(files)) == files
    assert files_of(arguments_of(None)) is None
