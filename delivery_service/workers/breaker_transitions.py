"""Says aloud what happened to a breaker: one log line, one count and one span per transition, by whoever made it."""

import structlog
from opentelemetry.util.types import AttributeValue
from prometheus_client import Counter

from chassis.traces import tracer
from delivery_service.domain.breakers import Breaker, BreakerMode, BreakerState
from delivery_service.domain.deliveries import LaneKey

log = structlog.get_logger()

TRANSITIONS = Counter(
    "redletter_delivery_breaker_transitions_total",
    "Transitions of breakers made by this replica, by the new state.",
    ["to"],
)
PROBES = Counter(
    "redletter_delivery_breaker_probes_total",
    "Probes of this replica that ended, by how they did.",
    ["result"],
)


def announce(key: LaneKey, before: Breaker, after: Breaker, **why: AttributeValue) -> None:
    """Log, count and trace that this replica made `after` of `before`; called after the commit."""
    said: dict[str, AttributeValue] = {
        "tenant_id": key.tenant_id,
        "endpoint_id": key.endpoint_id,
        "opened": after.opened,
        **why,
    }
    with tracer.start_as_current_span(
        "breaker.transition", attributes={**said, "from": before.state.name, "to": after.state.name}
    ):
        _say(before, after, said)
    if after.state is not before.state:
        TRANSITIONS.labels(after.state.name).inc()


def _say(before: Breaker, after: Breaker, said: dict[str, AttributeValue]) -> None:
    if after.mode is not BreakerMode.AUTOMATIC:
        log.warning("breaker.forced", **said, mode=after.mode.name)
    elif before.mode is not BreakerMode.AUTOMATIC:
        log.info("breaker.released", **said, state=after.state.name)
    elif after.state is BreakerState.OPEN:
        log.warning("breaker.opened" if before.state is BreakerState.CLOSED else "breaker.reopened", **said)
    elif after.state is BreakerState.CLOSED:
        log.info("breaker.closed", **said)
    elif after.probe_owner is not None:
        log.info("breaker.half_opened", **said, successes=after.successes)
    else:
        used = after.successes > before.successes
        log.info("breaker.probed" if used else "breaker.probe_unused", **said, successes=after.successes)
