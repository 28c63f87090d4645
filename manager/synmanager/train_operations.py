"""The queue ``train``: the director puts jobs in, TTPs take them out."""

from __future__ import annotations

from synmanager.base import ConsumerOperator, ProducerOperator
from synmanager.config import TRAIN


class TrainProducerOperator(ProducerOperator):
    """Puts messages into the queue ``train``; see :class:`synmanager.base.ProducerOperator`."""

    _home = TRAIN


class TrainConsumerOperator(ConsumerOperator):
    """Takes messages out of the queue ``train``; see :class:`synmanager.base.ConsumerOperator`."""

    _home = TRAIN
