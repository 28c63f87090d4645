"""A PostgreSQL server of the tests' own: made in a folder that is thrown away, reached through a socket in there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from sqlalchemy import create_engine

OWNER = "synergos"


class PostgreSQL:
    """A running server."""

    def __init__(self, socket: Path) -> None:
        self._url = f"postgresql+psycopg://{OWNER}@/postgres?host={socket}"
        self._names = (f"test_{number}" for number in count())
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")

    def new_database(self) -> str:
        """The URL of an empty database; in truth a schema in one that all tests share, which takes no time."""
        name = next(self._names)
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self._url}&options=-csearch_path%3D{name}"

    @staticmethod
    def url_as(url: str, role: str) -> str:
        """The same database, as another user sees it."""
        return url.replace(f"//{OWNER}@", f"//{role}@")

    def forget(self, url: str) -> None:
        """Have the database of a URL empty again."""
        name = url.rpartition("%3D")[2]
        self.execute(f"DROP SCHEMA {name} CASCADE")
        self.execute(f"CREATE SCHEMA {name}")

    def execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        self._engine.dispose()


def programs() -> Path | None:
    """Where the server's programs are; the newest where there are several, None where there are none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def running(programs: Path, tls: tuple[int, Path, Path, Path] | None = None) -> Iterator[PostgreSQL]:
    """A new server, which is gone afterwards, also when the tests are killed.

    Args:
        tls: a port on loopback where it speaks TLS to who shows a certificate, and its own certificate, key and authority.
    """
    user = "nobody" if os.geteuid() == 0 else None  # the server refuses to be root's
    with tempfile.TemporaryDirectory(prefix="synergos-postgresql-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        data, environment = folder / "data", {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
        made: list[str | Path] = [
            programs / "initdb",
            "--auth=trust",
            f"--username={OWNER}",
            "--encoding=UTF8",
            "--no-sync",
            data,
        ]
        subprocess.run(made, user=user, env=environment, check=True, capture_output=True, cwd=folder)
        options: dict[str, object] = {
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "fsync": "off",
            "max_connections": 200,
        }
        if tls is not None:
            options |= _tls_options(folder, data, user, *tls)
        settings = [f"--{option}={value}" for option, value in options.items()]
        # Not even a test run that is killed leaves a server behind.
        tied = ["setpriv", "--pdeathsig", "QUIT"]
        with subprocess.Popen(
            [*tied, programs / "postgres", "-D", data, *settings],
            user=user,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
        ) as server:
            assert server.stderr is not None
            reader = _await_readiness(server.stderr)
            postgresql = PostgreSQL(folder)
            try:
                yield postgresql
            finally:
                postgresql.close()
                server.send_signal(signal.SIGQUIT)
                server.wait()
                reader.join()


def _tls_options(
    folder: Path, data: Path, user: str | None, port: int, certificate: Path, key: Path, authority: Path
) -> dict[str, object]:
    own = {}
    for option, path in (("ssl_cert_file", certificate), ("ssl_key_file", key), ("ssl_ca_file", authority)):
        # It reads them as the user it runs as, and no key that others may read.
        own[option] = folder / path.name
        shutil.copy(path, own[option])
        own[option].chmod(0o600)
        if user:
            shutil.chown(own[option], user)
    (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n")
    return {**own, "ssl": "on", "listen_addresses": "127.0.0.1", "port": port}


def _await_readiness(log: IO[str]) -> threading.Thread:
    """Return when the server takes connections; its log is read on, as it would stop when nobody did."""
    lines = []
    for line in log:
        lines.append(line)
        if "ready to accept connections" in line:
            reader = threading.Thread(target=lambda: [None for _ in log], daemon=True)
            reader.start()
            return reader
    raise AssertionError("PostgreSQL did not start:\n" + "".join(lines))
