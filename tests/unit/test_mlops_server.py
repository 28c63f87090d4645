"""How a grid's MLflow server is started, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest

from synergos.mlops_server import Login, Server, main, server_command

PASSWORD = "a rather long one"


def server(environment: Mapping[str, str] | None = None, host: str = "127.0.0.1") -> Server:
    given = environment or {}
    return Server(Path("/mlflow"), host, 5500, given, Login.of(given))


def flag(command: list[str], name: str) -> str | None:
    return command[command.index(name) + 1] if name in command else None


def answers(server: Server, host: str) -> bool:
    """Whether MLflow takes a request with this name in its ``Host``: exactly, or by the patterns with an asterisk."""
    return any(fnmatch(host, each) if "*" in each else host == each for each in server.allowed_hosts())


def test_it_keeps_its_store_in_the_folder_and_hands_files_on() -> None:
    command = server().command

    assert flag(command, "--backend-store-uri") == "sqlite:////mlflow/mlflow.db"
    assert flag(command, "--artifacts-destination") == "/mlflow/artifacts"
    assert "--serve-artifacts" in command
    assert flag(command, "--app-name") is None


def test_mlflows_own_variables_come_first() -> None:
    told = {
        "MLFLOW_SERVER_X_FRAME_OPTIONS": "NONE",
        "MLFLOW_SERVER_ALLOWED_HOSTS": "mlflow.example.org",
    }
    command = server(told).command

    assert flag(command, "--x-frame-options") == "NONE"
    assert flag(command, "--allowed-hosts") == "mlflow.example.org"


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("MLFLOW_BACKEND_STORE_URI", "postgresql+psycopg://mlflow:the-password@db/mlflow"),
        ("MLFLOW_ARTIFACTS_DESTINATION", "ftp://mlflow:the-password@files/mlflow"),
    ],
)
def test_no_password_of_a_store_is_in_a_command_line_which_everybody_on_the_machine_can_read(
    variable: str, told: str
) -> None:
    found = server({variable: told})

    assert "the-password" not in " ".join(found.command)
    assert found.own_environment()[variable] == told


def test_a_key_that_a_kill_has_left_empty_is_made_anew_and_kept(tmp_path: Path) -> None:
    (tmp_path / "pages_key").touch()
    told = {"MLFLOW_AUTH": "1", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    found = Server(tmp_path, "127.0.0.1", 5500, told, Login.of(told))

    key = found.own_environment()["MLFLOW_FLASK_SERVER_SECRET_KEY"]

    assert len(key) == 64
    assert found.own_environment()["MLFLOW_FLASK_SERVER_SECRET_KEY"] == key
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("pages_key", 0o600)]


@pytest.mark.parametrize("host", ["localhost", "localhost:5500", "127.0.0.1:6400", "[::1]:5500"])
def test_it_answers_to_the_names_of_this_machine_at_any_port(host: str) -> None:
    assert answers(server(), host)


@pytest.mark.parametrize(
    "host", ["evil.example:5500", "localhost.evil.example", "10.evil.example", "127.0.0.1.evil.example", ""]
)
def test_it_answers_to_no_other_name(host: str) -> None:
    assert not answers(server(host="0.0.0.0"), host)


def test_it_answers_by_the_names_that_an_administrator_gives() -> None:
    named = server({"SYNERGOS_MLOPS_HOSTS": "synergos_mlops mlflow.example.org:443"})

    assert answers(named, "synergos_mlops:5500")
    assert answers(named, "mlflow.example.org:443")
    assert not answers(named, "mlflow.example.org:80")


def test_a_portal_may_ask_in_its_own_name_and_show_its_pages_at_its_own_address() -> None:
    shown = server({"SYNERGOS_PORTAL": "https://portal.example.org http://10.0.0.7:4000"})

    assert answers(shown, "10.0.0.7:4000")
    assert answers(shown, "portal.example.org")
    assert flag(shown.command, "--cors-allowed-origins") == "https://portal.example.org,http://10.0.0.7:4000"
    assert flag(shown.command, "--x-frame-options") == "SAMEORIGIN"


@pytest.mark.parametrize("value", ["1", "on", "TRUE", "yes"])
def test_it_asks_for_a_password_when_told_to(value: str) -> None:
    told = {"MLFLOW_AUTH": value, "MLFLOW_TRACKING_USERNAME": "grid", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    found = server(told)

    assert found.login == Login("grid", PASSWORD)
    assert flag(found.command, "--app-name") == "basic-auth"
    assert PASSWORD not in " ".join(found.command)


@pytest.mark.parametrize("value", ["", "0", "off", "false", "No"])
def test_it_asks_nobody_when_told_not_to(value: str) -> None:
    assert Login.of({"MLFLOW_AUTH": value, "MLFLOW_TRACKING_PASSWORD": PASSWORD}) is None


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")

    assert Login.of({"MLFLOW_AUTH": "1", "MLFLOW_TRACKING_PASSWORD_FILE": str(secret)}) == Login("admin", PASSWORD)


def test_the_server_does_not_take_its_own_password_for_another_servers() -> None:
    assert "MLFLOW_TRACKING_PASSWORD" not in server({"MLFLOW_TRACKING_PASSWORD": PASSWORD}).own_environment()


@pytest.mark.parametrize(
    ("variable", "value", "others"),
    [
        ("MLFLOW_AUTH", "maybe", {}),
        ("MLFLOW_AUTH", "1", {}),
        ("MLFLOW_AUTH", "1", {"MLFLOW_TRACKING_PASSWORD": "short"}),
        ("MLFLOW_TRACKING_PASSWORD_FILE", "/nowhere/secret", {"MLFLOW_AUTH": "1"}),
        ("MLFLOW_TRACKING_USERNAME", "a:b", {"MLFLOW_AUTH": "1", "MLFLOW_TRACKING_PASSWORD": PASSWORD}),
        ("SYNERGOS_MLOPS_HOSTS", "*", {}),
        ("SYNERGOS_MLOPS_HOSTS", "mlflow:0", {}),
        ("SYNERGOS_MLOPS_HOSTS", "a,b", {}),
        ("SYNERGOS_PORTAL", "portal.example.org", {}),
        ("SYNERGOS_PORTAL", "http://portal.example.org/path", {}),
        ("SYNERGOS_PORTAL", "http://user:word@portal.example.org", {}),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    variable: str,
    value: str,
    others: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name, text in {**others, variable: value}.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(SystemExit) as ended:
        main(["--folder", str(tmp_path / "mlflow")])

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert variable in said
    assert "expected" in said or "cannot be read" in said
    assert not (tmp_path / "mlflow").exists()


def test_a_grid_starts_it_with_the_python_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_MLOPS_PYTHON", "/opt/mlflow/bin/python")

    command = server_command(Path("/grid/mlops"), "127.0.0.1", 5501)

    assert command[0] == "/opt/mlflow/bin/python"
    assert command[-6:] == ["--folder", "/grid/mlops", "--host", "127.0.0.1", "--port", "5501"]


def test_a_grid_that_speaks_tls_gives_it_a_certificate() -> None:
    command = server_command(Path("/grid/mlops"), "127.0.0.1", 5501, tls=[Path("/c.pem"), Path("/c.key")])

    assert command[-4:] == ["--tls_cert", "/c.pem", "--tls_key", "/c.key"]
