"""Who runs a job and until when, who has which sub-grid, and what this record store is called on a queue."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and the tables of a cluster."""
    for column in (
        sa.Column("grid", sa.Integer),
        sa.Column("ttp", sa.String(128)),
        sa.Column("not_before", sa.DateTime),
        sa.Column("holder", sa.String(64)),
        sa.Column("lease_until", sa.DateTime),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    ):
        op.add_column("job", column)
    op.create_index("job_served", "job", ["collab_id", "project_id", "started_at"])
    op.create_table(
        "grid_lease",
        sa.Column("grid", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("ttp", sa.String(128), nullable=False),
        sa.Column("lease_until", sa.DateTime, nullable=False),
    )
    cluster = op.create_table("cluster", sa.Column("id", sa.String(64), primary_key=True))
    op.bulk_insert(cluster, [{"id": uuid4().hex}])
