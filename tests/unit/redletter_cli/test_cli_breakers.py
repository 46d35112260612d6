"""The verbs of `redletter endpoints breaker`."""

import json
from collections.abc import Callable

import pytest
from redletter.delivery.v1 import breaker_pb2, breaker_service_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]
_Mode = breaker_pb2.Breaker


def test_show_prints_the_state_and_what_it_judges_by(services: StandIn, redletter: Run) -> None:
    """Every field by its name; what does not apply is null."""
    breaker = breaker_pb2.Breaker(
        endpoint_id="shop",
        state=breaker_pb2.Breaker.STATE_OPEN,
        mode=breaker_pb2.Breaker.MODE_AUTOMATIC,
        opened=3,
        attempts=40,
        failures=30,
        failure_rate=0.75,
    )
    breaker.open_until.FromJsonString("2027-02-28T09:00:20Z")
    services.answers["GetBreaker"] = breaker_service_pb2.GetBreakerResponse(breaker=breaker)
    code, out, err = redletter("endpoints", "breaker", "show", "shop", "-o", "json")
    shown = json.loads(out)
    assert (code, err) == (0, "")
    assert (shown["state"], shown["mode"], shown["opened"]) == ("OPEN", "AUTOMATIC", 3)
    assert (shown["open_until"], shown["failure_rate"]) == ("2027-02-28T09:00:20Z", 0.75)
    assert shown["probe_until"] is None
    assert services.named("GetBreaker")[0].endpoint_id == "shop"
    code, out, _ = redletter("endpoints", "breaker", "show", "shop")
    assert (code, "OPEN" in out) == (0, True)


@pytest.mark.parametrize(
    ("verb", "mode"), [("open", _Mode.MODE_FORCED_OPEN), ("close", _Mode.MODE_FORCED_CLOSED)]
)
def test_open_and_close_force_it_for_a_reason(
    services: StandIn, redletter: Run, verb: str, mode: breaker_pb2.Breaker.Mode
) -> None:
    """The reason is sent; without one the verb is called wrongly."""
    services.answers["ForceBreaker"] = lambda request: breaker_service_pb2.ForceBreakerResponse(
        breaker=breaker_pb2.Breaker(endpoint_id=request.endpoint_id, mode=request.mode, reason=request.reason)
    )
    code, out, _ = redletter(
        "endpoints", "breaker", verb, "shop", "--reason", "they move house", "-o", "json"
    )
    assert (code, json.loads(out)["reason"]) == (0, "they move house")
    assert redletter("endpoints", "breaker", verb, "shop")[0] == 2
    (sent,) = services.named("ForceBreaker")
    assert (sent.endpoint_id, sent.mode, sent.reason) == ("shop", mode, "they move house")


def test_auto_gives_it_back(services: StandIn, redletter: Run) -> None:
    """No reason is asked for."""
    assert redletter("endpoints", "breaker", "auto", "shop")[0] == 0
    (sent,) = services.named("ForceBreaker")
    assert (sent.endpoint_id, sent.mode) == ("shop", _Mode.MODE_AUTOMATIC)
