"""A cluster's members: the identities of its TTPs, and what its director has signed of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "member",
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("endorsement", sa.JSON(none_as_null=True)),
    )
