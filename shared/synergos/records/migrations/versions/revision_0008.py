"""The lease id of a running job, and where it puts the files it leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add both; a job that is running has neither, and what its owner still sends off is passed over."""
    op.add_column("job", sa.Column("lease", sa.String(32)))
    op.add_column("job", sa.Column("outputs", sa.Text))
