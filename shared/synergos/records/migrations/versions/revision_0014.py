"""Invitations: who may register for a project of another's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_KEYS = ("collab_id", "project_id", "participant_id")


def upgrade() -> None:
    """Make the table; whoever is registered already needs no invitation."""
    op.create_table(
        "invitation",
        sa.Column("doc_id", sa.Integer, primary_key=True, autoincrement=True),
        *(sa.Column(field, sa.String(128), nullable=False) for field in _KEYS),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.UniqueConstraint(*_KEYS, name="invitation_key"),
        sqlite_autoincrement=True,
    )
