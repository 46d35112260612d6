"""The chart knows every setting of the code: as a value of its own, or as one that extraEnv may name."""

import re
from pathlib import Path

from chassis.settings import ServiceSettings
from delivery_service.settings import Settings as DeliverySettings
from scheduler_service.settings import Settings as SchedulerSettings
from user_service.settings import Settings as UserSettings

TEMPLATES = Path(__file__).resolve().parents[3] / "charts" / "redletter" / "templates"
ENVIRONMENT = (TEMPLATES / "_environment.tpl").read_text(encoding="utf-8")
VALIDATIONS = (TEMPLATES / "_validations.tpl").read_text(encoding="utf-8")
NAME = re.compile(r"REDLETTER_[A-Z0-9_]+")


def variables(*settings: type[ServiceSettings]) -> set[str]:
    """Return the variables that these settings are read from."""
    return {f"REDLETTER_{name.upper()}" for one in settings for name in one.model_fields}


def test_every_setting_is_set_or_may_be() -> None:
    """A new setting must be decided about; one that is gone must not be offered."""
    chosen = set(NAME.findall(ENVIRONMENT))
    [line] = [one for one in VALIDATIONS.splitlines() if "$settable := list" in one]
    free = set(NAME.findall(line))
    assert chosen | free == variables(UserSettings, SchedulerSettings, DeliverySettings)
    assert not chosen & free


def test_defaults_are_the_codes() -> None:
    """Who leaves a value alone gets what the code would do, but for the ports: the chart lets TLS out only."""
    values = (TEMPLATES.parent / "values.yaml").read_text(encoding="utf-8")
    fields = DeliverySettings.model_fields
    for value, name in {
        "allowHttp": "allow_http",
        "retentionDays": "retention_days",
        "laneConcurrency": "lane_concurrency",
        "maxInFlight": "max_in_flight",
        "inboxStreams": "inbox_streams",
    }.items():
        assert f"\n  {value}: {fields[name].default}\n" in values
