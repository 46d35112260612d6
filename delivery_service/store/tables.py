"""The tables of delivery_service, as the migrations make them; hot statements are written out as SQL.

Open and ended are two tables: the queue is what changes state and stays small, messages, deliveries and
attempts are insert-only and partitioned by the month of the occurrence date.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "delivery_service"

metadata = MetaData()

_INSTANT = DateTime(timezone=True)


def _attempt_columns() -> list[Column[object]]:
    return [
        Column("start_time", _INSTANT),
        Column("status_code", SmallInteger),
        Column("attempt_cause", SmallInteger),
        Column("connect_us", Integer),
        Column("first_byte_us", Integer),
        Column("total_us", Integer),
        Column("answer_bytes", Integer),
        Column("answer", LargeBinary),
        Column("url", Text),
        Column("secret_id", Text),
    ]


endpoints = Table(
    "endpoints",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("url", Text),
    Column("description", Text),
    Column("state", SmallInteger),
    Column("timeout", Interval),
    Column("version", BigInteger),
    Column("create_time", _INSTANT),
    Column("update_time", _INSTANT),
    Column("event_type_filters", ARRAY(Text)),
    Column("headers", JSONB),
    Column("metadata", JSONB),
    Column("disable_reason", SmallInteger),
    Column("disable_time", _INSTANT),
    Column("disable_note", Text),
    Column("max_rate", Double),
    Column("max_concurrency", Integer),
    Column("retry_policy", JSONB),
    Column("breaker_policy", JSONB),
    Column("client_certificate", Text),
    Column("client_key", LargeBinary),
)

endpoint_secrets = Table(
    "endpoint_secrets",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("secret_id", Text, primary_key=True),
    Column("secret", LargeBinary),
    Column("create_time", _INSTANT),
    Column("expire_time", _INSTANT),
    Column("kind", SmallInteger),
)

endpoint_breakers = Table(
    "endpoint_breakers",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("state", SmallInteger),
    Column("mode", SmallInteger),
    Column("reason", Text),
    Column("opened", Integer),
    Column("successes", Integer),
    Column("open_until", _INSTANT),
    Column("probe_owner", BigInteger),
    Column("probe_until", _INSTANT),
    Column("change_time", _INSTANT),
    Column("version", BigInteger),
)

replicas = Table(
    "replicas",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("replica_id", Text),
    Column("lease_until", _INSTANT),
)

messages = Table(
    "messages",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("occurrence_date", Date, primary_key=True),
    Column("tenant_id", Text),
    Column("user_id", Text),
    Column("event_type_id", Text),
    Column("due_time", _INSTANT),
    Column("decide_time", _INSTANT),
    Column("deliver_by", _INSTANT),
    Column("priority", SmallInteger),
    Column("body", LargeBinary),
    Column("metadata", Text),
    Column("traceparent", Text),
    Column("accept_time", _INSTANT),
)

queue = Table(
    "queue",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("tenant_id", Text),
    Column("user_id", Text),
    Column("occurrence_date", Date),
    Column("owner", BigInteger),
    Column("attempts", Integer),
    Column("cause", SmallInteger),
    Column("next_time", _INSTANT),
    Column("decide_time", _INSTANT),
    Column("deliver_by", _INSTANT),
    Column("accept_time", _INSTANT),
    Column("lease_until", _INSTANT),
    Column("lease_token", Text),
)

# The last attempt is inline; attempts before it, if any, are rows of `attempts`.
deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("occurrence_date", Date, primary_key=True),
    Column("tenant_id", Text),
    Column("state", SmallInteger),
    Column("cause", SmallInteger),
    Column("attempts", Integer),
    Column("accept_time", _INSTANT),
    Column("deliver_by", _INSTANT),
    Column("end_time", _INSTANT),
    *_attempt_columns(),
    Column("settlement", SmallInteger),
    Column("settle_time", _INSTANT),
    Column("settle_reason", Text),
)

attempts = Table(
    "attempts",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("occurrence_date", Date, primary_key=True),
    *_attempt_columns(),
)

stops = Table(
    "stops",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("number", BigInteger),
    Column("decided_before", _INSTANT),
    Column("until", _INSTANT),
    Column("reason", Text),
)

operations = Table(
    "operations",
    metadata,
    Column("operation_id", Uuid, primary_key=True),
    Column("tenant_id", Text),
    Column("kind", Text),
    Column("subject", Text),
    Column("state", Text),
    Column("total", BigInteger),
    Column("done", BigInteger),
    Column("succeeded", BigInteger),
    Column("failed", BigInteger),
    Column("error", Text),
    Column("position", JSONB),
    Column("request", JSONB),
    Column("create_time", _INSTANT),
    Column("update_time", _INSTANT),
    Column("end_time", _INSTANT),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
)

tenant_settings = Table(
    "tenant_settings",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("inbox_mode", SmallInteger),
    Column("retention_days", Integer),
    Column("version", BigInteger),
    Column("update_time", _INSTANT),
)
