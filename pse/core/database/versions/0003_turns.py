"""Who works on campaigns, whose turn it is, what is paused, and how far each move is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "workers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("host", sa.String(256), nullable=False),
        sa.Column("machine", sa.String(128), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("begun", sa.Float(53), nullable=False),
        sa.Column("beat", sa.Float(53), nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("plan", sa.String(64), primary_key=True),
        sa.Column("workload", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("run", sa.String(32), nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("touches", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("worker", sa.String(64), nullable=False),
        sa.Column("due", sa.Float(53), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )
    op.create_table(
        "pauses",
        sa.Column("plan", sa.String(64), primary_key=True),
        sa.Column("scope", sa.String(80), primary_key=True),
    )
    op.create_table(
        "paces",
        sa.Column("plan", sa.String(64), primary_key=True),
        sa.Column("move", sa.String(256), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("paces", "pauses", "turns", "workers"):
        op.drop_table(name)
