"""The queue ``completed``: TTPs say what became of jobs, the director writes it down."""

from __future__ import annotations

from synmanager.base import ConsumerOperator, ProducerOperator
from synmanager.config import COMPLETED


class CompletedProducerOperator(ProducerOperator):
    """Puts messages into the queue ``completed``; see :class:`synmanager.base.ProducerOperator`."""

    _home = COMPLETED


class CompletedConsumerOperator(ConsumerOperator):
    """Takes messages out of the queue ``completed``; see :class:`synmanager.base.ConsumerOperator`."""

    _home = COMPLETED
