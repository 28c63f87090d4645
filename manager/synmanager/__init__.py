"""The job queue of a Synergos cluster: four queues in RabbitMQ, a producer and a consumer for each.

    from synmanager.preprocess import PreprocessConsumerOperator, PreprocessProducerOperator

``preprocess``, ``train`` and ``evaluate`` hold jobs on their way to TTPs, ``completed`` what became of them.
"""

from __future__ import annotations

from synmanager import base, completed, config, evaluate, preprocess, train

__all__ = ["base", "completed", "config", "evaluate", "preprocess", "train"]
