"""Which identity each registered node has shown: written into the registration, and believed from then on."""

from __future__ import annotations

import structlog

from synergos.domain import grid
from synergos.domain.records import Kind
from synergos.errors import RecordNotFound
from synergos.records.store import RecordStore

log = structlog.get_logger(__name__)


class NodeIdentities:
    """Writes them down; any thread may."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def pin(self, node: grid.Node, fingerprint: str) -> None:
        """From now on a node has this identity, wherever its participant has registered it as it was."""
        with self._store.transaction():
            for record in self._store.find(Kind.REGISTRATION, participant_id=node.participant_id):
                found = {
                    f"node_{index}": {**record[f"node_{index}"], "fingerprint": fingerprint}
                    for index, each in enumerate(grid.nodes_of(record))
                    if each == node
                }
                if found:
                    self._merge(record["key"], found)

    def _merge(self, key: dict[str, str], nodes: dict[str, dict[str, object]]) -> None:
        try:
            self._store.merge(Kind.REGISTRATION, key, nodes)
        except RecordNotFound:
            return
        fingerprints = [str(node["fingerprint"]) for node in nodes.values()]
        log.info("the identity of a node is known from now on", nodes=list(nodes), fingerprints=fingerprints, **key)
