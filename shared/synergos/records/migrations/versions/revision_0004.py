"""Lists of jobs in one state, a page at a time: newest failures among many thousands."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the index that such a list is read along."""
    op.create_index("job_listed", "job", ["state", "number"])
