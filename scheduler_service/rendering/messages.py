"""The webhook's body: what a person's message says, as bytes that are the same on every attempt."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from scheduler_service.domain.cycles import turns
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.templates import Cache, RenderError, Values

SCHEMA: Final = 1
MAX_BODY_BYTES: Final = 20 * 1024


class TooLarge(Exception):
    """The body would be larger than a webhook may be."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body in two pieces: only whether it is late is known as late as the moment of deciding."""

    head: bytes
    tail: bytes

    def body(self, *, late: bool) -> bytes:
        """Return the frozen bytes of the message."""
        return self.head + (b"true" if late else b"false") + self.tail


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

    Raises:
        RenderError: the template cannot be rendered for this person.
        TooLarge: the body has more than 20 KB.
    """
    assert plan.cycle is not None
    assert plan.occurrence_date is not None
    assert plan.due_time is not None
    occasion = recipient.occasion(plan.occasion_id, kind=event_type.occasion_kind)
    age = None if occasion is None else turns(occasion, plan.cycle)
    values = values_of(recipient, occasion, turned=age, occurrence_date=plan.occurrence_date.format_iso())
    compiled = templates.of(event_type)
    title, text, locale = compiled.render(recipient.locale or defaults.locale, values)
    head = orjson.dumps(
        {
            "type": plan.event_type_id,
            "schema": SCHEMA,
            "timestamp": plan.due_time.format_iso(),
            "data": {
                "event_id": event_id,
                "event_type": plan.event_type_id,
                "cycle": plan.cycle,
                "occurrence_date": plan.occurrence_date.format_iso(),
            },
        }
    )
    rest: dict[str, Any] = {
        "user": {"id": recipient.user_id, **_named(recipient, event_type)},
        "message": {"title": title, "body": text, "locale": locale},
        **({} if age is None else {"turns": age}),
        "metadata": {},
    }
    rendered = Rendered(head[:-2] + b',"late":', b"," + orjson.dumps(rest)[1:] + b"}")
    if len(rendered.head) + len(rendered.tail) + 5 > MAX_BODY_BYTES:
        raise TooLarge
    return rendered


def values_of(
    recipient: Recipient, occasion: Occasion | None, *, turned: int | None, occurrence_date: str
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
