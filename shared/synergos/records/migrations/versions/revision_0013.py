"""Which workers have joined the TTP of a sub-grid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column; a TTP that is there says it with the next renewal of its lease."""
    op.add_column("grid_lease", sa.Column("joined", sa.JSON))
