"""Workers are asked what they publish by one channel each, and one of an earlier release that publishes nothing fails nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from synergos.domain.asker import Asker
from synergos.domain.catalogue import Extent, Published, PublishedFolder
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import NotSupported, ServiceStopping, SynergosError, WorkerForbids, WorkerRefused
from synergos_ttp.workers.catalogues import WorkerCatalogues
from synergos_ttp.workers.limits import Limits

NODE = Node("hospital", "10.0.0.1", 5000, 8020, nonce="1")
PROJECT = ProjectKey("c", "p")
TAGS: Mapping[Purpose, Sequence[Tag]] = {Purpose.TRAIN: [("heart", "a"), ("heart", "b")]}


class Commands:
    """A worker that publishes one folder, or refuses."""

    def __init__(self, node: Node, check: Callable[[], None], refusal: SynergosError | None) -> None:
        self.node = node
        self.forgotten = 0
        self._check = check
        self._refusal = refusal

    def greet(self) -> None:
        self._check()

    def catalogue(self, project: ProjectKey) -> Published:
        if self._refusal is not None:
            raise self._refusal
        return Published(extent=Extent.NAMES, folders=(PublishedFolder(path=("heart",)),))

    def fingerprints(self, project: ProjectKey, tags: object) -> Mapping[Purpose, Sequence[str | None]]:
        return {Purpose.TRAIN: ["k.1", None]}

    def forget_consent(self) -> None:
        self.forgotten += 1


def asking(refusal: SynergosError | None = None) -> tuple[WorkerCatalogues, list[Commands]]:
    made: list[Commands] = []

    def make(node: Node, check: Callable[[], None], _asker: Asker) -> Any:
        made.append(Commands(node, check, refusal))
        return made[-1]

    return WorkerCatalogues(Limits(), made=make), made


def test_what_a_worker_says_is_kept_as_it_is_read_again() -> None:
    catalogues, _ = asking()

    found = catalogues(NODE, PROJECT, TAGS)

    assert found["extent"] == "names"
    assert found["folders"] == ({"path": ("heart",)},)
    assert found["fingerprints"] == [
        {"purpose": "train", "tag": ["heart", "a"], "fingerprint": "k.1"},
        {"purpose": "train", "tag": ["heart", "b"], "fingerprint": None},
    ]
    assert catalogues(NODE, PROJECT, {})["fingerprints"] == []


def test_whoever_is_asked_again_is_asked_by_the_same_channel_for_each_of_its_registrations() -> None:
    catalogues, made = asking()
    for node in (NODE, NODE, replace(NODE, nonce="2"), NODE, replace(NODE, nonce="2")):
        catalogues(node, PROJECT, TAGS)

    assert [commands.node.nonce for commands in made] == ["1", "2"]


@pytest.mark.parametrize("status", [404, 405])
def test_a_release_that_publishes_nothing_is_said_to_be_one(status: int) -> None:
    catalogues, _ = asking(WorkerRefused("there is no such page", "hospital", status))

    with pytest.raises(NotSupported, match="hospital: the release of its worker publishes nothing of its datasets yet"):
        catalogues(NODE, PROJECT, TAGS)


def test_whoever_is_refused_has_consent_signed_again_the_next_time() -> None:
    catalogues, made = asking(WorkerForbids("this worker has not consented", "hospital", 403))

    with pytest.raises(WorkerForbids):
        catalogues(NODE, PROJECT, TAGS)

    assert made[0].forgotten == 1


def test_a_program_that_ends_asks_no_further() -> None:
    catalogues, _ = asking()
    catalogues.stop()

    with pytest.raises(ServiceStopping):
        catalogues(NODE, PROJECT, TAGS)
