"""Files that are to be removed, at places that may be away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_IDS = ("project_id", "expt_id", "run_id", "participant_id")


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "removal",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("collab_id", sa.String(128), nullable=False),
        *(sa.Column(name, sa.String(128)) for name in _IDS),
        sa.Column("purpose", sa.String(32)),
        sa.Column("grid", sa.Integer),
        sa.Column("host", sa.String(255)),
        sa.Column("command_port", sa.Integer),
        sa.Column("data_port", sa.Integer),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("tried_at", sa.DateTime),
        sa.Column("reason", sa.Text),
        sqlite_autoincrement=True,
    )
