"""What the image of the queue tells its RabbitMQ: the same as the grids here tell theirs, with passwords made up once."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from servers import rabbitmq as rabbitmq_server
from servers.rabbitmq import RabbitMQ
from synergos.pki.consortium import LocalConsortium
from synergos.tls.files import TlsFiles
from synergos_simulator.broker import HOST
from synmanager.errors import BrokerUnavailable
from synmanager.rabbitmq import Broker
from synmanager.roles import ADMINISTRATOR, DIRECTOR, ROLES, TTP, credentials_in, definitions, password_hash

MANAGER = Path(__file__).parents[3] / "manager"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of credentials; nobody's user is changed."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "chown").write_text("#!/bin/sh\n")
    (programs / "chown").chmod(0o755)
    return tmp_path / "credentials"


def queue(folder: Path, what: str, **environment: str) -> str:
    """What the image's script prints."""
    done = ran(folder, what, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ran(folder: Path, what: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    said = {
        "PATH": f"{folder.parent / 'programs'}:{os.environ['PATH']}",
        "SYNERGOS_QUEUE_CREDENTIALS": str(folder),
        "SYNERGOS_QUEUE_TOPOLOGY": str(MANAGER / "synergos_topology.json"),
        **environment,
    }
    command = ["sh", str(MANAGER / "synergos_queue.sh"), what]
    return subprocess.run(command, env=said, check=False, capture_output=True, text=True)


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_it_is_told_what_every_broker_with_roles_is(folder: Path) -> None:
    queue(folder, "credentials", SYNERGOS_QUEUE_USER='a "quoted" \\name & co')
    users = {role: credentials_in(folder, role) for role in ROLES}

    told: dict[str, Any] = json.loads(queue(folder, "definitions"))

    wanted = definitions(users)
    for user, expected, known in zip(told["users"], wanted["users"], users.values(), strict=True):
        salt = base64.b64decode(user["password_hash"])[:4]
        assert user == {**expected, "password_hash": password_hash(known.password, salt)}
    assert {name: said for name, said in told.items() if name != "users"} == {
        name: said for name, said in wanted.items() if name != "users"
    }
    assert users[ADMINISTRATOR].user == 'a "quoted" \\name & co'


def test_each_role_has_a_folder_and_a_password_of_its_own_which_stays(folder: Path) -> None:
    queue(folder, "credentials")
    made = files(folder)
    queue(folder, "credentials")

    assert files(folder) == made
    assert made["administrator/user"] == "synergos"
    passwords = [made[f"{role.name}/password"] for role in ROLES]
    assert len(set(passwords)) == len(ROLES)
    assert {len(password) for password in passwords} == {48}
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert [made[f"{role.name}/user"] for role in (DIRECTOR, TTP)] == ["director", "ttp"]


def test_the_user_of_an_earlier_queue_becomes_the_administrator(folder: Path) -> None:
    folder.mkdir()
    (folder / "user").write_text("synergos")
    (folder / "password").write_text("of long ago")

    queue(folder, "credentials")

    assert files(folder)["administrator/password"] == "of long ago"
    assert not (folder / "password").exists()


def test_what_is_set_goes_before(folder: Path) -> None:
    queue(folder, "credentials")
    queue(folder, "credentials", SYNERGOS_QUEUE_USER="somebody", SYNERGOS_QUEUE_PASSWORD="a secret")

    made = files(folder)
    assert (made["administrator/user"], made["administrator/password"]) == ("somebody", "a secret")


@pytest.mark.parametrize("given", [("CERT", "KEY"), ("CA",)])
def test_some_of_what_tls_takes_is_not_enough(folder: Path, given: Sequence[str]) -> None:
    done = ran(folder, "settings", {f"SYNERGOS_TLS_{name}": "/somewhere.pem" for name in given})

    assert done.returncode == 2
    assert "expected SYNERGOS_TLS_CERT, SYNERGOS_TLS_KEY and SYNERGOS_TLS_CA, or none of them" in done.stderr


@pytest.mark.parametrize("is_relative", [False, True])
def test_a_file_of_settings_that_no_list_can_be_added_to_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_relative: bool
) -> None:
    certificate, key, believed = LocalConsortium(tmp_path / "pki", (HOST,)).files("queue")
    monkeypatch.chdir(believed.parent)
    authority = believed.name if is_relative else believed
    files = {
        f"SYNERGOS_TLS_{name}": str(path) for name, path in (("CERT", certificate), ("KEY", key), ("CA", authority))
    }
    (tmp_path / "advanced.config").write_text("[].\n")

    done = ran(folder, "revocations", {"SYNERGOS_QUEUE_ADVANCED": str(tmp_path / "advanced.config"), **files})

    assert done.returncode == 2
    assert "nobody would be looked up in the list of revocations" in done.stderr


def test_with_certificates_it_speaks_tls_alone_and_only_with_who_shows_one(folder: Path, tmp_path: Path) -> None:
    if not rabbitmq_server.is_installed():
        pytest.skip("RabbitMQ IS NOT TESTED: it is not installed (on Debian: apt-get install rabbitmq-server)")
    consortium = LocalConsortium(tmp_path / "pki", (HOST,))
    certificate, key, believed = consortium.files("queue")
    files = {
        f"SYNERGOS_TLS_{name}": str(path) for name, path in (("CERT", certificate), ("KEY", key), ("CA", believed))
    }
    settings = queue(folder, "settings", **files)
    assert queue(folder, "settings") == queue(folder, "revocations") == ""
    image = tmp_path / "advanced.config"
    image.write_text("[{rabbit, [{consumer_timeout, undefined}, {max_message_size, 16777216}]}].\n")
    revocations = queue(folder, "revocations", SYNERGOS_QUEUE_ADVANCED=str(image), **files)
    assert "{consumer_timeout, undefined}, {max_message_size, 16777216}]}]." in revocations
    known, gone = (TlsFiles(*consortium.files(name)).client() for name in ("director", "ttp"))
    unknown = TlsFiles(authority=believed).client()

    # Here there is a port without, by which is seen that it has started.
    without = "listeners.tcp = none\n"
    assert without in settings
    server = RabbitMQ(tmp_path, has_roles=True)
    with (tmp_path / "broker" / "rabbitmq.conf").open("a") as file:
        file.write(settings.replace(without, "").replace("default = 5671", f"1 = {HOST}:{server.tls_port}"))
    (tmp_path / "broker" / "advanced.config").write_text(revocations)
    try:
        server.start()
        user = server.broker_as(DIRECTOR)
        for tls in (known, gone):
            Broker(HOST, server.tls_port, user.username, user.password, tls=tls).link().close()
        consortium.authority.revoke("ttp")
        Broker(HOST, server.tls_port, user.username, user.password, tls=known).link().close()
        with pytest.raises(BrokerUnavailable, match="revoked"):
            Broker(HOST, server.tls_port, user.username, user.password, tls=gone).link()
        with pytest.raises(BrokerUnavailable):
            Broker(HOST, server.tls_port, user.username, user.password, tls=unknown).link()
        with pytest.raises(BrokerUnavailable):
            Broker(HOST, server.tls_port, user.username, user.password).link()
        # Without the list nobody is known not to be on it.
        consortium.authority.listed.unlink()
        with pytest.raises(BrokerUnavailable):
            Broker(HOST, server.tls_port, user.username, user.password, tls=known).link()
    finally:
        server.kill()
