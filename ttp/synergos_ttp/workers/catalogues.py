"""Has workers say what they publish, and in which state the datasets of a project are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from threading import Event, Lock

from synergos.domain.asker import Asker
from synergos.domain.catalogue import PUBLISHED
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import NotSupported, ServiceStopping, WorkerForbids, WorkerRefused
from synergos_ttp.workers.commands import Tags, WorkerCommands
from synergos_ttp.workers.limits import Limits

_MOST_KEPT = 256
_UNKNOWN = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


Made = Callable[[Node, Callable[[], None], Asker], WorkerCommands]


def _commands_to(limits: Limits, node: Node, check: Callable[[], None], asker: Asker) -> WorkerCommands:
    return WorkerCommands(node, limits, check, asker)


class WorkerCatalogues:
    """See :data:`synergos.orchestration.catalogue_keeper.AtWorker`; several threads may ask, each of another node.

    Args:
        component: the id of this program, for workers' logs.
        made: makes what asks a worker, given its node, what is called meanwhile, and who asks.
    """

    def __init__(self, limits: Limits, component: str | None = None, made: Made | None = None) -> None:
        self._made = made or partial(_commands_to, limits)
        self._asker = Asker(component)
        # Whoever is asked again and again is not to agree on another channel each time: a worker keeps few of them.
        # One for each of its registrations, which its owner consents to one by one; of those nodes that are the same are equal.
        self._known: OrderedDict[tuple[Node, str | None], WorkerCommands] = OrderedDict()
        # Guards it.
        self._lock = Lock()
        self._stopped = Event()

    def stop(self) -> None:
        """Whoever is asking asks no further."""
        self._stopped.set()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise ServiceStopping("this program is about to end")

    def __call__(self, node: Node, project: ProjectKey, tags: Tags) -> dict[str, object]:
        """What a worker answers, as it is kept: what it publishes, and the ``fingerprints`` of tagged datasets.

        Raises:
            SynergosError: it is away, refuses, or is of a release that publishes nothing.
        """
        worker = self._commands(node)
        worker.greet()
        try:
            published = PUBLISHED.write(worker.catalogue(project))
            digests = worker.fingerprints(project, tags) if tags else {}
        except WorkerRefused as error:
            if error.status in _UNKNOWN:
                raise NotSupported(
                    f"{node.participant_id}: the release of its worker publishes nothing of its datasets yet"
                ) from error
            if isinstance(error, WorkerForbids):
                # Its owner may have ended what it has consented to.
                worker.forget_consent()
            raise
        return {**published, "fingerprints": _fingerprints(tags, digests)}

    def _commands(self, node: Node) -> WorkerCommands:
        with self._lock:
            registered = (node, node.nonce)
            known = self._known.pop(registered, None) or self._made(node, self._check, self._asker)
            self._known[registered] = known
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
            return known


def _fingerprints(tags: Tags, digests: Mapping[Purpose, Sequence[str | None]]) -> list[dict[str, object]]:
    found: dict[tuple[Purpose, Tag], str | None] = {
        (purpose, tuple(tag)): digest
        for purpose, some in digests.items()
        for tag, digest in zip(tags[purpose], some, strict=True)
    }
    return [
        {"purpose": purpose.value, "tag": list(tag), "fingerprint": digest} for (purpose, tag), digest in found.items()
    ]
