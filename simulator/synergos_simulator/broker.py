"""A RabbitMQ broker of a grid's own: everything it keeps lies in one folder, and it listens on loopback only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from synergos.errors import NotSupported
from synmanager.errors import BrokerUnavailable
from synmanager.message import LARGEST
from synmanager.rabbitmq import Broker, close

HOST = "127.0.0.1"
_NODE = "synergos@localhost"


def broker_command(folder: Path, port: int, free_port: Callable[[], int]) -> list[str]:
    """What starts a broker.

    Args:
        folder: where it keeps its messages; what is there already is taken over.
        port: where it listens.
        free_port: for the port that it keeps for brokers it might work with; here there are none.

    Raises:
        NotSupported: RabbitMQ is not installed.
    """
    folder = folder.resolve()
    node_port = free_port()
    settings = {
        "HOME": folder,
        "RABBITMQ_NODENAME": _NODE,
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": node_port,
        "RABBITMQ_MNESIA_BASE": folder / "messages",
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": folder / "logs",
        # No plugins, and nothing from the machine's own settings.
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_CONFIG_FILE": folder / "rabbitmq",
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
