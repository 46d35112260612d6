"""The first tables: tenants, API keys, users and the feed of their changes."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    # One sequence for users and tenants: versions only grow, also across deletion and re-creation.
    "CREATE SEQUENCE user_versions AS bigint CACHE 1",
    """
    CREATE TABLE tenants (
        tenant_id uuid PRIMARY KEY,
        name text COLLATE "C" NOT NULL CONSTRAINT tenants_name UNIQUE,
        time_zone text NOT NULL,
        locale text NOT NULL,
        leap_day_rule text NOT NULL,
        version bigint NOT NULL,
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL
    )
    """,
    # No tenant: an operator's key.
    """
    CREATE TABLE api_keys (
        api_key_id text COLLATE "C" PRIMARY KEY,
        tenant_id uuid REFERENCES tenants,
        name text NOT NULL,
        scopes text[] NOT NULL,
        create_time timestamptz NOT NULL,
        expire_time timestamptz,
        revoke_time timestamptz
    )
    """,
    "CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, api_key_id)",
    """
    CREATE TABLE api_key_secrets (
        secret_hash bytea PRIMARY KEY,
        api_key_id text COLLATE "C" NOT NULL REFERENCES api_keys,
        create_time timestamptz NOT NULL
    )
    """,
    # One row per person: a row per occasion would halve the rate of an import. Attributes are json,
    # not jsonb: that would write 5e-324 out with 324 digits, and 16 KiB would become a megabyte.
    """
    CREATE TABLE users (
        tenant_id uuid NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        time_zone text NOT NULL,
        locale text NOT NULL,
        given_name text NOT NULL,
        family_name text NOT NULL,
        occasions jsonb NOT NULL,
        attributes json NOT NULL,
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, user_id)
    ) WITH (fillfactor = 85)
    """,
    # The outbox of the feed. user_id '' is the tenant itself; delete_time makes it a tombstone.
    """
    CREATE TABLE user_changes (
        tenant_id uuid NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        urgency smallint NOT NULL,
        change_time timestamptz NOT NULL,
        delete_time timestamptz,
        PRIMARY KEY (tenant_id, user_id)
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01)
    """,
    "CREATE INDEX user_changes_by_urgency ON user_changes (urgency, change_time, tenant_id, user_id)",
    # Another epoch tells the reader that versions from before cannot be compared.
    """
    CREATE TABLE feed_epoch (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        epoch uuid NOT NULL
    )
    """,
    "INSERT INTO feed_epoch (epoch) VALUES (gen_random_uuid())",
)


def upgrade() -> None:
    """Create everything."""
    for statement in STATEMENTS:
        op.execute(statement)
