"""The datasets that a model was trained with, and whether they are what they were: compared by fingerprints, which tell nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from synergos.domain.keys import ProjectKey
from synergos.domain.lineage import Compared, LineageNode, NodeKind
from synergos.domain.records import Kind, Record
from synergos.domain.tags import Purpose, Tag, declared_tags
from synergos.errors import InvalidRequest
from synergos.orchestration.catalogues import Dataset, Found
from synergos.records.store import RecordStore

TagsOfAll = Mapping[str, Mapping[Purpose, Sequence[Tag]]]
"""By participant and purpose."""


@dataclass(frozen=True)
class DatasetLineage:
    """The datasets of one project.

    Attributes:
        found: in which state workers have found what is tagged, as they were asked.
    """

    store: RecordStore
    project: ProjectKey
    found: Mapping[Dataset, Found]

    def tags(self) -> TagsOfAll:
        """What participants have tagged, as far as it can be read."""
        found: dict[str, Mapping[Purpose, Sequence[Tag]]] = {}
        for record in self.store.find(Kind.TAG, self.project):
            try:
                found[record["key"]["participant_id"]] = declared_tags(record)
            except InvalidRequest:
                continue
        return found

    def tagged(self) -> Iterator[LineageNode]:
        """What a model would be trained with now."""
        for who, tags in self.tags().items():
            for tag in dict.fromkeys(tag for some in tags.values() for tag in some):
                purposes = [purpose.value for purpose, some in tags.items() if tag in some]
                yield _node(who, tag, {"tag": list(tag), "purposes": purposes})

    def trained(self, model: Record) -> Iterator[LineageNode]:
        """What a model was trained with, and what has become of that."""
        rows = {each["id"]: each.get("rows", {}) for each in model.get("participants", ())}
        datasets = model.get("datasets")
        if not isinstance(datasets, Mapping):
            # Trained before it was kept which folders were read.
            for who, own in rows.items():
                unknown = {"tag": None, "purposes": list(own), "rows": own, "compared": Compared.UNKNOWN.value}
                yield LineageNode(f"{NodeKind.DATASET}:{who}", NodeKind.DATASET, who, who, unknown)
            return
        known, tags = self._known(), self.tags()
        for who, of in datasets.items():
            for tag, about in _by_tag(of, rows.get(who, {})).items():
                purpose = Purpose(about["purposes"][0])
                is_tagged = tag in {tuple(each) for each in tags.get(who, {}).get(purpose, ())}
                yield _compared(who, tag, about, known.get((who, purpose, tag)), is_tagged=is_tagged)

    def _known(self) -> dict[Dataset, Found]:
        """In which state datasets are, whatever told it last: an alignment, or a worker that was asked."""
        known = dict(self._agreed())
        for dataset, told in self.found.items():
            if dataset not in known or told[1] > known[dataset][1]:
                known[dataset] = told
        return known

    def _agreed(self) -> Iterator[tuple[Dataset, Found]]:
        """In which state datasets were when the project was aligned last."""
        tags = self.tags()
        for record in self.store.find(Kind.ALIGNMENT, self.project):
            who = record["key"]["participant_id"]
            tables = (record.get("agreement") or {}).get("tables", {})
            for purpose, some in tags.get(who, {}).items():
                digests = tables.get(purpose.value, {}).get("digests", ())
                if len(digests) == len(some):
                    for tag, digest in zip(some, digests, strict=True):
                        yield (who, purpose, tuple(tag)), (digest, record["created_at"])


class _Known(TypedDict):
    """What is known of a dataset that a model was trained with.

    Attributes:
        purposes: that it was used for.
        rows: by purpose, as far as they are known.
    """

    tag: list[str]
    purposes: list[str]
    rows: dict[str, int]
    fingerprint: str | None


def _by_tag(of: Mapping[str, Any], rows: Mapping[str, int]) -> dict[Tag, _Known]:
    """What is known of each dataset of one participant, whatever it was used for.

    Args:
        of: its datasets by purpose, as the model's record has them.
    """
    found: dict[Tag, _Known] = {}
    for purpose, datasets in of.items():
        for dataset in datasets:
            tag = tuple(dataset["tag"])
            about = found.setdefault(tag, {"tag": list(tag), "purposes": [], "rows": {}, "fingerprint": None})
            about["purposes"].append(purpose)
            about["rows"] |= {purpose: rows[purpose]} if purpose in rows else {}
            about["fingerprint"] = dataset["fingerprint"]
    return found


def _compared(who: str, tag: Tag, about: _Known, now: Found | None, *, is_tagged: bool) -> LineageNode:
    changes = [] if is_tagged else [f"is tagged to {about['purposes'][0]} no more"]
    compared = _is_the_same(about["fingerprint"], now)
    if compared is Compared.CHANGED:
        is_there = now is not None and now[0] is not None
        changes.append("has changed since the model was trained" if is_there else "cannot be read any more")
    more = {
        "compared": compared.value,
        "fingerprint_now": None if now is None else now[0],
        "looked_at": None if now is None else now[1].isoformat(timespec="milliseconds"),
    }
    return _node(who, tag, {**about, **more}, changes)


def _is_the_same(trained: str | None, now: tuple[str | None, datetime] | None) -> Compared:
    """Whether a dataset is what it was; digests that were made with different keys say nothing about each other."""
    if trained is None or now is None:
        return Compared.UNKNOWN
    if now[0] is None:
        return Compared.CHANGED
    if trained.partition(".")[0] != now[0].partition(".")[0]:
        return Compared.UNKNOWN
    return Compared.SAME if trained == now[0] else Compared.CHANGED


def _node(who: str, tag: Tag, about: Mapping[str, object], changes: Sequence[str] = ()) -> LineageNode:
    name = "/".join(tag)
    return LineageNode(f"{NodeKind.DATASET}:{who}:{name}", NodeKind.DATASET, name, who, about, tuple(changes))
