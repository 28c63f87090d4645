"""Accounts, their tokens, and whose collaborations and participants are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the tables; what was declared before belongs to no account."""
    op.create_table(
        "account",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("participant_id", sa.String(128)),
        sa.Column("password", sa.Text),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_index("account_of_participant", "account", ["participant_id"])
    op.create_table(
        "token",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_index("token_of_account", "token", ["account"])
    op.create_table(
        "owner",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("record_id", sa.String(128), primary_key=True),
        sa.Column("account", sa.String(512), primary_key=True),
    )
    op.create_index("owner_by_account", "owner", ["account"])
