"""`redletter ledger`: the three equations of a day and the stored days."""

import json
from collections.abc import Callable

import pytest
from google.type.date_pb2 import Date
from redletter.common.v1 import outcome_pb2
from redletter.scheduler.v1 import ledger_pb2, ledger_service_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

DAY = Date(year=2027, month=3, day=4)


def books(*, difference: int = 0, closed: bool = True) -> ledger_service_pb2.GetLedgerResponse:
    """Return the books of a day with 120 expected and, unless it balances, one that was never planned."""
    found = ledger_pb2.Ledger(date=DAY, tenant_id="t-1", closed=closed, difference=difference)
    found.expected.left, found.expected.right = 120, 120 - difference
    found.expected.difference = difference
    found.sent.left = found.sent.right = found.outcomes.left = found.outcomes.right = 119
    if difference:
        found.expected.differences.add(
            event_id="evt_1",
            reason=ledger_pb2.LedgerDifference.REASON_NEVER_PLANNED,
            text="nobody planned it",
        )
    found.ended.add(name="SENT", count=119)
    found.message_outcomes.add(outcome=outcome_pb2.OUTCOME_RECEIVED, count=119)
    return ledger_service_pb2.GetLedgerResponse(ledger=found)


def test_a_day_that_balances_ends_with_0(services: StandIn, redletter: Run) -> None:
    """Three equations with both sides, what ended how, and nothing beside it."""
    services.answers["GetLedger"] = books()
    code, out, err = redletter("ledger", "--date", "2027-03-04")
    assert (code, err) == (0, "")
    heading, expected, sent, outcomes = out.splitlines()[:4]
    assert heading.split() == ["EQUATION", "LEFT", "RIGHT", "DIFFERENCE"]
    assert expected.startswith("expected by people and rules = planned + ended")
    assert expected.split()[-3:] == ["120", "120", "0"]
    assert (sent.split()[-3:], outcomes.split()[-3:]) == (["119", "119", "0"],) * 2
    assert "SENT" in out
    assert "RECEIVED" in out
    assert services.named("GetLedger") == [ledger_service_pb2.GetLedgerRequest(date=DAY)]
    assert services.keys == ["Bearer rl_tenant"]


def test_a_difference_is_listed_and_ends_with_1(services: StandIn, redletter: Run) -> None:
    """The event, the reason and the equation stand in a line; the number is said."""
    services.answers["GetLedger"] = books(difference=1)
    code, out, err = redletter("ledger", "--date", "2027-03-04")
    assert code == 1
    last = out.splitlines()[-1]
    assert last.split(maxsplit=3) == ["evt_1", "NEVER_PLANNED", "expected", "nobody planned it"]
    assert err == "the books do not balance: nothing accounts for a difference of 1\n"
    code, out, _ = redletter("ledger", "--date", "2027-03-04", "-o", "json")
    assert (code, json.loads(out)["expected"]["differences"][0]["event_id"]) == (1, "evt_1")


def test_a_day_that_is_not_over_is_said_to_be(services: StandIn, redletter: Run) -> None:
    """The equations then hold for what has fallen due."""
    services.answers["GetLedger"] = books(closed=False)
    code, _, err = redletter("ledger", "--date", "2027-03-04")
    assert (code, "not over everywhere" in err) == (0, True)


def test_another_tenant_needs_the_operators_key(services: StandIn, redletter: Run) -> None:
    """With --tenant or --all-tenants the operator's key is used."""
    redletter("ledger", "--date", "2027-03-04", "--tenant", "t-2")
    redletter("ledger", "days", "--tenant", "t-2", "--only-differences")
    redletter("ledger", "days", "--all-tenants")
    redletter("ledger", "days")
    assert services.keys == ["Bearer rl_operator"] * 3 + ["Bearer rl_tenant"]
    assert services.named("GetLedger")[0].tenant_id == "t-2"
    one, every, own = services.named("ListLedgerDays")
    assert (one.tenant_id, one.only_differences) == ("t-2", True)
    assert (every.tenant_id, own.only_differences) == ("", False)


def test_days_are_one_line_each(services: StandIn, redletter: Run) -> None:
    """Date, counts and difference are columns."""
    services.answers["ListLedgerDays"] = ledger_service_pb2.ListLedgerDaysResponse(
        days=[books(difference=2).ledger]
    )
    code, out, _ = redletter("ledger", "days")
    assert code == 0
    assert out.splitlines()[1].split() == ["2027-03-04", "t-1", "120", "119", "119", "2", "yes"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "which date? give --date"),
        (("--date", "2027-02-30"), '"2027-02-30" is not a date of the calendar'),
        (("days", "--tenant", "t", "--all-tenants"), "give --tenant or --all-tenants, not both"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter("ledger", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
