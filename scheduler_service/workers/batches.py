"""A batch of decisions, and what of it goes to delivery."""

import uuid
from dataclasses import dataclass, field
from typing import Final

from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from whenever import Instant

from chassis import zones
from chassis.traces import traceparent
from chassis.wire import date, timestamp
from scheduler_service.domain.moments import utc_offset_seconds
from scheduler_service.domain.plans import Plan, next_plan
from scheduler_service.domain.recipients import zone_of
from scheduler_service.store.decisions import SENT, Decided
from scheduler_service.store.handovers import Handover
from scheduler_service.workers.window import Ready

INBOX: Final = "inbox"
"""What delivery_service calls the inbox where an endpoint is named."""


@dataclass
class Batch:
    """Decisions of one moment: what becomes events, what is put off."""

    now: Instant
    ready: list[Ready] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    deferred: list[Plan] = field(default_factory=list)
    deferred_versions: list[int] = field(default_factory=list)

    def add(
        self, ready: Ready, plan: Plan, version: int, state: str, reason: str = "", *, late: bool = False
    ) -> None:
        """Note how the cycle of `plan` ends, and what follows; `version` is the plan's as it was read."""
        assert plan.due_time is not None
        defaults, recipient, rule = ready.defaults, ready.recipient, ready.event_type
        zone = plan.time_zone or (defaults.time_zone if recipient is None else zone_of(recipient, defaults))
        following = ready.following
        if state != SENT:
            following = next_plan(
                plan,
                recipient,
                event_type=rule,
                defaults=defaults,
                sent=False,
                tzdata_version=zones.version(),
            )
        offset = utc_offset_seconds(plan.due_time, zone)
        self.ready.append(ready)
        self.decided.append(Decided(plan, following, version, rule, state, reason, late, zone, offset))


def handover_of(batch: Batch, recorded: set[str]) -> Handover | None:
    """Return the frozen bytes of what this transaction decided to send; nothing for what it lost."""
    events = [
        _accepted(ready, decided, batch.now)
        for ready, decided in zip(batch.ready, batch.decided, strict=True)
        if decided.state == SENT and ready.event_id in recorded
    ]
    if not events:
        return None
    name = uuid.uuid4()
    request = intake_pb2.AcceptEventsRequest(handover_id=str(name), events=events, traceparent=traceparent())
    return Handover(name, len(events), request.SerializeToString())


def _accepted(ready: Ready, decided: Decided, now: Instant) -> intake_pb2.AcceptedEvent:
    plan = decided.plan
    assert ready.rendered is not None
    assert plan.due_time is not None
    assert plan.deliver_by is not None
    accepted = intake_pb2.AcceptedEvent(
        event_id=ready.event_id,
        tenant_id=plan.tenant_id,
        user_id=plan.user_id,
        event_type_id=plan.event_type_id,
        occurrence_date=date(plan.occurrence_date),
        due_time=timestamp(plan.due_time),
        decide_time=timestamp(now),
        deliver_by=timestamp(plan.deliver_by),
        priority=int(decided.priority),  # type: ignore[arg-type]  # same numbers by design
        body=ready.rendered.body(late=decided.late),
    )
    if plan.request is not None:
        accepted.endpoint_id = plan.request.endpoint_id
        accepted.metadata.update(plan.request.metadata)
    if not accepted.endpoint_id and _inbox_only(ready):
        accepted.endpoint_id = INBOX
    return accepted


def _inbox_only(ready: Ready) -> bool:
    """Whether the person wants messages of this event type in the inbox alone."""
    recipient = ready.recipient
    return recipient is not None and ready.plan.event_type_id in recipient.preferences.inbox_only
