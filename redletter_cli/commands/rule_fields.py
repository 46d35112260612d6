"""The fields of an event type: the options that set them, and how a value given as text is read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Final, cast

import typer
from google.protobuf.descriptor import EnumDescriptor
from redletter.scheduler.v1 import event_type_pb2

from redletter_cli.commands.options import day_offset, duration, enum_value, time_of_day


@dataclass(frozen=True)
class RuleOptions:
    """What `event-types create` and `event-types update` may set, as it was given."""

    day_offset: Annotated[
        int | None, typer.Option(help="Days from the occasion, -366 to 366; -7 is a week before.")
    ] = None
    deliver_within: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN", help="How long it is worth sending, for example 6h; day-end: until midnight."
        ),
    ] = None
    priority: Annotated[str | None, typer.Option(help="low, normal or high.")] = None
    state: Annotated[str | None, typer.Option(help="active or paused.")] = None
    display_name: Annotated[str | None, typer.Option(help="What people call it.")] = None
    attribute: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="User attribute the webhook carries. Repeatable."),
    ] = None
    rrule: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="For recurrence rrule, for example FREQ=MONTHLY;BYDAY=2TU."),
    ] = None
    gap_policy: Annotated[
        str | None, typer.Option(help="Local time that does not exist: forward, end or backward.")
    ] = None
    fold_policy: Annotated[
        str | None, typer.Option(help="Local time that happens twice: first or second.")
    ] = None
    skipped_date_policy: Annotated[
        str | None, typer.Option(help="Date that a zone never had: next or previous.")
    ] = None
    late_policy: Annotated[
        str | None, typer.Option(help="More than 60 s late: send (until deliver_by) or expire.")
    ] = None
    on_enrol: Annotated[
        str | None,
        typer.Option(help="Occasions that fall on today: next or same-day; default: as each occasion says."),
    ] = None
    weekend_shift: Annotated[
        str | None, typer.Option(help="From weekends and holidays to a working day: none, before or after.")
    ] = None
    min_gap: Annotated[
        str | None,
        typer.Option(
            metavar="DAYS", help="Least time between two messages, 0d to 360d; default: the rule's."
        ),
    ] = None
    spread: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Everyone at an own moment within this span, 0s to 6h."),
    ] = None

    def values(self, *, at: str | None) -> dict[str, str | list[str]]:
        """Return what was given by the names of the contract; `at` is the local time."""
        given = {"local_time": at, **asdict(self)}
        return {
            _FIELDS.get(name, name): value if isinstance(value, list) else str(value)
            for name, value in given.items()
            if value is not None
        }


_FIELDS: Final = {"attribute": "attributes"}
_CHANGEABLE: Final = frozenset(
    {"local_time", "attributes", *RuleOptions.__dataclass_fields__} - _FIELDS.keys()
)
_DEFAULTS: Final = {"deliver_within": "day-end", "min_gap": "default", "on_enrol": "default"}
"""The word that means: no value of one's own."""
_SPANS: Final = {"deliver_within": ("1s", "30d"), "min_gap": ("0d", "360d"), "spread": ("0s", "6h")}


def set_fields(
    rule: event_type_pb2.EventType, values: Mapping[str, str | list[str]], *, option: str | None = None
) -> list[str]:
    """Set fields of `rule` by their names; returns the names, as a field mask wants them.

    A default (`day-end`, `default`) leaves its field without a value. `option` is who is named as having given a
    wrong value; default: the option of the field.

    Raises:
        typer.BadParameter: a name or a value is none; says what is allowed.
    """
    for name, value in values.items():
        if name not in _CHANGEABLE:
            raise typer.BadParameter(
                f'"{name}" is not one of {", ".join(sorted(_CHANGEABLE))}', param_hint=option
            )
        rule.ClearField(name)
        if value == _DEFAULTS.get(name):
            continue
        if isinstance(value, list):
            rule.attributes.extend(value)
        else:
            _set(rule, name, value, option or _option(name))
    return list(values)


def _option(name: str) -> str:
    return "--at" if name == "local_time" else f"--{name.replace('_', '-')}"


def _set(rule: event_type_pb2.EventType, name: str, value: str, option: str) -> None:
    enum = cast("EnumDescriptor | None", rule.DESCRIPTOR.fields_by_name[name].enum_type)
    if enum is not None:
        setattr(rule, name, enum_value(enum, value, option, without=("DELETED",)))
    elif name in _SPANS:
        least, most = _SPANS[name]
        getattr(rule, name).FromTimedelta(duration(value, option, at_least=least, at_most=most))
    elif name == "local_time":
        rule.local_time.CopyFrom(time_of_day(value, option))
    elif name == "day_offset":
        rule.day_offset = day_offset(_whole(value, option), option)
    elif name == "attributes":
        rule.attributes.extend(filter(None, value.split(",")))
    else:
        setattr(rule, name, value)


def _whole(text: str, option: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is not a whole number of days', param_hint=option) from None
