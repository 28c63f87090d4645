"""What a grid remembers: declared records, results and jobs, in one SQL database."""

from __future__ import annotations

from synergos.domain.records import Record
from synergos.records.archive import archive
from synergos.records.store import RecordStore

__all__ = ["Record", "RecordStore", "archive"]
