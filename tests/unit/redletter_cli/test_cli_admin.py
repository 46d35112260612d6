"""`redletter admin` and `status`: what an operator sees and does."""

import json
from collections.abc import Callable

import pytest
from redletter.scheduler.v1 import scheduler_admin_service_pb2, scheduler_status_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

Release = scheduler_admin_service_pb2.ReleaseGuardRequest


def test_status_says_what_an_operator_has_to_do(services: StandIn, redletter: Run) -> None:
    """Paused, guarded and waiting time-zone data are sentences beside the status."""
    services.answers["GetSchedulerStatus"] = scheduler_admin_service_pb2.GetSchedulerStatusResponse(
        status=scheduler_status_pb2.SchedulerStatus(
            leader="a", paused=True, pause_reason="moving", guarded=True, pending_tzdata_version="2027a"
        )
    )
    code, out, err = redletter("status")
    assert code == 0
    assert "moving" in out
    assert err == (
        "paused: moving; `redletter admin resume` goes on\n"
        "guard mode holds plans back; `redletter admin guard` shows them\n"
        "time-zone data 2027a waits for approval; see `redletter admin tzdata`\n"
    )
    assert services.keys == ["Bearer rl_operator"]


def test_status_of_a_scheduler_that_works_says_nothing_more(redletter: Run) -> None:
    """Nothing to do is nothing beside the status."""
    code, _, err = redletter("status")
    assert (code, err) == (0, "")


def test_pause_and_resume_print_the_status(services: StandIn, redletter: Run) -> None:
    """The reason is in the request, the operator's key is used."""
    services.answers["PauseScheduler"] = scheduler_admin_service_pb2.PauseSchedulerResponse(
        status=scheduler_status_pb2.SchedulerStatus(paused=True, pause_reason="moving")
    )
    code, out, _ = redletter("admin", "pause", "--reason", "moving", "-o", "json")
    assert (code, json.loads(out)["paused"]) == (0, True)
    assert redletter("admin", "resume")[0] == 0
    assert services.named("PauseScheduler")[0].reason == "moving"
    assert len(services.named("ResumeScheduler")) == 1
    assert set(services.keys) == {"Bearer rl_operator"}


def test_tzdata_shows_zones_and_how_to_approve(services: StandIn, redletter: Run) -> None:
    """Each zone is a line; the next step names the release that waits."""
    diff = scheduler_admin_service_pb2.TzdataDiff(
        current_version="2026f", pending_version="2027a", complete=True, checked=9
    )
    diff.zones.add(time_zone="America/Vancouver", plans=7, people=3, min_minutes=-60, max_minutes=-60)
    services.answers["GetTzdataDiff"] = scheduler_admin_service_pb2.GetTzdataDiffResponse(diff=diff)
    services.answers["ApproveTzdata"] = scheduler_admin_service_pb2.ApproveTzdataResponse(diff=diff)
    code, out, err = redletter("admin", "tzdata")
    assert code == 0
    assert out.splitlines()[-1].split() == ["America/Vancouver", "7", "3", "-60", "-60"]
    assert err == "`redletter admin tzdata-approve 2027a` moves the open plans\n"
    assert redletter("admin", "tzdata-approve", "2027a")[0] == 0
    assert services.named("ApproveTzdata")[0].version == "2027a"
    assert json.loads(redletter("admin", "tzdata", "-o", "json")[1])["zones"][0]["people"] == 3


def test_tzdata_that_is_in_use_or_being_compared_is_said(services: StandIn, redletter: Run) -> None:
    """Without a waiting release nothing is to be done; an unfinished comparison is not to be approved."""
    assert redletter("admin", "tzdata")[2] == "the installed release is in use; nothing waits\n"
    services.answers["GetTzdataDiff"] = scheduler_admin_service_pb2.GetTzdataDiffResponse(
        diff=scheduler_admin_service_pb2.TzdataDiff(pending_version="2027a")
    )
    assert redletter("admin", "tzdata")[2] == "the open plans are still being compared\n"


def test_guard_says_what_it_holds_and_how_to_end_it(services: StandIn, redletter: Run) -> None:
    """While it is active the two ways out are named."""
    guard = scheduler_admin_service_pb2.Guard(active=True, held=2, event_ids=["evt_1", "evt_2"])
    services.answers["GetGuard"] = scheduler_admin_service_pb2.GetGuardResponse(guard=guard)
    code, out, err = redletter("admin", "guard")
    assert (code, "evt_1, evt_2" in out) == (0, True)
    assert "`redletter admin guard-release send` sends it late" in err


@pytest.mark.parametrize(
    ("word", "release"), [("send", Release.RELEASE_SEND), ("expire", Release.RELEASE_EXPIRE)]
)
def test_guard_is_released_as_chosen(
    services: StandIn, redletter: Run, word: str, release: Release.Release
) -> None:
    """The choice is in the request."""
    assert redletter("admin", "guard-release", word)[0] == 0
    assert services.named("ReleaseGuard")[0].release == release


def test_guard_starts_at_the_time_of_the_backup(services: StandIn, redletter: Run) -> None:
    """An instant, or none: the last time the store was alive."""
    assert redletter("admin", "guard-start", "--since", "2027-03-04T08:00:00Z")[0] == 0
    assert redletter("admin", "guard-start")[0] == 0
    given, default = services.named("StartGuard")
    assert (given.since.seconds, default.HasField("since")) == (1804147200, False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("pause",), "--reason"),
        (("tzdata-approve",), "VERSION"),
        (("guard-start", "--since", "x"), '"x" is not an instant'),
        (("guard-release", "drop"), "'drop' is not one of 'send', 'expire'"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter("admin", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
