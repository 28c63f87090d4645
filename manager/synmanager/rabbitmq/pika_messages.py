"""Messages as pika has them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pika

from synmanager.broker import Message


def message_of(queue: str, method: Any, properties: Any, body: bytes) -> Message:
    """One that came."""
    return Message(queue, method.delivery_tag, body, method.redelivered, properties.headers or {})


def properties_of(headers: Mapping[str, object] | None = None) -> Any:
    """What one that is sent has beside its text: it outlives the broker's restart."""
    return pika.BasicProperties(
        delivery_mode=pika.DeliveryMode.Persistent.value,
        content_type="application/json",
        content_encoding="utf-8",
        # For whoever looks at messages on the broker's pages.
        timestamp=int(time.time()),
        headers=headers,
    )
