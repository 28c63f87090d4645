"""MLflow's server as a grid has it: ``python mlops_server.py --folder FOLDER``, by whichever Python has MLflow; nothing else is needed.

An image runs this file (docker/mlops.Dockerfile), and so does a grid of plain processes (:func:`server_command`). It says how the
server is to be, and becomes it: one store, files handed on over HTTP, a check of whom it is asked for, and a password if one is wanted.
What MLflow's own variables say (``MLFLOW_BACKEND_STORE_URI``, ``MLFLOW_SERVER_ALLOWED_HOSTS``, …) comes first.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

PORT = 5500
PYTHON = "SYNERGOS_MLOPS_PYTHON"
"""Names the Python that has MLflow's server, where it is not the running one: it wants an older gunicorn than Synergos does."""
AUTH, USER, PASSWORD, PASSWORD_FILE = (
    "MLFLOW_AUTH",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD_FILE",
)
HOSTS, PORTAL = "SYNERGOS_MLOPS_HOSTS", "SYNERGOS_PORTAL"
CERTIFICATE, KEY = "SYNERGOS_TLS_CERT", "SYNERGOS_TLS_KEY"
SHORTEST_PASSWORD = 12
"""Characters; MLflow takes no shorter one."""
_ON, _OFF = ("1", "on", "true", "yes"), ("", "0", "off", "false", "no")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?P<port>:\d{1,5})?")
_USAGE = 2

# MLflow itself looks at the configured password once, when it makes the user: another one later would be without effect.
_KEEP_ADMINISTRATOR = """
import os, sys
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore()
store.init_db(sys.argv[1])
name, password = os.environ["MLFLOW_AUTH_ADMIN_USERNAME"], os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"]
if store.has_user(name):
    store.update_user(name, password=password, is_admin=True)
else:
    store.create_user(name, password, is_admin=True)
"""


class NotUsable(ValueError):
    """What was asked for makes no sense; names the flag or the variable, and what was expected."""


def server_command(
    folder: Path, host: str, port: int = PORT, python: str | None = None, tls: Sequence[Path] = ()
) -> list[str]:
    """What starts the server as a process of a grid on this machine; ``GET /health`` answers ``OK`` when it is there.

    Args:
        tls: its certificate and the key of that; nothing for plain HTTP.
        folder: of its store and its files.
        python: the Python that has MLflow's server; None for the one that ``SYNERGOS_MLOPS_PYTHON`` names, or the running one.
    """
    chosen = python or os.environ.get(PYTHON) or sys.executable
    own = [part for pair in zip(("--tls_cert", "--tls_key"), map(str, tls), strict=False) for part in pair]
    return [chosen, "-P", str(Path(__file__)), "--folder", str(folder), "--host", host, "--port", str(port), *own]


@dataclass(frozen=True)
class Login:
    """Whom the server lets in first, an administrator: who may add others."""

    user: str
    password: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Login | None:
        """What the environment says; None for a server that asks nobody.

        Raises:
            NotUsable: a variable makes no sense.
        """
        wanted = environment.get(AUTH, "").strip().lower()
        if wanted in _OFF:
            return None
        if wanted not in _ON:
            raise NotUsable(f"{AUTH}: expected 1 for a password, or 0 for none")
        password = _password(environment)
        if len(password) < SHORTEST_PASSWORD:
            raise NotUsable(
                f"{AUTH} is set: expected a password of at least {SHORTEST_PASSWORD} characters in {PASSWORD}, or in the file"
                f" that {PASSWORD_FILE} names"
            )
        user = environment.get(USER) or "admin"
        if ":" in user:
            raise NotUsable(f"{USER}: expected a name without a colon")
        return cls(user, password)


def _password(environment: Mapping[str, str]) -> str:
    if given := environment.get(PASSWORD):
        return given
    if file := environment.get(PASSWORD_FILE):
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise NotUsable(f"{PASSWORD_FILE}: cannot be read ({type(error).__name__})") from error
    return ""


@dataclass(frozen=True)
class Server:
    """How the server is to be.

    Attributes:
        folder: of what it keeps.
        environment: that it is started in.
        login: None where nobody is asked for a password.
    """

    folder: Path
    host: str
    port: int
    environment: Mapping[str, str]
    login: Login | None = None

    @property
    def command(self) -> list[str]:
        """MLflow's own command, for the running Python."""
        places = {
            "--host": self.host,
            "--port": str(self.port),
            "--workers": "1",
            "--uvicorn-opts": " ".join(["--timeout-graceful-shutdown", "5", *self._tls()]),
            "--allowed-hosts": self.environment.get("MLFLOW_SERVER_ALLOWED_HOSTS") or ",".join(self.allowed_hosts()),
            "--x-frame-options": self.environment.get("MLFLOW_SERVER_X_FRAME_OPTIONS") or "SAMEORIGIN",
        }
        # Where a variable says it MLflow reads that: there may be a password in it, and whoever is on the machine can read command lines.
        own = {
            ("--backend-store-uri", "MLFLOW_BACKEND_STORE_URI"): f"sqlite:///{self.folder / 'mlflow.db'}",
            ("--artifacts-destination", "MLFLOW_ARTIFACTS_DESTINATION"): str(self.folder / "artifacts"),
        }
        places |= {flag: place for (flag, variable), place in own.items() if not self.environment.get(variable)}
        origins = self.environment.get("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS") or ",".join(self._origins())
        places |= {"--cors-allowed-origins": origins} if origins else {}
        places |= {"--app-name": "basic-auth"} if self.login else {}
        flags = [part for pair in places.items() for part in pair]
        return [sys.executable, "-P", "-m", "mlflow", "server", "--serve-artifacts", *flags]

    def allowed_hosts(self) -> list[str]:
        """The names that its clients may call it by: so no page of the web can have a browser ask it by a name of its own.

        Raises:
            NotUsable: one is no host.
        """
        portals = [urlsplit(origin).netloc for origin in self._origins()]
        given = [_checked_host(host) for host in self.environment.get(HOSTS, "").split()]
        listening = [] if self.host in ("0.0.0.0", "::") else [self.host]  # noqa: S104 - no address is listened on here
        names = dict.fromkeys([*_LOOPBACK, *map(_bracketed, [*listening, *_own_names()]), *given, *portals])
        return [each for name in names for each in _with_ports(name)]

    def _tls(self) -> list[str]:
        """What its own server is told of TLS; nothing where it speaks plain HTTP.

        Raises:
            NotUsable: there is a certificate without its key, or no such file.
        """
        named = {name: self.environment.get(name, "") for name in (CERTIFICATE, KEY)}
        if not any(named.values()):
            return []
        for name, path in named.items():
            if not path or not Path(path).is_file():
                raise NotUsable(f"{name}: expected a PEM file, as {CERTIFICATE} and {KEY} belong together")
        return [
            part
            for flag, path in zip(("--ssl-certfile", "--ssl-keyfile"), named.values(), strict=True)
            for part in (flag, shlex.quote(path))
        ]

    def own_environment(self) -> dict[str, str]:
        """What the server itself is told by its environment."""
        told = {
            **self.environment,
            # Nobody but the consortium learns that there is a server.
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": self.environment.get("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"),
        }
        # As a client it would take these for another server's.
        for name in (USER, PASSWORD, PASSWORD_FILE, "MLFLOW_TRACKING_URI"):
            told.pop(name, None)
        if self.login is None:
            return told
        return told | {
            "MLFLOW_AUTH_CONFIG_PATH": str(self.folder / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_USERNAME": self.login.user,
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.login.password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self.environment.get("MLFLOW_FLASK_SERVER_SECRET_KEY")
            or _kept_secret(self.folder / "pages_key"),
        }

    def become(self) -> NoReturn:
        """Make what it needs, and run in the place of this program."""
        os.umask(0o077)
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = self.own_environment()
        if self.login is not None:
            users = f"sqlite:///{self.folder / 'users.db'}"
            (self.folder / "auth.ini").write_text(
                f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {users}\n"
                "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
                encoding="utf-8",
            )
            subprocess.run([sys.executable, "-P", "-c", _KEEP_ADMINISTRATOR, users], check=True, env=environment)  # noqa: S603
        os.execve(sys.executable, self.command, environment)  # noqa: S606 - MLflow's own command

    def _origins(self) -> list[str]:
        return [_checked_origin(origin) for origin in self.environment.get(PORTAL, "").split()]


def _checked_host(host: str) -> str:
    found = _HOST.fullmatch(host)
    if found is None or int((found["port"] or ":1")[1:]) not in range(1, 65536):
        raise NotUsable(f"{HOSTS}: expected names and addresses, each with :PORT or without, separated by blanks")
    return host


def _checked_origin(origin: str) -> str:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin or "@" in parts.netloc:
        raise NotUsable(f"{PORTAL}: expected origins such as https://portal.example.org or http://localhost:4000")
    try:
        _checked_host(parts.netloc)
    except NotUsable:
        raise NotUsable(f"{PORTAL}: expected origins such as http://localhost:4000") from None
    return origin


def _with_ports(name: str) -> Iterator[str]:
    """A name alone, which is port 80, and with any port: it is reached through others than its own."""
    yield name
    if re.search(r":\d+$", name) is None:
        # MLflow takes what has an asterisk for a pattern, in which brackets have a meaning.
        yield f"{name.replace('[', '[[]', 1)}:*"


def _own_names() -> list[str]:
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    return [name, *dict.fromkeys(str(where[0]).partition("%")[0] for *_, where in found)]


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _kept_secret(file: Path) -> str:
    """A secret of this server's pages, made up when there is none."""
    with suppress(FileNotFoundError):
        if kept := file.read_text(encoding="utf-8"):
            return kept
    made = secrets.token_hex(32)
    # Under another name until it is whole: whoever is killed in between leaves no part of one, which would be used from then on.
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as writing:
        writing.write(made)
    new.replace(file)
    return made


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in range(1, 65536):
        raise argparse.ArgumentTypeError("expected a port between 1 and 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the server, or end with exit code 2 and a sentence."""
    parser = argparse.ArgumentParser(prog="mlops_server", description="MLflow's server as a grid has it.")
    parser.add_argument("--folder", type=Path, required=True, help="where it keeps its store and its files")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=PORT)
    parser.add_argument("--tls_cert", help=f"its certificate, in PEM; also {CERTIFICATE}")
    parser.add_argument("--tls_key", help=f"the key of that; also {KEY}")
    given = parser.parse_args(arguments)
    told = {CERTIFICATE: given.tls_cert, KEY: given.tls_key}
    environment = {**os.environ, **{name: path for name, path in told.items() if path is not None}}
    try:
        folder = given.folder.absolute()
        server = Server(folder, given.host, given.port, environment, Login.of(os.environ))
        server.allowed_hosts()
        _ = server.command
    except NotUsable as error:
        parser.error(str(error))
    server.become()


if __name__ == "__main__":
    main()
