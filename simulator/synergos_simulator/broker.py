"""A RabbitMQ broker of a grid's own: everything it keeps lies in one folder, and it listens on loopback only.

Its users are made up with it: the director's, the TTPs' and one for people, each with the rights of its role and a folder of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from synergos.errors import NotSupported
from synergos.pki.revocation_list import SUFFIX
from synmanager.errors import AccessRefused, BrokerUnavailable
from synmanager.message import LARGEST
from synmanager.rabbitmq import Broker, close
from synmanager.roles import ADMINISTRATOR, ROLES, Role, credentials_in, definitions

HOST = "127.0.0.1"
_NODE = "synergos@localhost"
_CREDENTIALS = "credentials"


def broker_command(
    folder: Path,
    port: int,
    free_port: Callable[[], int],
    *,
    has_roles: bool = True,
    tls: Sequence[Path] = (),
    pages: int | None = None,
) -> list[str]:
    """What starts a broker.

    Args:
        folder: where it keeps its messages; what is there already is taken over.
        port: where it listens.
        free_port: for the port that it keeps for brokers it might work with; here there are none.
        has_roles: without them there is RabbitMQ's own user, who may do everything.
        tls: its certificate, the key, and who vouches for whoever connects, who has to show a certificate; none for plain AMQP. Where
            lists of what was revoked lie beside the last, by the names that :mod:`synergos.pki.revocation_list` gives them, they are gone by.
        pages: the port of its web pages, which are without TLS; None for none.

    Raises:
        NotSupported: RabbitMQ is not installed.
    """
    folder = folder.resolve()
    node_port = free_port()
    settings = {
        "HOME": folder,
        "RABBITMQ_NODENAME": _NODE,
        # By TLS its settings say where it listens, and these would have it listen without besides.
        **({} if tls else {"RABBITMQ_NODE_IP_ADDRESS": HOST, "RABBITMQ_NODE_PORT": port}),
        "RABBITMQ_DIST_PORT": node_port,
        "RABBITMQ_MNESIA_BASE": folder / "messages",
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": folder / "logs",
        # No plugins but those that are written down below, and nothing from the machine's own settings.
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_CONFIG_FILE": folder / "rabbitmq",
        "RABBITMQ_ADVANCED_CONFIG_FILE": folder / "advanced.config",
        "RABBITMQ_CONF_ENV_FILE": folder / "environment",
        # One scheduler: a broker of a few messages must not keep the cores from those who train. And a job may be in hand for
        # longer than the half hour after which RabbitMQ would give it to another. What nobody reads is not taken. Erlang is told the broker's name and where it
        # is to be found: it would else need a service for names, epmd, which outlives the broker.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none -rabbit consumer_timeout undefined "
            f"-rabbit max_message_size {LARGEST} "
            f"-sname {_NODE} -erl_epmd_port {node_port}"
        ),
        # For every Erlang that RabbitMQ starts, not for its server alone.
        "ERL_AFLAGS": "-start_epmd false",
    }
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        *(_roles(folder) if has_roles else ()),
        *(_listening(port, tls) if tls else ()),
        *(() if pages is None else _pages(pages)),
    ]
    (folder / "plugins").write_text("[].\n" if pages is None else "[rabbitmq_management].\n", encoding="utf-8")
    (folder / "advanced.config").write_text(_revocations(tls), encoding="utf-8")
    if lines:
        (folder / "rabbitmq.conf").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ["env", *(f"{name}={value}" for name, value in settings.items()), str(_program())]


def takes_connections(port: int, tls: ssl.SSLContext | None = None) -> bool:
    """Whether a broker answers there."""
    try:
        close(Broker(HOST, port, tls=tls).connect())
    except BrokerUnavailable:
        return False
    except AccessRefused:
        # Who it does not know it has answered.
        return True
    return True


def access(folder: Path, role: Role = ADMINISTRATOR) -> tuple[str, Path]:
    """The user of a role at the broker of a folder, and the file with the password."""
    return credentials_in(folder / _CREDENTIALS, role).user, folder / _CREDENTIALS / role.name / "password"


def broker_in(folder: Path, port: int, role: Role = ADMINISTRATOR, tls: ssl.SSLContext | None = None) -> Broker:
    """The broker of a folder, as who has a role sees it."""
    known = credentials_in(folder / _CREDENTIALS, role)
    return Broker(HOST, port, known.user, known.password, tls=tls)


def _roles(folder: Path) -> list[str]:
    said = definitions({role: credentials_in(folder / _CREDENTIALS, role) for role in ROLES})
    path = folder / "definitions.json"
    # Hashes of passwords are nobody else's to try at.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(said, file)
    return [f"load_definitions = {path}"]


def _listening(port: int, tls: Sequence[Path]) -> list[str]:
    certificate, key, authority = tls
    settings = {
        "listeners.tcp": "none",
        "listeners.ssl.1": f"{HOST}:{port}",
        "ssl_options.cacertfile": authority,
        "ssl_options.certfile": certificate,
        "ssl_options.keyfile": key,
        "ssl_options.verify": "verify_peer",
        "ssl_options.fail_if_no_peer_cert": "true",
    }
    return [f"{name} = {value}" for name, value in settings.items()]


def _revocations(tls: Sequence[Path]) -> str:
    """All that TLS takes once more where there are lists of what was revoked, as no other setting has them looked for: they are read at each connection.

    What is taken up again would not be looked at again.
    """
    if not tls or not any(tls[2].parent.glob(f"*{SUFFIX}")):
        return "[].\n"
    certificate, key, authority, folder = (json.dumps(str(path)) for path in (*tls, tls[2].parent))
    return (
        f"[{{rabbit, [{{ssl_options, [{{cacertfile, {authority}}}, {{certfile, {certificate}}}, {{keyfile, {key}}}, "
        "{verify, verify_peer}, {fail_if_no_peer_cert, true}, {reuse_sessions, false}, {crl_check, true}, "
        f"{{crl_cache, {{ssl_crl_hash_dir, {{internal, [{{dir, {folder}}}]}}}}}}]}}]}}].\n"
    )


def _pages(port: int) -> list[str]:
    return [f"management.tcp.ip = {HOST}", f"management.tcp.port = {port}"]


def _program() -> Path:
    """RabbitMQ's own starter rather than Debian's, which changes the user and so needs to be root."""
    candidates = [*Path("/usr/lib/rabbitmq/bin").glob("rabbitmq-server"), shutil.which("rabbitmq-server")]
    for candidate in candidates:
        if candidate:
            return Path(candidate)
    raise NotSupported("RabbitMQ is not installed; on Debian: sudo apt-get install rabbitmq-server")
