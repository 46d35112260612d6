"""Endpoints, messages, queue, deliveries, attempts, stops, replicas."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE endpoints (
        tenant_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        url text NOT NULL,
        description text NOT NULL,
        state smallint NOT NULL,
        timeout interval NOT NULL,
        version bigint NOT NULL,
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, endpoint_id)
    )
    """,
    """
    CREATE TABLE endpoint_secrets (
        tenant_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        secret_id text COLLATE "C" NOT NULL,
        secret bytea NOT NULL,
        create_time timestamptz NOT NULL,
        expire_time timestamptz,
        PRIMARY KEY (tenant_id, endpoint_id, secret_id),
        FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE replicas (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        replica_id text NOT NULL,
        lease_until timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE messages (
        event_id text COLLATE "C" NOT NULL,
        occurrence_date date NOT NULL,
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        event_type_id text COLLATE "C" NOT NULL,
        due_time timestamptz NOT NULL,
        decide_time timestamptz NOT NULL,
        deliver_by timestamptz NOT NULL,
        priority smallint NOT NULL,
        body bytea NOT NULL,
        metadata text NOT NULL,
        traceparent text NOT NULL,
        accept_time timestamptz NOT NULL,
        PRIMARY KEY (event_id, occurrence_date)
    ) PARTITION BY RANGE (occurrence_date)
    """,
    # Open deliveries only. The owner comes first in the lane's index, so that one index carries the
    # lane's fetch, the inbox, the take-over of a dead replica's rows and the search for lanes with work.
    """
    CREATE TABLE queue (
        event_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        round smallint NOT NULL,
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        occurrence_date date NOT NULL,
        owner bigint,
        attempts integer NOT NULL,
        cause smallint NOT NULL,
        next_time timestamptz NOT NULL,
        decide_time timestamptz NOT NULL,
        deliver_by timestamptz NOT NULL,
        accept_time timestamptz NOT NULL,
        PRIMARY KEY (event_id, endpoint_id, round)
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01)
    """,
    "CREATE INDEX queue_lane ON queue (owner, tenant_id, endpoint_id, next_time)",
    "CREATE INDEX queue_user ON queue (user_id)",
    """
    CREATE TABLE deliveries (
        event_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        round smallint NOT NULL,
        occurrence_date date NOT NULL,
        tenant_id text COLLATE "C" NOT NULL,
        state smallint NOT NULL,
        cause smallint NOT NULL,
        attempts integer NOT NULL,
        accept_time timestamptz NOT NULL,
        deliver_by timestamptz NOT NULL,
        end_time timestamptz NOT NULL,
        start_time timestamptz,
        status_code smallint NOT NULL DEFAULT 0,
        attempt_cause smallint NOT NULL DEFAULT 0,
        connect_us integer NOT NULL DEFAULT -1,
        first_byte_us integer NOT NULL DEFAULT -1,
        total_us integer NOT NULL DEFAULT -1,
        answer_bytes integer NOT NULL DEFAULT 0,
        answer bytea NOT NULL DEFAULT '',
        url text NOT NULL DEFAULT '',
        secret_id text NOT NULL DEFAULT '',
        PRIMARY KEY (event_id, endpoint_id, round, occurrence_date)
    ) PARTITION BY RANGE (occurrence_date)
    """,
    "CREATE INDEX deliveries_ended ON deliveries (tenant_id, end_time, event_id)",
    "CREATE INDEX deliveries_unreceived ON deliveries (tenant_id, state, end_time) WHERE state <> 2",
    """
    CREATE INDEX deliveries_inbox ON deliveries (tenant_id, accept_time, event_id)
        WHERE endpoint_id = 'inbox' AND state = 2
    """,
    """
    CREATE TABLE attempts (
        event_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        round smallint NOT NULL,
        number integer NOT NULL,
        occurrence_date date NOT NULL,
        start_time timestamptz NOT NULL,
        status_code smallint NOT NULL,
        attempt_cause smallint NOT NULL,
        connect_us integer NOT NULL,
        first_byte_us integer NOT NULL,
        total_us integer NOT NULL,
        answer_bytes integer NOT NULL,
        answer bytea NOT NULL,
        url text NOT NULL,
        secret_id text NOT NULL,
        PRIMARY KEY (event_id, endpoint_id, round, number, occurrence_date)
    ) PARTITION BY RANGE (occurrence_date)
    """,
    # A stop names an event or a user; the other one is empty. Numbers grow in the order of the commits,
    # because stops are written one transaction at a time.
    """
    CREATE TABLE stops (
        tenant_id text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        decided_before timestamptz NOT NULL,
        until timestamptz NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (tenant_id, event_id, user_id)
    )
    """,
    "CREATE INDEX stops_until ON stops (until)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
