"""ListEvents: what was decided and what is planned, as one list in the order of due times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from redletter.scheduler.v1 import event_pb2 as pb
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis import pages
from chassis.errors import InvalidInput
from chassis.wire import instant
from chassis.words import checked_words
from scheduler_service.api.rendering_events import ended, planned
from scheduler_service.domain.ids import event_id, parse_event_id, user_part
from scheduler_service.store import events, planned_events
from scheduler_service.store.filters import BEGINNING, Filter

Bound = Literal["due_after", "due_before", "created_after", "created_before"]
_ENDS: Final[Mapping[str, tuple[Bound, Bound]]] = {
    "due": ("due_after", "due_before"),
    "created": ("created_after", "created_before"),
}


@dataclass(frozen=True)
class Page:
    """Some events in order, and the token of the next page; empty when there is none."""

    events: list[pb.Event]
    next_page_token: str


def parsed(request: service_pb.ListEventsRequest) -> Filter:
    """Return what a listing is about.

    Raises:
        InvalidInput: an instant that no calendar has, a span that ends before it begins, or metadata that
            is none.
    """
    for name in ("due", "created"):
        _require_order(request, name)
    return Filter(
        user_id=request.user_id,
        event_type_id=request.event_type_id,
        states=tuple(pb.Event.State.Name(state).removeprefix("STATE_") for state in request.states),
        due_after=_time(request, "due_after"),
        due_before=_time(request, "due_before"),
        created_after=_time(request, "created_after"),
        created_before=_time(request, "created_before"),
        priority=int(request.priority),
        metadata=tuple(sorted(checked_words(request.metadata).items())),
    )


def _require_order(request: service_pb.ListEventsRequest, name: Literal["due", "created"]) -> None:
    after, before = (_time(request, end) for end in _ENDS[name])
    if after is not None and before is not None and after >= before:
        raise InvalidInput.at(
            f"{name}_after",
            f"{after.isoformat()} is not before {name}_before, {before.isoformat()}: nothing can be between them",
            value=after.isoformat(),
            allowed=f"an instant before {name}_before",
        )


def _time(request: service_pb.ListEventsRequest, name: Bound) -> datetime | None:
    return instant(getattr(request, name), field=name).to_stdlib() if request.HasField(name) else None


async def page_of(
    connection: AsyncConnection, key: bytes, tenant_id: str, request: service_pb.ListEventsRequest
) -> Page:
    """Return one page, without outcomes.

    Raises:
        InvalidInput: a filter that cannot be, or a token of another one.
    """
    asked = parsed(request)
    bound = [tenant_id, asked]
    last = pages.decode(request.page_token, bound)
    after = (datetime.fromisoformat(str(last[0])), str(last[1])) if last else (BEGINNING, "")
    size = pages.page_size(request.page_size)
    found = await _merged(connection, key, tenant_id, asked, after=after, size=size + 1)
    token = ""
    if len(found) > size:
        due_time, shown = found[size - 1]
        token = pages.encode([due_time.isoformat(), shown.event_id], bound)
    return Page([event for _, event in found[:size]], token)


async def _merged(
    connection: AsyncConnection,
    key: bytes,
    tenant_id: str,
    asked: Filter,
    *,
    after: events.Key,
    size: int,
) -> list[tuple[datetime, pb.Event]]:
    # Plans first: what is decided between the two reads is then seen twice, and never not at all.
    found = await _planned(connection, key, tenant_id, asked, after=after, size=size)
    rows = await events.page(connection, tenant_id, asked, after=after, size=size)
    found.update({row["event_id"]: (row["due_time"], ended(row)) for row in rows})
    return sorted(found.values(), key=lambda entry: (entry[0], entry[1].event_id))[:size]


async def _planned(
    connection: AsyncConnection,
    key: bytes,
    tenant_id: str,
    asked: Filter,
    *,
    after: events.Key,
    size: int,
) -> dict[str, tuple[datetime, pb.Event]]:
    if not asked.wants_planned:
        return {}
    priorities = await planned_events.priorities(connection, tenant_id)
    open_plans = await planned_events.page(
        connection,
        tenant_id,
        asked,
        user_part=user_part(key, tenant_id, asked.user_id) if asked.user_id else None,
        types_of_priority=[name for name, priority in priorities.items() if priority == asked.priority],
        # Plans sort by their ids as events do by theirs.
        after=(after[0], parse_event_id(after[1])[0] if after[1] else b""),
        size=size,
    )
    return {
        event_id(plan.plan_id, plan.cycle): (
            plan.due_time.to_stdlib(),
            planned(plan, priorities[plan.event_type_id]),
        )
        for plan in open_plans
        if plan.cycle is not None and plan.due_time is not None
    }
