"""The loss histories of a run, as the orchestrator has them in files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from synergos.driver.downloads import TRIES, Artifact, ChangedMeanwhile
from synergos.driver.losses import GLOBAL_HISTORY, LOCAL_HISTORY, Loss, global_losses, local_losses
from synergos.driver.request import Request
from synergos.driver.transport import Transport, check
from synergos.foreign_json import objects

_CHANGED = frozenset({404, 412})


class Histories:
    """The histories below one route.

    Args:
        path: the route of the list of files.
    """

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self._path = path

    def fetch(self) -> list[Loss]:
        """The losses of one training, the global model's first.

        Raises:
            DriverError: they cannot be had.
        """
        tries = 0
        while True:
            tries += 1
            try:
                return list(self._read())
            except ChangedMeanwhile:
                if tries == TRIES:
                    raise

    def _read(self) -> Iterator[Loss]:
        listed = {artifact.name: artifact for artifact in map(Artifact.of, objects(self._answer(self._path)["data"]))}
        if GLOBAL_HISTORY in listed:
            yield from global_losses(self._content(listed[GLOBAL_HISTORY]))
        for name, artifact in sorted(listed.items()):
            if name.startswith(LOCAL_HISTORY):
                participant = name.removeprefix(LOCAL_HISTORY).removesuffix(".json")
                yield from local_losses(participant, self._content(artifact))

    def _content(self, artifact: Artifact) -> Mapping[str, object]:
        path = f"{self._path}/{quote(artifact.name, safe='')}"
        status, body = self._transport.exchange(Request("GET", path, headers={"If-Match": f'"{artifact.etag}"'}))
        if status in _CHANGED:
            raise ChangedMeanwhile(f"{artifact.name} was written anew while it was being read", status)
        check(status, body)
        return body

    def _answer(self, path: str) -> Mapping[str, object]:
        return self._transport.checked(Request("GET", path))
