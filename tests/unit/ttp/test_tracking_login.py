"""By which user and password tracking servers let a TTP in, and what clients of no server in particular are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos_ttp.__main__ import parser
from synergos_ttp.tracking.login import TrackingLogin, login_of, without_login


@pytest.fixture(autouse=True)
def said_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USERNAME", "PASSWORD", "PASSWORD_FILE"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)


def read(*arguments: str) -> TrackingLogin | None:
    flags = parser()
    return login_of(flags, flags.parse_args(arguments), None)


def test_who_says_a_password_alone_means_the_administrator_of_a_grids_own_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    assert read("--mlops_password_file", str(tmp_path / "secret")) == TrackingLogin("admin", "from a file")

    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a rather long one")
    assert read() == TrackingLogin("admin", "a rather long one")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "grid")
    assert read() == TrackingLogin("grid", "a rather long one")


def test_a_user_alone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--mlops_user", "grid")

    assert "--mlops_password_file: expected a file" in capsys.readouterr().err


def test_certificates_are_of_whichever_server_and_logins_of_one() -> None:
    given = {
        f"MLFLOW_TRACKING_{name}": name
        for name in (
            "SERVER_CERT_PATH", "CLIENT_CERT_PATH", "USERNAME", "PASSWORD", "PASSWORD_FILE", "TOKEN", "AUTH", "URI"
        )
    }  # fmt: skip

    assert without_login({**given, "PATH": "/bin"}) == {
        "MLFLOW_TRACKING_SERVER_CERT_PATH": "SERVER_CERT_PATH",
        "MLFLOW_TRACKING_CLIENT_CERT_PATH": "CLIENT_CERT_PATH",
        "PATH": "/bin",
    }
