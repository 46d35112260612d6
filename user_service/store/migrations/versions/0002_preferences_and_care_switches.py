"""Preferences, care switches, and what tells a restored store from one that lost an acknowledgement."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # The key of every care switch: made once, backed up with the rest, never a setting.
    """
    CREATE TABLE identity (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        hmac_key bytea NOT NULL
    )
    """,
    # gen_random_uuid() is PostgreSQL's strong random source; two of them make 244 random bits.
    """
    INSERT INTO identity (hmac_key)
    VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    """,
    # No user: the row outlives the person, and says to nobody without the ids for whom it is.
    """
    CREATE TABLE care_switches (
        tenant_id uuid NOT NULL,
        switch_hash bytea NOT NULL,
        set_time timestamptz NOT NULL,
        clear_time timestamptz,
        PRIMARY KEY (tenant_id, switch_hash)
    )
    """,
    # Empty: nothing is chosen.
    "ALTER TABLE users ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}'",
    # The reader's count of applied pages as last seen; whether the last pull was behind it; and which
    # store was restored when the epoch began, until the reader has acknowledged anything under it.
    """
    ALTER TABLE feed_epoch
        ADD COLUMN reader_serial bigint NOT NULL DEFAULT 0,
        ADD COLUMN suspected boolean NOT NULL DEFAULT false,
        ADD COLUMN restored text
    """,
)


def upgrade() -> None:
    """Add everything; nothing that the release before needs is changed."""
    for statement in STATEMENTS:
        op.execute(statement)
