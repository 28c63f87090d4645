"""Studies and their trials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEYS = {
    "study": ("collab_id", "project_id", "expt_id", "study_id"),
    "trial": ("collab_id", "project_id", "expt_id", "study_id", "run_id"),
}


def upgrade() -> None:
    """Add their tables."""
    for name, keys in _KEYS.items():
        op.create_table(
            name,
            sa.Column("doc_id", sa.Integer, primary_key=True, autoincrement=True),
            *(sa.Column(field, sa.String(128), nullable=False) for field in keys),
            sa.Column("created_at", sa.DateTime, nullable=False),
            sa.Column("payload", sa.JSON, nullable=False),
            sa.UniqueConstraint(*keys, name=f"{name}_key"),
            sqlite_autoincrement=True,
        )
