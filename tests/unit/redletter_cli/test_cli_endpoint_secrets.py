"""`redletter endpoints rotate-secret`, `secrets`, `public-key`, `expire-secret` and `test`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from redletter.delivery.v1 import (
    delivery_pb2,
    endpoint_secret_pb2,
    endpoint_secret_service_pb2,
    endpoint_trial_service_pb2,
)

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]
EndpointSecret = endpoint_secret_pb2.EndpointSecret

NEW = EndpointSecret(secret_id="sec_2", kind=EndpointSecret.KIND_HMAC, state=EndpointSecret.STATE_VALID)
OLD = EndpointSecret(
    secret_id="sec_1",
    kind=EndpointSecret.KIND_HMAC,
    state=EndpointSecret.STATE_VALID,
    expire_time=Timestamp(seconds=1804147200),
)


def test_rotation_shows_the_secret_and_how_long_the_old_one_signs(services: StandIn, redletter: Run) -> None:
    """The secret is in the answer, what to do with it beside it; nothing given is the service's default."""
    services.answers["RotateEndpointSecret"] = endpoint_secret_service_pb2.RotateEndpointSecretResponse(
        endpoint_secret=NEW, secret="whsec_new", replaced=[OLD]
    )
    code, out, err = redletter("endpoints", "rotate-secret", "shop")
    assert (code, "whsec_new" in out) == (0, True)
    assert err == ("keep the secret: it is not shown again\nsec_1 signs as well until 2027-03-04T08:00:00Z\n")
    (request,) = services.named("RotateEndpointSecret")
    assert (request.endpoint_id, request.kind, request.HasField("overlap"), request.secret) == (
        "shop",
        EndpointSecret.KIND_HMAC,
        False,
        "",
    )


def test_rotation_says_when_the_old_secret_is_over(services: StandIn, redletter: Run) -> None:
    """`--overlap 0s` is in the request; the replaced secret signs nothing any more."""
    over = EndpointSecret(secret_id="sec_1", state=EndpointSecret.STATE_EXPIRED)
    services.answers["RotateEndpointSecret"] = endpoint_secret_service_pb2.RotateEndpointSecretResponse(
        endpoint_secret=NEW, secret="whsec_new", replaced=[over]
    )
    code, _, err = redletter("endpoints", "rotate-secret", "shop", "--overlap", "0s")
    assert (code, err.splitlines()[-1]) == (0, "sec_1 signs nothing any more")
    (request,) = services.named("RotateEndpointSecret")
    assert (request.HasField("overlap"), request.overlap.seconds) == (True, 0)


def test_an_ed25519_key_is_answered_by_its_public_half(services: StandIn, redletter: Run) -> None:
    """What is given to receivers is named, and how it is shown again."""
    key = EndpointSecret(
        secret_id="sec_3", kind=EndpointSecret.KIND_ED25519, state=EndpointSecret.STATE_VALID
    )
    key.public_key = "whpk_AAAA"
    services.answers["RotateEndpointSecret"] = endpoint_secret_service_pb2.RotateEndpointSecretResponse(
        endpoint_secret=key
    )
    code, out, err = redletter("endpoints", "rotate-secret", "shop", "--kind", "ed25519")
    assert (code, "whpk_AAAA" in out) == (0, True)
    assert err == "give receivers the public key; `redletter endpoints public-key shop` shows it again\n"
    assert services.named("RotateEndpointSecret")[0].kind == EndpointSecret.KIND_ED25519


def test_a_secret_of_ones_own_comes_from_a_file(services: StandIn, redletter: Run, tmp_path: Path) -> None:
    """Not from the command line, which others can see; blanks around it do not count."""
    place = tmp_path / "secret"
    place.write_text("whsec_abc\n", encoding="utf-8")
    assert redletter("endpoints", "rotate-secret", "shop", "--secret-file", str(place))[0] == 0
    assert services.named("RotateEndpointSecret")[0].secret == "whsec_abc"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--kind", "rsa"), '"rsa" is not one of hmac, ed25519'),
        (("--overlap", "31d"), '"31d" is not a duration of 0s to 30d'),
        (("--secret-file", "/nowhere/s"), "the secret cannot be read from /nowhere/s"),
    ],
)
def test_a_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter("endpoints", "rotate-secret", "shop", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []


def test_secrets_are_a_table_without_secrets(services: StandIn, redletter: Run) -> None:
    """One line each, the newest first as the service says."""
    services.answers["ListEndpointSecrets"] = endpoint_secret_service_pb2.ListEndpointSecretsResponse(
        endpoint_secrets=[NEW, OLD]
    )
    code, out, _ = redletter("endpoints", "secrets", "shop")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["sec_2", "HMAC", "VALID"],
        ["sec_1", "HMAC", "VALID"],
    ]
    assert "2027-03-04T08:00:00Z" in out
    assert len(json.loads(redletter("endpoints", "secrets", "shop", "-o", "json")[1])) == 2


def test_a_public_key_is_one_line_for_other_programs(services: StandIn, redletter: Run) -> None:
    """The key alone on standard output; an older one that is valid beside it."""
    services.answers["GetEndpointPublicKey"] = endpoint_secret_service_pb2.GetEndpointPublicKeyResponse(
        public_key="whpk_new", secret_id="sec_9", older_public_keys=["whpk_old"]
    )
    code, out, err = redletter("endpoints", "public-key", "shop")
    assert (code, out, err) == (0, "whpk_new\n", "an older one signs as well: whpk_old\n")
    document = json.loads(redletter("endpoints", "public-key", "shop", "-o", "json")[1])
    assert document["secret_id"] == "sec_9"


def test_a_secret_is_ended(services: StandIn, redletter: Run) -> None:
    """Endpoint and secret are in the request, the secret as it is now is printed."""
    services.answers["ExpireEndpointSecret"] = endpoint_secret_service_pb2.ExpireEndpointSecretResponse(
        endpoint_secret=EndpointSecret(secret_id="sec_1", state=EndpointSecret.STATE_EXPIRED)
    )
    code, out, _ = redletter("endpoints", "expire-secret", "shop", "sec_1")
    assert (code, "EXPIRED" in out) == (0, True)
    (request,) = services.named("ExpireEndpointSecret")
    assert (request.endpoint_id, request.secret_id) == ("shop", "sec_1")


def answered(status: int, **attempt: object) -> endpoint_trial_service_pb2.TestEndpointResponse:
    """Return what came back from a receiver."""
    answer = endpoint_trial_service_pb2.TestEndpointResponse(
        test_id="test_a", attempt=delivery_pb2.Attempt(status_code=status, **attempt)
    )
    if status:
        answer.headers.add(name="Server", value="a\x1b[31m")
    return answer


def test_a_trial_prints_what_came_back(services: StandIn, redletter: Run) -> None:
    """Status and headers, nothing of it able to steer the terminal; 2xx is exit status 0."""
    services.answers["TestEndpoint"] = answered(200, answer=b"thanks")
    code, out, err = redletter("endpoints", "test", "shop", "--event-type", "birthday")
    assert (code, err) == (0, "")
    assert "thanks" in out
    assert "\x1b" not in out
    assert "header.Server" in out
    (request,) = services.named("TestEndpoint")
    assert (request.endpoint_id, request.event_type_id) == ("shop", "birthday")
    document = json.loads(redletter("endpoints", "test", "shop", "-o", "json")[1])
    assert document["headers"] == [{"name": "Server", "value": "a\x1b[31m"}]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (answered(500), "it answered 500"),
        (answered(0, cause=delivery_pb2.DELIVERY_CAUSE_TLS), "no answer: TLS"),
    ],
)
def test_a_trial_that_was_not_taken_is_exit_status_1(
    services: StandIn,
    redletter: Run,
    answer: endpoint_trial_service_pb2.TestEndpointResponse,
    sentence: str,
) -> None:
    """What came back is printed nevertheless, and a sentence says why."""
    services.answers["TestEndpoint"] = answer
    code, out, err = redletter("endpoints", "test", "shop")
    assert (code, "test_a" in out) == (1, True)
    assert err == f"redletter: the endpoint shop did not take the sample: {sentence}\n"
