"""What is remembered of a plan, and of what a caller asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from whenever import Date, Instant, Time

from scheduler_service.domain.event_types import Priority
from scheduler_service.domain.moments import Shift


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asked for when they made a plan by hand; it goes with the plan into its event.

    `local_time` set: due at that wall time on the plan's occurrence date, wherever the person is then;
    None: due at the plan's `due_override`. `deliver_within` None: the event type's. `cycle` is the one the
    words are about (of an event that is issued again, or triggered). `endpoint_id` not empty: only there.
    """

    create_time: Instant
    metadata: Mapping[str, str] = field(default_factory=dict)
    priority: Priority | None = None
    local_time: Time | None = None
    deliver_within: timedelta | None = None
    cycle: str = ""
    reissue_of: str = ""
    reason: str = ""
    endpoint_id: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which cycle is next and when.

    `due_time` None means that nothing is due: a tombstone that remembers `last_cycle` (the last decided
    cycle) and `last_date` (the occurrence date of the last one that was sent). `enrol_time` is the
    effective enrolment it was planned for, `event_type_version` the rule's `timing_version`; `moved` says
    that a change put the due time into the past while it could still have been sent. `time_zone` is the one
    it was planned in; `due_override` an instant that somebody chose for this cycle by hand; `request` is
    set for plans that a caller made, which have one cycle, `once`.
    """

    plan_id: bytes
    tenant_id: str
    user_id: str
    event_type_id: str
    occasion_id: str
    instance: str
    shard: int
    version: int
    cycle: str | None
    last_cycle: str | None
    last_date: Date | None
    occurrence_date: Date | None
    nominal_due_time: Instant | None
    due_time: Instant | None
    deliver_by: Instant | None
    enrol_time: Instant
    recipient_version: int
    event_type_version: int
    tzdata_version: str
    shifts: tuple[Shift, ...]
    moved: bool
    time_zone: str = ""
    due_override: Instant | None = None
    request: Request | None = None

    @property
    def is_void(self) -> bool:
        """True when nothing is open and nothing was ever decided: the row can go."""
        return self.cycle is None and self.last_cycle is None
