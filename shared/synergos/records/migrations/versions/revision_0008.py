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
    # What its owner has sent off already is passed over too, so that it runs again: that is no failed attempt of its.
    op.execute(sa.text("UPDATE job SET attempts = attempts - 1 WHERE state = 'archiving' AND attempts > 0"))
