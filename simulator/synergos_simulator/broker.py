"""A RabbitMQ broker of a grid's own: everything it keeps lies in one folder, and it listens on loopback only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from synergos.errors import NotSupported
from synmanager.errors import BrokerUnavailable
from synmanager.rabbitmq import Broker, close

HOST = "127.0.0.1"


def broker_command(folder: Path, port: int, free_port: Callable[[], int]) -> list[str]:
    """What starts a broker.

    Args:
        folder: where it keeps its messages; what is there already is taken over.
        port: where it listens.
        free_port: for what RabbitMQ's own programs need beside it.

    Raises:
        NotSupported: RabbitMQ is not installed.
    """
    folder = folder.resolve()
    settings = {
        "HOME": folder,
        "RABBITMQ_NODENAME": "synergos@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": free_port(),
        "ERL_EPMD_PORT": free_port(),
        "ERL_EPMD_ADDRESS": HOST,
        "RABBITMQ_MNESIA_BASE": folder / "messages",
        "RABBITMQ_LOGS": "-",
        # No plugins, and nothing from the machine's own settings.
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_CONFIG_FILE": folder / "rabbitmq",
        "RABBITMQ_CONF_ENV_FILE": folder / "environment",
        # One scheduler: a broker of a few messages must not keep the cores from those who train. And a job may be in hand for
        # longer than the half hour after which RabbitMQ would give it to another.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none -rabbit consumer_timeout undefined"
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return ["env", *(f"{name}={value}" for name, value in settings.items()), str(_program())]


def takes_connections(port: int) -> bool:
    """Whether a broker answers there."""
    try:
        close(Broker(HOST, port).connect())
    except BrokerUnavailable:
        return False
    return True


def _program() -> Path:
    """RabbitMQ's own starter rather than Debian's, which changes the user and so needs to be root."""
    candidates = [*Path("/usr/lib/rabbitmq/bin").glob("rabbitmq-server"), shutil.which("rabbitmq-server")]
    for candidate in candidates:
        if candidate:
            return Path(candidate)
    raise NotSupported("RabbitMQ is not installed; on Debian: sudo apt-get install rabbitmq-server")
