"""The trainings of a run before the newest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEY = ("collab_id", "project_id", "expt_id", "run_id", "version")


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "model_version",
        sa.Column("doc_id", sa.Integer, primary_key=True, autoincrement=True),
        *(sa.Column(field, sa.String(128), nullable=False) for field in _KEY),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.UniqueConstraint(*_KEY, name="model_version_key"),
        sqlite_autoincrement=True,
    )
