"""The event types that every tenant begins with; they can be changed like any other."""

from whenever import Instant, Time

from scheduler_service.domain.event_types import EventType, EventTypeState, Priority, Template

_NAME = "{{ user.given_name | default(user.name) | default('friend') }}"

_WORDS = {
    "birthday": (
        "Birthday",
        f"Happy birthday, {_NAME}!",
        (
            f"Dear {_NAME}, all the best for your {{% if turns is defined %}}birthday number {{{{ turns }}}}"
            "{% else %}birthday{% endif %}."
        ),
    ),
    "anniversary": (
        "Anniversary",
        f"Happy anniversary, {_NAME}!",
        (
            f"Dear {_NAME}, {{% if turns is defined %}}{{{{ turns }}}} {{% if turns == 1 %}}year{{% else %}}years"
            "{% endif %} today.{% else %}today is the day.{% endif %}"
        ),
    ),
    "reminder": (
        "Reminder",
        "A reminder",
        f"Dear {_NAME}, this is the reminder for {{{{ occurrence_date }}}}.",
    ),
}


def built_in(tenant_id: str, *, since: Instant) -> list[tuple[str, EventType]]:
    """Return (display name, event type): birthday and anniversary active at 09:00, reminder paused."""
    return [
        (
            display_name,
            EventType(
                tenant_id=tenant_id,
                event_type_id=kind,
                version=1,
                timing_version=1,
                state=EventTypeState.PAUSED if kind == "reminder" else EventTypeState.ACTIVE,
                occasion_kind=kind,
                local_time=Time(9),
                day_offset=0,
                deliver_within=None,
                enrol_time=since,
                priority=Priority.NORMAL,
                templates=(Template("", title, body),),
                attributes=(),
            ),
        )
        for kind, (display_name, title, body) in _WORDS.items()
    ]
