"""A RabbitMQ broker: where it is, how to get in, and what we may do there."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pika
import pika.exceptions

from synmanager.broker import DEFAULT_PORT, HEARTBEAT_SECONDS, Outgoing
from synmanager.config import TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, TOPOLOGY
from synmanager.errors import BrokerUnavailable, CredentialsNeeded, Interrupted, QueueError
from synmanager.rabbitmq.link import Link
from synmanager.rabbitmq.pika_errors import WITHOUT_CONNECTION, close, no_connection, translated
from synmanager.rabbitmq.pipeline import Pipeline

DEFAULT_USER = "guest"
_ACCESS_REFUSED = 403
"""AMQP's code."""


@dataclass
class Rights:
    """What a user was found to have.

    Attributes:
        may_declare: None until it was tried. Several threads may find it out; they find the same.
    """

    may_declare: bool | None = None


@dataclass(frozen=True)
class Broker:
    """Where a broker is and how to get in; see :class:`synmanager.broker.MessageBroker`.

    Attributes:
        username: None for the broker's default user, whose password everybody knows: on its own machine only.
        tls: None for no TLS; a file of the certificate authority that signed the broker's, a context, or what makes one for each
            connection.
        rights: what the user may do there, as far as it was found out.
    """

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    virtual_host: str = "/"
    tls: ssl.SSLContext | str | Path | Callable[[], ssl.SSLContext] | None = None
    rights: Rights = field(default_factory=Rights, init=False, repr=False, compare=False)

    @property
    def user(self) -> str:
        """As whom it lets us in."""
        return self.username or DEFAULT_USER

    def link(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> Link:
        """A new link, with the topology declared; see :meth:`synmanager.broker.MessageBroker.link`."""
        connection = self.connect(heartbeat, blocked_connection_timeout)
        try:
            with translated():
                self._find_rights(connection)
                link = Link(self, connection, connection.channel())
                link.channel.basic_qos(prefetch_count=1)
                link.channel.confirm_delivery()
            for queue in TOPOLOGY:
                link.declare(queue)
        except Exception:
            close(connection)
            raise
        return link

    def _find_rights(self, connection: Any) -> None:
        if self.rights.may_declare is not None:
            return
        channel = connection.channel()
        try:
            channel.exchange_declare(TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, durable=True)
        except pika.exceptions.ChannelClosedByBroker as error:
            if error.reply_code != _ACCESS_REFUSED:
                raise
            # A broker whose users have roles, who find there what they need.
            self.rights.may_declare = False
        else:
            self.rights.may_declare = True
            channel.close()

    def link_on(self, connection: Any, channel: Any) -> Link:
        """The link that pika's objects make."""
        return Link(self, connection, channel)

    def connect(self, heartbeat: int = HEARTBEAT_SECONDS, blocked_connection_timeout: float = 300) -> Any:
        """Pika's connection; see :meth:`link`."""
        parameters = self._parameters_now(heartbeat, blocked_connection_timeout)
        try:
            return pika.BlockingConnection(parameters)
        # The last one is what pika says of a connection that a dying broker resets in the moment it is made.
        except (*WITHOUT_CONNECTION, ValueError) as error:
            raise no_connection(error) from error

    def pipeline(self, exchange: str, routing_key: str, messages: Sequence[Outgoing]) -> Pipeline:
        """What publishes many messages, over a connection of its own.

        Raises:
            Interrupted: none can be made now.
        """
        try:
            return Pipeline(self._parameters_now(), exchange, routing_key, messages)
        except BrokerUnavailable as error:
            raise Interrupted(str(error), messages) from error

    def check(self) -> None:
        """Find out what is wrong without asking the broker.

        Raises:
            CredentialsNeeded: it is on another machine and there is no user name, or the default user's; or there is no
                password for it.
        """
        self._credentials()

    def parameters(self, heartbeat: int = 0, blocked_connection_timeout: float = 300) -> Any:
        """The same in pika's words; see :meth:`link`."""
        return pika.ConnectionParameters(
            host=self.host,
            port=self.port,
            virtual_host=self.virtual_host,
            credentials=self._credentials(),
            heartbeat=heartbeat,
            blocked_connection_timeout=blocked_connection_timeout,
            socket_timeout=5.0,
            stack_timeout=10.0,
            ssl_options=self._ssl(),
        )

    def _parameters_now(self, heartbeat: int = 0, blocked_connection_timeout: float = 300) -> Any:
        """The same for a connection that is made now, while the files of its TLS may just be replaced.

        Raises:
            BrokerUnavailable: they cannot be used, yet.
        """
        try:
            return self.parameters(heartbeat, blocked_connection_timeout)
        except QueueError:
            raise
        except Exception as error:
            raise BrokerUnavailable(f"no connection to the broker: its TLS files cannot be used: {error}") from error

    def _credentials(self) -> Any:
        if self.username in {None, DEFAULT_USER} and not _is_loopback(self.host):
            raise CredentialsNeeded(
                f"the broker on {self.host} is another machine's: expected username and password, as its default user, "
                f"{DEFAULT_USER}, may be used from its own machine only"
            )
        if self.username is None:
            return pika.PlainCredentials(DEFAULT_USER, DEFAULT_USER)
        if self.password is None:
            raise CredentialsNeeded(f"expected a password for {self.username}, the broker's user")
        return pika.PlainCredentials(self.username, self.password)

    def _ssl(self) -> Any:
        if self.tls is None:
            return None
        match self.tls:
            case ssl.SSLContext():
                context = self.tls
            case str() | Path():
                context = ssl.create_default_context(cafile=self.tls)
            case _:
                context = self.tls()
        return pika.SSLOptions(context, self.host)


def _is_loopback(host: str) -> bool:
    if host in {"localhost", "ip6-localhost"}:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # "Any address" as a destination is this machine, too.
    return address.is_loopback or address.is_unspecified
