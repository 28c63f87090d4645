"""What workers publish of their datasets, and when they were asked for that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_KEYS = ("collab_id", "project_id", "participant_id")


def upgrade() -> None:
    """Make the table; whoever wants to know of a catalogue has its worker asked."""
    op.create_table(
        "catalogue",
        *(sa.Column(field, sa.String(128), primary_key=True) for field in _KEYS),
        sa.Column("node", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("registered", sa.String(64), nullable=False),
        sa.Column("wanted_at", sa.DateTime, nullable=False),
        sa.Column("asked_at", sa.DateTime),
        sa.Column("seen_at", sa.DateTime),
        sa.Column("problem", sa.Text),
        sa.Column("content", sa.JSON),
    )
