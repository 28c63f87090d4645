"""Pika's errors as ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pika
import pika.exceptions

from synmanager.errors import AccessRefused, BrokerRefused, BrokerUnavailable, PublishRefused, QueueError, Unroutable

WITHOUT_CONNECTION = (pika.exceptions.AMQPError, OSError)
UNROUTABLE = "no queue is there for the message"
REFUSED = "the broker did not take the message"


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Pika's errors as ours."""
    try:
        yield
    except QueueError:
        raise
    except pika.exceptions.UnroutableError as error:
        raise Unroutable(UNROUTABLE) from error
    except pika.exceptions.NackError as error:
        raise PublishRefused(REFUSED) from error
    except WITHOUT_CONNECTION as error:
        raise broken(error) from error


def close(closable: Any) -> None:
    """Close a connection or a channel that may be closed, or broken, already."""
    with contextlib.suppress(*WITHOUT_CONNECTION):
        if closable.is_open:
            closable.close()
    if isinstance(closable, pika.BlockingConnection):
        # A connection that broke in the moment it was made has left its loop open, and pika closes none that is over.
        closable._cleanup()


def no_connection(error: BaseException) -> BrokerUnavailable | AccessRefused:
    """Why none could be made."""
    # Pika guesses from the moment at which a connection ends; only a broker that says why is one that refused us.
    guessed = pika.exceptions.ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError
    if isinstance(error, guessed) and "ConnectionClosedByBroker" in str(error):
        return AccessRefused("the broker refused access: check username, password and virtual host")
    return BrokerUnavailable(f"no connection to the broker: {_reason(error)}")


def broken(error: BaseException) -> BrokerUnavailable | BrokerRefused:
    """Why one is over."""
    if isinstance(error, pika.exceptions.ChannelClosedByBroker):
        return BrokerRefused(f"the broker refused: {error.reply_text}")
    return BrokerUnavailable(f"the connection to the broker broke: {_reason(error)}")


def _reason(error: BaseException) -> str:
    """The innermost reason pika gives; some of its errors have no text of their own."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    return f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__
