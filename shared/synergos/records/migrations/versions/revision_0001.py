"""The first schema: a table for each kind of record, and one for jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_PROJECT = ("collab_id", "project_id")
_RUN = (*_PROJECT, "expt_id", "run_id")
_KEYS = {
    "collaboration": ("collab_id",),
    "project": _PROJECT,
    "experiment": (*_PROJECT, "expt_id"),
    "run": _RUN,
    "participant": ("participant_id",),
    "registration": (*_PROJECT, "participant_id"),
    "tag": (*_PROJECT, "participant_id"),
    "alignment": (*_PROJECT, "participant_id"),
    "feature_space": _PROJECT,
    "model": _RUN,
    "validation": (*_RUN, "participant_id"),
    "prediction": (*_RUN, "participant_id"),
}


def upgrade() -> None:
    """Make the tables."""
    for table, keys in _KEYS.items():
        op.create_table(
            table,
            sa.Column("doc_id", sa.Integer, primary_key=True, autoincrement=True),
            *(sa.Column(key, sa.String(128), nullable=False) for key in keys),
            sa.Column("created_at", sa.DateTime, nullable=False),
            sa.Column("payload", sa.JSON, nullable=False),
            sa.UniqueConstraint(*keys, name=f"{table}_key"),
            sqlite_autoincrement=True,
        )
    op.create_table(
        "job",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        *(sa.Column(key, sa.String(128)) for key in (*_RUN, "participant_id")),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    op.create_index("job_unfinished", "job", ["state", "collab_id", "project_id"])
