"""In whose trace a job was asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; of jobs that are there nobody knows."""
    op.add_column("job", sa.Column("traceparent", sa.String(64)))
