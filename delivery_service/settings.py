"""What delivery_service can be told from outside, besides what all services share."""

from datetime import timedelta

from pydantic import Field, field_validator

from chassis.settings import ServiceSettings
from delivery_service.domain.addresses import Network, networks


class Settings(ServiceSettings):
    """Settings of delivery_service, read from `REDLETTER_*` once."""

    user_service_address: str = Field(
        default="127.0.0.1:7002",
        description="Internal port of user_service, which verifies API keys: host:port, or several with commas.",
    )
    allowed_networks: str = Field(
        default="",
        description="Networks that webhooks may be sent to although they are private, as CIDRs with commas;"
        " for example 127.0.0.0/8,::1/128 on a developer's machine.",
    )
    ca_file: str = Field(
        default="",
        description="File of trusted certificate authorities (PEM); empty: the distribution's bundle.",
    )
    connect_timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        le=60,
        description="Longest time to resolve, connect and shake hands in one attempt.",
    )
    lane_concurrency: int = Field(
        default=64, ge=1, le=1024, description="Attempts in flight to one endpoint from one replica."
    )
    lane_window: int = Field(
        default=1000,
        ge=1,
        le=20_000,
        description="Deliveries of one endpoint that one replica keeps in memory.",
    )
    max_in_flight: int = Field(
        default=1024, ge=1, le=20_000, description="Attempts in flight to all endpoints from one replica."
    )
    max_held: int = Field(
        default=8000,
        ge=1,
        le=200_000,
        description="Deliveries of all endpoints that one replica keeps in memory.",
    )
    retry_first_seconds: float = Field(
        default=1.0,
        gt=0,
        le=3600,
        description="Longest wait (real time) after the first attempt; doubles each time.",
    )
    retry_longest_seconds: float = Field(
        default=3600.0, gt=0, le=86_400, description="Longest wait (real time) after any attempt."
    )
    record_batch: int = Field(
        default=500, ge=1, le=5000, description="Outcomes written in one statement, at most."
    )
    record_seconds: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="Longest time an outcome waits to be written together with others.",
    )
    lease_seconds: float = Field(
        default=5.0, ge=2, le=60, description="How long a replica that fell silent keeps its deliveries."
    )

    @field_validator("allowed_networks")
    @classmethod
    def _readable(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks of `allowed_networks`."""
        return networks(self.allowed_networks)

    @property
    def connect_timeout(self) -> timedelta:
        """Longest time to connect in."""
        return timedelta(seconds=self.connect_timeout_seconds)
