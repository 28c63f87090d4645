"""What the two ends of a queue have in common."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from synmanager.abstract import AbstractOperator
from synmanager.broker import DEFAULT_PORT, Link, MessageBroker
from synmanager.config import TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, Queue
from synmanager.errors import BrokerRefused, BrokerUnavailable, NotConnected
from synmanager.message import from_text, to_text
from synmanager.rabbitmq import Broker, close
from synmanager.reconnecting import with_retries

Result = TypeVar("Result")


class BaseOperator(AbstractOperator):
    """What producers and consumers have in common.

    Args:
        host: name or address of the broker.
        port: its port; a text is fine.
        username: None for the broker's default user, which it takes from its own machine only.
        password: that user's.
        virtual_host: which of the broker's separate worlds.
        tls: None for no TLS; a file of the certificate authority that signed the broker's, or a context.
        broker: in place of all these; a twin of a broker in tests.

    Attributes:
        exchange_name: the exchange that messages go to.
        exchange_type: ``topic`` or ``fanout``.
        routing_key: says which queue a message is for.
        durability: whether the exchange outlives the broker's restart.
        connection: pika's connection, None while there is none.
        channel: pika's channel on it.
    """

    _home: ClassVar[Queue] = Queue("", TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, "default")

    def __init__(
        self,
        host: str,
        port: int | str = DEFAULT_PORT,
        *,
        username: str | None = None,
        password: str | None = None,
        virtual_host: str = "/",
        tls: ssl.SSLContext | str | Path | None = None,
        broker: MessageBroker | None = None,
    ) -> None:
        self.host = host
        self.port = _port(port)
        self.channel: Any = None
        self.connection: Any = None
        self.exchange_name = self._home.exchange or ""
        self.exchange_type = self._home.exchange_type
        self.routing_key = self._home.routing_key
        self.durability = True
        # Any thread may publish, and any may stop a consumer: guards a producer's link, and what a consumer listens to.
        self._lock = threading.Lock()
        # Between connect() and disconnect(), also while the broker is away.
        self._is_wanted = False
        self._settings: tuple[int, float] = (0, 300)
        self._broker = broker or Broker(host, self.port, username, password, virtual_host, tls)

    def is_connected(self) -> bool:
        """Whether connection and channel are open, as far as is known without asking the broker."""
        if self.connection is None or self.channel is None:
            return False
        return bool(self.connection.is_open and self.channel.is_open)

    def create_message(self, run_kwarg: Mapping[str, object]) -> str:
        """The message that says ``run_kwarg``: JSON, its keys sorted; what JSON has no word for becomes a string."""
        return to_text(run_kwarg)

    def parse_message(self, message: str | bytes) -> dict[str, object]:
        """What a message says.

        Raises:
            NotAMessage: it is no JSON object.
        """
        return from_text(message)

    def connect(self, heartbeat: int = 0, blocked_connection_timeout: float = 300) -> None:
        """Open connection and channel, and declare the exchanges and queues; nothing happens when they are open.

        Args:
            heartbeat: seconds between two signs of life; 0 for none, as nobody sends them between two calls.
            blocked_connection_timeout: seconds a broker that is short of memory may keep us waiting.

        Raises:
            BrokerUnavailable: nobody answers.
            CredentialsNeeded: the broker is on another machine, and there is no user name.
            AccessRefused: it does not let us in.
            BrokerRefused: an exchange or a queue was declared differently by somebody else.
        """
        self._broker.check()
        self._settings = (heartbeat, blocked_connection_timeout)
        self._open()
        self._is_wanted = True

    def process(self, **kwargs: Any) -> Any:
        """Do what this end is for.

        Raises:
            NotImplementedError: always, here; producers can.
        """
        raise NotImplementedError

    def delete(self) -> int:
        """Remove what lies in the queue.

        Raises:
            NotImplementedError: always, here; consumers can.
        """
        raise NotImplementedError

    def disconnect(self) -> None:
        """Close channel and connection, were they broken."""
        self._is_wanted = False
        self._close()

    def _open(self) -> None:
        if not self.is_connected():
            self._close()
            link = self._broker.link(*self._settings)
            self.connection, self.channel = link.connection, link.channel
            self._prepare(link)

    def _close(self) -> None:
        for closable in (self.channel, self.connection):
            if closable is not None:
                close(closable)
        self.channel = self.connection = None

    def _prepare(self, link: Link) -> None:
        """Declare what this operator needs besides the topology."""
        link.declare_exchange(self.exchange_name, self.exchange_type, self.durability)

    def _with_link(self, act: Callable[[Link], Result], patience: float = 0.0) -> Result:
        """Do something with the broker; a connection that broke since the last time is made anew."""
        self._require_connection()

        def attempt() -> Result:
            self._open()
            try:
                return act(self._broker.link_on(self.connection, self.channel))
            except (BrokerUnavailable, BrokerRefused):
                close(self.connection)
                raise

        return with_retries(attempt, patience)

    def _require_connection(self) -> None:
        if not (self._is_wanted or self.is_connected()):
            raise NotConnected("there is no connection to the broker; call .connect() first")


def _port(port: int | str) -> int:
    try:
        return int(port)
    except ValueError:
        raise ValueError(f"port: expected a number, not {port!r}") from None
