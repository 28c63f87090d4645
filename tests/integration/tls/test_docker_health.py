"""The images' health check of a program that speaks TLS, and asks who asks."""

from __future__ import annotations

import runpy
import ssl
from pathlib import Path
from typing import Any

import pytest

from servers.https import HOST, listening
from synergos.pki.consortium import LocalConsortium

CHECK = Path(__file__).parents[3] / "docker" / "health.py"


@pytest.fixture(scope="module")
def check() -> dict[str, Any]:
    return runpy.run_path(str(CHECK))


def told(consortium: LocalConsortium, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_TLS_CERT", str(consortium.folder / name / f"{name}.pem"))
    monkeypatch.setenv("SYNERGOS_TLS_KEY", str(consortium.folder / name / f"{name}.key"))


def test_a_program_is_asked_by_its_own_certificate_which_is_for_another_name(
    check: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    consortium = LocalConsortium(tmp_path / "pki", ("worker.example",))
    with listening(consortium, asks=True) as port:
        told(consortium, "ttp", monkeypatch)
        assert check["answers"](HOST, port)


def test_another_program_of_the_same_consortium_is_not_taken_for_it(
    check: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    consortium = LocalConsortium(tmp_path / "pki", ("worker.example",))
    consortium.files("worker")
    told(consortium, "worker", monkeypatch)

    with listening(consortium) as port, pytest.raises(ssl.SSLCertVerificationError):
        check["answers"](HOST, port)
