"""The webhook's body: what a person's message says, as bytes that are the same on every attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scheduler_service.domain.cycles import turns
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plans import Plan, Request
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.templates import Cache, Compiled, RenderError, Values

SCHEMA: Final = 1
MAX_BODY_BYTES: Final = 20 * 1024
_LATE_BYTES: Final = len("false")


class TooLarge(Exception):
    """The body would be larger than a webhook may be."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body in pieces: only whether it is late is known as late as the moment of deciding.

    `late_tail` is the end of a late message; empty when it has no words of its own for that.
    """

    head: bytes
    tail: bytes
    late_tail: bytes = b""

    def body(self, *, late: bool) -> bytes:
        """Return the frozen bytes of the message."""
        if late:
            return self.head + b"true" + (self.late_tail or self.tail)
        return self.head + b"false" + self.tail


def render(
    templates: Cache,
    plan: Plan,
    event_id: str,
    *,
    recipient: Recipient,
    event_type: EventType,
    defaults: TenantDefaults,
) -> Rendered:
    """Return the message of `plan` for this person; pure.

    Belated words that cannot be rendered, or are too long, give way to the others: a message on time must
    not fail for them, and a late one can still be said.

    Raises:
        RenderError: the template cannot be rendered for this person.
        TooLarge: the body has more than 20 KB.
    """
    assert plan.cycle is not None
    assert plan.occurrence_date is not None
    assert plan.due_time is not None
    request = plan.request
    occasion = recipient.occasion(plan.occasion_id, kind=event_type.occasion_kind)
    cycle = plan.cycle if request is None else request.cycle
    age = None if occasion is None else turns(occasion, cycle)
    metadata = None if request is None else request.metadata
    on = plan.occurrence_date.format_iso()
    values = values_of(recipient, occasion, turned=age, occurrence_date=on, metadata=metadata)
    compiled = templates.of(event_type)
    locale = recipient.locale or defaults.locale
    title, text, named = compiled.render(locale, values)
    head = (
        orjson.dumps(
            {
                "type": plan.event_type_id,
                "schema": SCHEMA,
                "timestamp": plan.due_time.format_iso(),
                "data": {
                    "event_id": event_id,
                    "event_type": plan.event_type_id,
                    "cycle": plan.cycle,
                    "occurrence_date": on,
                },
            }
        )[:-2]
        + b',"late":'
    )
    rest: dict[str, Any] = {
        "user": {"id": recipient.user_id, **_named(recipient, event_type)},
        "message": {"title": title, "body": text, "locale": named},
        **({} if age is None else {"turns": age}),
        "metadata": metadata or {},
    }
    if request is not None:
        rest.update(_of_request(request))
    tail = _tail(rest)
    if len(head) + len(tail) + _LATE_BYTES > MAX_BODY_BYTES:
        raise TooLarge
    late_tail = b""
    if compiled.has_belated(locale):
        late_tail = _belated(compiled, rest, locale, values, room=MAX_BODY_BYTES - len(head) - _LATE_BYTES)
    return Rendered(head, tail, late_tail)


def _belated(compiled: Compiled, rest: dict[str, Any], locale: str, values: Values, *, room: int) -> bytes:
    """Return the end of a late message in its own words; empty when they cannot be said."""
    try:
        title, text, named = compiled.render(locale, values, belated=True)
    except RenderError:
        return b""
    tail = _tail({**rest, "message": {"title": title, "body": text, "locale": named}})
    return tail if len(tail) <= room else b""


def _tail(rest: dict[str, Any]) -> bytes:
    return b"," + orjson.dumps(rest)[1:] + b"}"


def _of_request(request: Request) -> dict[str, Any]:
    """Return what a receiver is told of an event that somebody made by hand, beside its metadata."""
    said: dict[str, Any] = {}
    if request.reissue_of:
        said["reissue_of"] = request.reissue_of
    if request.endpoint_id:
        said["test"] = True
    return said


def values_of(
    recipient: Recipient,
    occasion: Occasion | None,
    *,
    turned: int | None,
    occurrence_date: str,
    metadata: Mapping[str, str] | None = None,
) -> Values:
    """Return what a template sees; what is not known is not there, so `is defined` and `default` work."""
    user: dict[str, object] = dict(recipient.attributes)
    user["id"] = recipient.user_id
    names = {"given_name": recipient.given_name, "family_name": recipient.family_name}
    user.update({key: value for key, value in names.items() if value})
    full = " ".join(name for name in names.values() if name)
    if full:
        user["name"] = full
    values: dict[str, object] = {"user": user, "occurrence_date": occurrence_date}
    if metadata is not None:
        values["metadata"] = metadata
    if turned is not None:
        values["turns"] = turned
    if occasion is not None:
        values["occasion"] = {
            "id": occasion.occasion_id,
            "kind": occasion.kind,
            "month": occasion.month,
            "day": occasion.day,
            **({} if occasion.year is None else {"year": occasion.year}),
        }
    return values


def _named(recipient: Recipient, event_type: EventType) -> dict[str, object]:
    known = {
        **recipient.attributes,
        "given_name": recipient.given_name,
        "family_name": recipient.family_name,
        "time_zone": recipient.time_zone,
        "locale": recipient.locale,
    }
    return {name: known[name] for name in event_type.attributes if known.get(name) not in (None, "")}


__all__ = ["RenderError", "Rendered", "TooLarge", "render", "values_of"]
