"""From the wire to which ended deliveries are meant."""

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from redletter.delivery.v1 import delivery_filter_pb2 as wire

from chassis.errors import InvalidInput
from chassis.wire import instant
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.store.delivery_filters import FIRST, LAST, Filter

_DEAD: Final = (DeliveryState.DEAD, DeliveryState.EXPIRED)


def parsed(given: wire.DeliveryFilter, *, until: datetime | None = None) -> Filter:
    """Return the filter; what ended at `until` or later is not meant, whatever it says.

    Raises:
        InvalidInput: an instant that no calendar has, or a window without any instant.
    """
    after = _moment(given.end_after, "end_after") if given.HasField("end_after") else None
    before = _moment(given.end_before, "end_before") if given.HasField("end_before") else None
    if after is not None and before is not None and after >= before:
        raise InvalidInput.at(
            "filter.end_before",
            f"{before.isoformat()} is not after end_after",
            value=before.isoformat(),
            allowed=f"later than {after.isoformat()}",
        )
    bounds = [bound for bound in (before, until) if bound is not None]
    return Filter(
        states=tuple(sorted(DeliveryState(state) for state in given.states)) or _DEAD,
        endpoint_id=given.endpoint_id,
        causes=tuple(sorted(DeliveryCause(cause) for cause in given.causes)),
        user_id=given.user_id,
        event_type_id=given.event_type_id,
        end_after=after or FIRST.end_time,
        end_before=min(bounds, default=LAST.end_time),
    )


def require_dead_letters(asked: Filter) -> Filter:
    """Return the filter if it means dead letters only.

    Raises:
        InvalidInput: DELIVERED is among its states.
    """
    if not asked.dead_letters:
        raise InvalidInput.at(
            "filter.states",
            "what was delivered is no dead letter",
            value="DELIVERED",
            allowed="DEAD, EXPIRED",
        )
    return asked


def require_begin(asked: Filter) -> Filter:
    """Return the filter unless it means everything that was ever delivered.

    Raises:
        InvalidInput: DELIVERED is among its states and `end_after` is not given.
    """
    if not asked.dead_letters and asked.end_after == FIRST.end_time:
        raise InvalidInput.at(
            "filter.end_after",
            "it is required with DELIVERED, so that nobody repeats everything by mistake",
            allowed="the instant from which on the receiver has lost its data",
        )
    return asked


def require_one(*, named: int, filtered: bool, field: str) -> None:
    """Return if deliveries are either named or filtered.

    Raises:
        InvalidInput: both or neither is given.
    """
    if bool(named) == filtered:
        why = "give either names or a filter, not both" if named else "neither names nor a filter is given"
        raise InvalidInput.at(field, why, allowed=f"1 to 500 {field}, or a filter")


def require_distinct(names: list[tuple[str, str]], *, field: str) -> list[tuple[str, str]]:
    """Return the names if each stands once.

    Raises:
        InvalidInput: one stands twice.
    """
    seen: set[tuple[str, str]] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise InvalidInput.at(
                f"{field}[{index}]", f'"{name[0]}" to "{name[1]}" stands twice', value=name[0]
            )
        seen.add(name)
    return names


def _moment(stamp: Timestamp, field: str) -> datetime:
    return instant(stamp, field=f"filter.{field}").to_stdlib()
