"""What the scheduler can be told from outside."""

from pydantic import Field

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of scheduler_service."""

    user_service_address: str = Field(
        description="Internal port of user_service: host:port, or several separated by commas."
    )
    delivery_service_address: str = Field(
        description="Internal port of delivery_service: host:port, or several separated by commas."
    )
    tzdata_automatic: bool = Field(
        default=False,
        description="Whether open plans move to a newer release of the time-zone data by themselves; otherwise"
        " an operator approves the plan diff.",
    )
