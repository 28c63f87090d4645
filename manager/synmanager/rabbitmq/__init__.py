"""RabbitMQ, by pika; nothing else knows it."""

from __future__ import annotations

from synmanager.broker import DEFAULT_PORT
from synmanager.rabbitmq.broker import Broker
from synmanager.rabbitmq.link import Link
from synmanager.rabbitmq.pika_errors import close, translated

__all__ = ["DEFAULT_PORT", "Broker", "Link", "close", "translated"]
