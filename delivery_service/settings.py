"""What delivery_service can be told from outside, besides what all services share."""

from datetime import timedelta

from pydantic import Field, ValidationInfo, field_validator

from chassis.settings import ServiceSettings
from delivery_service.domain.addresses import networks
from delivery_service.domain.delivery_settings import LONGEST_RETENTION_DAYS
from delivery_service.domain.destinations import Destinations, PlainHttp, ports
from delivery_service.domain.retention import DEFAULT_DAYS, MINIMUM_DAYS


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
    refused_networks: str = Field(
        default="",
        description="Networks that webhooks are never sent to although they are public, as CIDRs with commas: this"
        " deployment's own public addresses, the NAT64 prefix of its network. Wins over `allowed_networks`.",
    )
    allowed_ports: str = Field(
        default="80,443,1024-65535",
        description="Ports that webhooks may be sent to, single ones and ranges with commas.",
    )
    allow_http: PlainHttp = Field(
        default=PlainHttp.NEVER,
        description="Whether webhooks may leave without TLS: never, inside (only to `allowed_networks`) or always.",
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

    inbox_streams: int = Field(
        default=64,
        ge=4,
        le=1000,
        description="Open streams of inbox readers of one replica; one tenant may have a quarter of them.",
    )

    retention_days: int = Field(
        default=DEFAULT_DAYS,
        ge=MINIMUM_DAYS,
        le=LONGEST_RETENTION_DAYS,
        description="Days after its occurrence date for which a message is kept, unless its tenant has decided"
        " otherwise. Not fewer than 45: until then its id must be known, so that it cannot be sent twice.",
    )

    @field_validator("allowed_networks", "refused_networks")
    @classmethod
    def _networks(cls, value: str, info: ValidationInfo) -> str:
        networks(value, field=str(info.field_name))
        return value

    @field_validator("allowed_ports")
    @classmethod
    def _ports(cls, value: str) -> str:
        ports(value)
        return value

    @property
    def destinations(self) -> Destinations:
        """Where webhooks may go."""
        return Destinations(
            allowed_networks=networks(self.allowed_networks),
            refused_networks=networks(self.refused_networks, field="refused_networks"),
            http=self.allow_http,
            ports=ports(self.allowed_ports),
        )

    @property
    def connect_timeout(self) -> timedelta:
        """Longest time to connect in."""
        return timedelta(seconds=self.connect_timeout_seconds)
