"""What happens to jobs, and what each round of a training has lost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables; of what happened before nothing is known."""
    op.create_table(
        "job_event",
        sa.Column("job", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("participant", sa.String(128)),
        sa.Column("about", sa.JSON, nullable=False),
    )
    op.create_table(
        "job_round",
        sa.Column("job", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime),
        sa.Column("train", sa.Float(53)),
        sa.Column("evaluate", sa.Float(53)),
        sa.Column("participants", sa.JSON, nullable=False),
    )
