"""`redletter endpoints`: what the verbs send and how they refuse."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from redletter.delivery.v1 import delivery_pb2, endpoint_pb2, endpoint_service_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

EVERYTHING = (
    "--description=ours",
    "--timeout=3s",
    "--event-type=birthday",
    "--event-type=reminder_*",
    "--header=Authorization=Bearer a=b",
    "--metadata=team=crm",
    "--max-rate=12.5",
    "--max-concurrency=7",
    "--retry-first=2s",
    "--retry-longest=1h",
    "--max-attempts=5",
    "--retry-status=404",
    "--fail-status=503",
    "--fail-cause=tls",
    "--keep-on-gone",
    "--no-breaker",
    "--breaker-failure-rate=0.25",
    "--breaker-minimum=3",
    "--breaker-window=10s",
    "--breaker-first-open=1s",
    "--breaker-longest-open=9s",
    "--breaker-successes=4",
)


def test_create_sends_every_option(redletter: Run, services: StandIn, tmp_path: Path) -> None:
    """Each option sets its field; certificate and key are read from their files; the secret is shown."""
    (tmp_path / "c.pem").write_text("certificate", encoding="ascii")
    (tmp_path / "k.pem").write_text("key", encoding="ascii")
    services.answers["CreateEndpoint"] = endpoint_service_pb2.CreateEndpointResponse(secret="whsec_x")
    code, out, err = redletter(
        "endpoints",
        "create",
        "https://example.com/",
        "--id=hook",
        *EVERYTHING,
        "--client-certificate=c.pem",
        "--client-key=k.pem",
    )
    assert (code, "whsec_x" in out, err) == (0, True, "keep the secret: it is not shown again\n")
    [sent] = services.named("CreateEndpoint")
    assert (sent.endpoint_id, sent.url, sent.description) == ("hook", "https://example.com/", "ours")
    assert (sent.timeout.seconds, list(sent.event_type_filters)) == (3, ["birthday", "reminder_*"])
    assert (dict(sent.headers), dict(sent.metadata)) == ({"Authorization": "Bearer a=b"}, {"team": "crm"})
    assert (sent.max_rate, sent.max_concurrency) == (12.5, 7)
    retry = sent.retry_policy
    assert (retry.first_delay.seconds, retry.longest_delay.seconds, retry.max_attempts) == (2, 3600, 5)
    assert (list(retry.retry_statuses), list(retry.fail_statuses)) == ([404], [503])
    assert (list(retry.fail_causes), retry.keep_on_gone) == ([delivery_pb2.DELIVERY_CAUSE_TLS], True)
    breaker = sent.breaker_policy
    assert (breaker.disabled, breaker.failure_rate, breaker.minimum_attempts) == (True, 0.25, 3)
    assert (breaker.window.seconds, breaker.first_open.seconds, breaker.longest_open.seconds) == (10, 1, 9)
    assert breaker.successes == 4
    assert (sent.client_certificate.certificate, sent.client_certificate.key) == ("certificate", "key")


def test_update_names_what_was_given_and_nothing_else(redletter: Run, services: StandIn) -> None:
    """The mask has one path per option, policies field by field, and the etag goes along."""
    redletter("endpoints", "update", "hook", "--url=https://example.com/", "--etag=v3", *EVERYTHING)
    [sent] = services.named("UpdateEndpoint")
    assert (sent.endpoint.endpoint_id, sent.endpoint.etag) == ("hook", "v3")
    assert len(sent.update_mask.paths) == len(EVERYTHING)  # one --event-type less, the URL more
    assert {"url", "event_type_filters", "retry_policy.first_delay", "breaker_policy.disabled"} <= set(
        sent.update_mask.paths
    )
    redletter("endpoints", "update", "hook", "--max-rate=0")
    assert list(services.named("UpdateEndpoint")[1].update_mask.paths) == ["max_rate"]


def test_update_empties_lists_and_returns_to_defaults(redletter: Run, services: StandIn) -> None:
    """'' empties a list or takes the certificate away, `default` clears a span; each is in the mask."""
    code, _, err = redletter(
        "endpoints",
        "update",
        "hook",
        "--event-type=",
        "--header=",
        "--retry-status=",
        "--retry-first=default",
        "--client-certificate=",
    )
    assert (code, err) == (0, "")
    [sent] = services.named("UpdateEndpoint")
    assert set(sent.update_mask.paths) == {
        "event_type_filters",
        "headers",
        "retry_policy.retry_statuses",
        "retry_policy.first_delay",
        "client_certificate",
    }
    assert not sent.endpoint.HasField("client_certificate")
    assert not sent.endpoint.retry_policy.HasField("first_delay")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "nothing to change"),
        (("--timeout=61s",), '"61s" is not a duration of 1s to 60s'),
        (("--retry-status=200",), '"200" is not a status of 300 to 599'),
        (("--fail-cause=deadline",), '"deadline" is not one of timeout, connection, tls, dns, protocol'),
        (("--header=sesame",), "has not the form NAME=VALUE"),
        (("--client-key=k.pem",), "--client-certificate"),
        (("--client-certificate=c.pem",), "--client-certificate"),
        (("--client-certificate=c.pem", "--client-key=k.pem"), "cannot read c.pem"),
    ],
)
def test_a_wrong_option_is_a_sentence_and_nothing_is_sent(
    redletter: Run, services: StandIn, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit status 2, the option named, no call."""
    code, _, err = redletter("endpoints", "update", "hook", *arguments)
    assert code == 2
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []


def test_enable_disable_and_delete(redletter: Run, services: StandIn) -> None:
    """Each sends the id and what goes with it; what is disabled says why."""
    services.answers["DisableEndpoint"] = endpoint_service_pb2.DisableEndpointResponse(
        endpoint=endpoint_pb2.Endpoint(
            endpoint_id="hook", state="STATE_DISABLED", disable_reason="DISABLE_REASON_BY_CALLER"
        )
    )
    code, out, _ = redletter("endpoints", "disable", "hook", "--note", "moving house", "-o", "json")
    assert (code, json.loads(out)["disable_reason"]) == (0, "BY_CALLER")
    redletter("endpoints", "enable", "hook")
    assert redletter("endpoints", "delete", "hook", "--etag", "v3") == (0, "", "endpoint hook is deleted\n")
    assert services.named("DisableEndpoint")[0].note == "moving house"
    assert services.named("EnableEndpoint")[0].endpoint_id == "hook"
    [deleted] = services.named("DeleteEndpoint")
    assert (deleted.endpoint_id, deleted.etag) == ("hook", "v3")


def test_list_shows_filters_and_why_an_endpoint_is_disabled(redletter: Run, services: StandIn) -> None:
    """One line per endpoint."""
    services.answers["ListEndpoints"] = endpoint_service_pb2.ListEndpointsResponse(
        endpoints=[
            endpoint_pb2.Endpoint(
                endpoint_id="hook",
                url="https://example.com/",
                state="STATE_DISABLED",
                disable_reason="DISABLE_REASON_GONE",
                event_type_filters=["birthday", "reminder_*"],
            )
        ]
    )
    _, out, _ = redletter("endpoints", "list")
    heading, line = out.splitlines()
    assert heading.split()[:4] == ["ENDPOINT", "URL", "STATE", "WHY"]
    assert " ".join(line.split()).startswith("hook https://example.com/ DISABLED GONE birthday, reminder_*")
