"""What every service can be told from outside: one frozen object, read from `REDLETTER_*` once."""

import os
import socket
from datetime import datetime, timedelta

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _replica_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class ServiceSettings(BaseSettings):
    """Settings that all three services share; each service adds its own fields."""

    model_config = SettingsConfigDict(env_prefix="REDLETTER_", frozen=True, extra="ignore")

    database_url: str = Field(
        description="PostgreSQL of this service: postgresql+asyncpg://role:password@host:port/database."
    )
    database_pool_size: int = Field(default=8, ge=1, le=200, description="Connections kept to PostgreSQL.")
    redis_url: str = Field(
        default="",
        description="Valkey or Redis; of a cluster one or several nodes separated by commas; empty means none:"
        " slower, and said aloud.",
    )
    redis_cluster: bool = Field(default=False, description="Whether `redis_url` is a node of a cluster.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    public_port: int = Field(default=0, ge=0, le=65535, description="Port of the public gRPC services.")
    internal_port: int = Field(default=0, ge=0, le=65535, description="Port of the internal gRPC services.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Port of /metrics; 0 means none.")
    internal_secret: SecretStr = Field(
        description="Shared secret of the services, at least 32 characters; signs internal calls."
    )
    replica_id: str = Field(
        default_factory=_replica_id, description="Name of this replica, unique while it runs."
    )
    clock_from: datetime | None = Field(
        default=None, description="Time lapse: the business instant at the anchor (ISO 8601 with offset)."
    )
    clock_anchor: datetime | None = Field(
        default=None, description="Time lapse: the real instant at which business time starts to move."
    )
    clock_speed: float = Field(
        default=1.0, gt=0, le=100_000, description="Time lapse: business seconds per real second."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    otlp_endpoint: str = Field(
        default="",
        description="OTLP/gRPC collector for traces, for example http://collector:4317; empty: off.",
    )
    grace_seconds: float = Field(default=20.0, gt=0, le=600, description="Seconds to stop in after SIGTERM.")

    @field_validator("internal_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError("internal_secret must have at least 32 characters")
        return value

    @field_validator("database_url")
    @classmethod
    def _of_postgresql(cls, value: str) -> str:
        if not value.startswith("postgresql+asyncpg://"):
            raise ValueError("must look like postgresql+asyncpg://role:password@host:port/database")
        return value

    @field_validator("clock_from", "clock_anchor")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs an offset, for example 2028-02-27T00:00:00Z")
        return value

    @property
    def grace(self) -> timedelta:
        """Time to stop in after SIGTERM."""
        return timedelta(seconds=self.grace_seconds)
