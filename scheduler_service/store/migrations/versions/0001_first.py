"""The scheduler's first tables: identity, leadership, event types, recipients, plans, events, outboxes."""

from alembic import op

revision = "0001"
down_revision = None

# What changes state is small and has at most two indexes; what is listed is insert-only.
STATEMENTS = (
    # The key of every plan and event id: made once, backed up with the rest, never a setting.
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
    """
    CREATE TABLE leadership (
        role text PRIMARY KEY,
        term bigint NOT NULL,
        holder text NOT NULL,
        renew_time timestamptz NOT NULL,
        since timestamptz NOT NULL
    )
    """,
    # Which epoch of user_service's store the recipients come from, and whether ghosts of an older one are gone.
    """
    CREATE TABLE feed (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        epoch text NOT NULL,
        swept boolean NOT NULL,
        backlog bigint NOT NULL,
        oldest_change_time timestamptz,
        pull_time timestamptz
    )
    """,
    "INSERT INTO feed (epoch, swept, backlog) VALUES ('', true, 0)",
    """
    CREATE TABLE tenants (
        tenant_id text COLLATE "C" PRIMARY KEY,
        version bigint NOT NULL,
        time_zone text NOT NULL,
        locale text NOT NULL,
        leap_day_rule text NOT NULL
    )
    """,
    # replanned_version < timing_version: the leader still walks the recipients, and has come to replan_cursor.
    """
    CREATE TABLE event_types (
        tenant_id text COLLATE "C" NOT NULL,
        event_type_id text COLLATE "C" NOT NULL,
        display_name text NOT NULL,
        version int NOT NULL,
        timing_version int NOT NULL,
        replanned_version int NOT NULL,
        replan_cursor text COLLATE "C" NOT NULL DEFAULT '',
        state text NOT NULL,
        occasion_kind text NOT NULL,
        local_time time NOT NULL,
        day_offset int NOT NULL,
        deliver_within interval,
        enrol_time timestamptz NOT NULL,
        priority smallint NOT NULL,
        templates jsonb NOT NULL,
        attributes jsonb NOT NULL,
        built_in boolean NOT NULL,
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, event_type_id)
    )
    """,
    """
    CREATE TABLE recipients (
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        epoch text NOT NULL,
        version bigint NOT NULL,
        time_zone text NOT NULL,
        locale text NOT NULL,
        given_name text NOT NULL,
        family_name text NOT NULL,
        occasions jsonb NOT NULL,
        attributes jsonb NOT NULL,
        PRIMARY KEY (tenant_id, user_id)
    ) WITH (fillfactor = 85)
    """,
    """
    CREATE TABLE plans (
        plan_id bytea PRIMARY KEY,
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        event_type_id text COLLATE "C" NOT NULL,
        occasion_id text NOT NULL,
        instance text NOT NULL,
        shard smallint NOT NULL,
        version int NOT NULL,
        cycle text COLLATE "C",
        last_cycle text COLLATE "C",
        last_date date,
        occurrence_date date,
        nominal_due_time timestamptz,
        due_time timestamptz,
        deliver_by timestamptz,
        enrol_time timestamptz NOT NULL,
        recipient_version bigint NOT NULL,
        event_type_version int NOT NULL,
        tzdata_version text NOT NULL,
        shifts text NOT NULL,
        moved boolean NOT NULL
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01)
    """,
    "CREATE INDEX plans_due ON plans (shard, due_time, plan_id) WHERE due_time IS NOT NULL",
    """
    CREATE TABLE events (
        event_id text COLLATE "C" PRIMARY KEY,
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        event_type_id text COLLATE "C" NOT NULL,
        occasion_id text NOT NULL,
        instance text NOT NULL,
        cycle text NOT NULL,
        occurrence_date date NOT NULL,
        state text NOT NULL,
        reason text NOT NULL,
        nominal_due_time timestamptz NOT NULL,
        due_time timestamptz NOT NULL,
        deliver_by timestamptz NOT NULL,
        decide_time timestamptz NOT NULL,
        late boolean NOT NULL,
        priority smallint NOT NULL,
        event_type_version int NOT NULL,
        recipient_version bigint NOT NULL,
        tzdata_version text NOT NULL,
        time_zone text NOT NULL,
        utc_offset_seconds int NOT NULL,
        shifts text NOT NULL
    )
    """,
    "CREATE INDEX events_of_tenant ON events (tenant_id, due_time, event_id)",
    "CREATE INDEX events_of_user ON events (tenant_id, user_id, due_time, event_id)",
    # Changes of people who cannot be planned yet, for example for a zone of a newer tzdata than ours.
    """
    CREATE TABLE parked (
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        reason text NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (tenant_id, user_id)
    )
    """,
    # Outbox: decided events on their way to delivery, as the bytes of one AcceptEventsRequest.
    """
    CREATE TABLE handovers (
        handover_id uuid PRIMARY KEY,
        create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
        offered_until timestamptz NOT NULL,
        stuck boolean NOT NULL DEFAULT false,
        events int NOT NULL,
        body bytea NOT NULL
    )
    """,
    # Outbox: people whose open deliveries have to stop.
    """
    CREATE TABLE cancellations (
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        decided_before timestamptz NOT NULL,
        create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
        offered_until timestamptz NOT NULL DEFAULT 'epoch',
        PRIMARY KEY (tenant_id, user_id)
    )
    """,
)


def upgrade() -> None:
    """Create everything."""
    for statement in STATEMENTS:
        op.execute(statement)
