"""The first tables: sightings, intents, progress."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sightings",
        sa.Column("source", sa.String(1024), primary_key=True),
        sa.Column("seen", sa.String(40), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "intents",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.UniqueConstraint("key", name="uq_intents_key"),
    )
    op.create_table(
        "progress",
        sa.Column("plan", sa.String(64), primary_key=True),
        sa.Column("workload", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("progress", "intents", "sightings"):
        op.drop_table(table)
