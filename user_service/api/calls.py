"""What a servicer takes from one call: gRPC's context, and under which circumstances it writes."""

from typing import Any, TypeAlias

import grpc

from chassis.clocks import BusinessClock
from user_service.domain.changes import Urgency
from user_service.domain.occasions import OnEnrol
from user_service.store.users import Circumstances

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


def circumstances(clock: BusinessClock, on_enrol: OnEnrol, urgency: Urgency) -> Circumstances:
    """Return under which a write happens that is made now."""
    return Circumstances(clock.now(), clock.real(), on_enrol, urgency)
