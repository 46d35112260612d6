"""What user_service can be told from outside."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of user_service: those that all services share, and no others yet."""
