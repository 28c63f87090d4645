"""The exchanges, routing keys and queues; the original's names, because programs use them.

All of them are durable and declared without arguments: limits and dead-lettering are a broker's policies, so that
whoever declares them again never disagrees.
"""

from __future__ import annotations

from dataclasses import dataclass

TOPIC_EXCHANGE_NAME = "SynMQ_topic_logs"
TOPIC_EXCHANGE_TYPE = "topic"

PREPROCESS_QUEUE = "preprocess"
PREPROCESS_ROUTING_KEY = "SynMQ_topic_preprocess"
TRAIN_QUEUE = "train"
TRAIN_ROUTING_KEY = "SynMQ_topic_train"
EVALUATE_QUEUE = "evaluate"
EVALUATE_ROUTING_KEY = "SynMQ_topic_evaluate"

COMPLETED_QUEUE = "completed"
COMPLETED_ROUTING_KEY = "SynMQ_fanout_completed"
COMPLETED_EXCHANGE_NAME = "SynMQ_fanout_logs"
COMPLETED_EXCHANGE_TYPE = "fanout"

SET_ASIDE_EXCHANGE_NAME = "SynMQ_direct_set_aside"
SET_ASIDE_EXCHANGE_TYPE = "direct"
PARKED_QUEUE = "parked"
"""Messages that are no jobs."""
DEAD_QUEUE = "dead"
"""Jobs that were given up."""


@dataclass(frozen=True)
class Queue:
    """A queue and what fills it.

    Attributes:
        exchange: None for a queue that is published to by its name.
        is_optional: whether it is done without where a user may not declare it.
    """

    name: str
    exchange: str | None = None
    exchange_type: str = TOPIC_EXCHANGE_TYPE
    routing_key: str = ""
    is_optional: bool = False

    @property
    def way(self) -> tuple[str, str]:
        """The exchange and the routing key that lead to it."""
        return (self.exchange, self.routing_key) if self.exchange else ("", self.name)


PREPROCESS = Queue(PREPROCESS_QUEUE, TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, PREPROCESS_ROUTING_KEY)
TRAIN = Queue(TRAIN_QUEUE, TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, TRAIN_ROUTING_KEY)
EVALUATE = Queue(EVALUATE_QUEUE, TOPIC_EXCHANGE_NAME, TOPIC_EXCHANGE_TYPE, EVALUATE_ROUTING_KEY)
COMPLETED = Queue(COMPLETED_QUEUE, COMPLETED_EXCHANGE_NAME, COMPLETED_EXCHANGE_TYPE, COMPLETED_ROUTING_KEY)
RANKED = (PREPROCESS, TRAIN, EVALUATE)
"""The queues of jobs, the most urgent first."""
PARKED = Queue(PARKED_QUEUE, SET_ASIDE_EXCHANGE_NAME, SET_ASIDE_EXCHANGE_TYPE, PARKED_QUEUE)
DEAD = Queue(DEAD_QUEUE, SET_ASIDE_EXCHANGE_NAME, SET_ASIDE_EXCHANGE_TYPE, DEAD_QUEUE)
TOPOLOGY = (*RANKED, COMPLETED, PARKED, DEAD)


def cluster_queue(queue: Queue, cluster: str) -> Queue:
    """The queue beside ``queue`` whose messages only one cluster's programs read, where several share a broker and a virtual host."""
    return Queue(f"{queue.name}.{cluster}", is_optional=True)
