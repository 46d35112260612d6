"""`redletter endpoints rotate-secret`, `secrets`, `public-key`, `expire-secret` and `test`."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from redletter.delivery.v1 import endpoint_secret_pb2, endpoint_secret_service_pb2, endpoint_trial_service_pb2

from redletter_cli.commands.failure import Failure
from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat, duration, enum_value
from redletter_cli.commands.session import connect, documents, say, show_list, show_one
from redletter_cli.render.document import Document, document

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its name.")]

_LONGEST_OVERLAP = "30d"
# An attempt takes at most 60 s; so that the answer is the service's, and not that it took too long.
_TRIAL_SECONDS = 75
_SECRETS = {
    "SECRET": "secret_id",
    "KIND": "kind",
    "STATE": "state",
    "CREATED": "create_time",
    "EXPIRES": "expire_time",
    "PUBLIC KEY": "public_key",
}


def rotate_secret(
    endpoint_id: EndpointId,
    *,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="hmac (v1, whsec_...) or ed25519 (v1a, whpk_...).")
    ] = "hmac",
    overlap: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN", help="How long the replaced secrets sign as well, 0s to 30d. Default: 24h."
        ),
    ] = None,
    secret_file: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A whsec_... of yours, in this file; - for standard input. Default: a new one.",
        ),
    ] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Give an endpoint a new signing secret; it is shown now and never again. The old one signs on for a while."""
    request = endpoint_secret_service_pb2.RotateEndpointSecretRequest(
        endpoint_id=endpoint_id,
        kind=enum_value(endpoint_secret_pb2.EndpointSecret.Kind.DESCRIPTOR, kind, "--kind"),
        secret=_read(secret_file) if secret_file else "",
    )
    if overlap is not None:
        request.overlap.FromTimedelta(duration(overlap, "--overlap", at_least="0s", at_most=_LONGEST_OVERLAP))
    with closing(connect(config, api_key)) as client:
        answer = client.endpoint_secrets.RotateEndpointSecret(request)
    show_one(output, document(answer))
    if output is OutputFormat.TABLE:
        _say_next(answer, endpoint_id)


def secrets(
    endpoint_id: EndpointId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List an endpoint's signing secrets, newest first: when each was made and runs out, never the secret."""
    request = endpoint_secret_service_pb2.ListEndpointSecretsRequest(endpoint_id=endpoint_id)
    with closing(connect(config, api_key)) as client:
        answer = client.endpoint_secrets.ListEndpointSecrets(request)
    show_list(output, _SECRETS, documents(answer.endpoint_secrets))


def public_key(
    endpoint_id: EndpointId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Print the public key that verifies an endpoint's v1a signatures; the newest, during a rotation."""
    request = endpoint_secret_service_pb2.GetEndpointPublicKeyRequest(endpoint_id=endpoint_id)
    with closing(connect(config, api_key)) as client:
        answer = client.endpoint_secrets.GetEndpointPublicKey(request)
    if output is OutputFormat.JSON:
        show_one(output, document(answer))
        return
    sys.stdout.write(answer.public_key + "\n")
    for older in answer.older_public_keys:
        say(f"an older one signs as well: {older}")


def expire_secret(
    endpoint_id: EndpointId,
    secret_id: Annotated[str, typer.Argument(metavar="SECRET", help="Its id, sec_...")],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """End one signing secret at once, for example a stolen one; every replica knows within a second."""
    request = endpoint_secret_service_pb2.ExpireEndpointSecretRequest(
        endpoint_id=endpoint_id, secret_id=secret_id
    )
    with closing(connect(config, api_key)) as client:
        answer = client.endpoint_secrets.ExpireEndpointSecret(request)
    show_one(output, document(answer.endpoint_secret))


def send_test(
    endpoint_id: EndpointId,
    *,
    event_type_id: Annotated[
        str,
        typer.Option(
            "--event-type", "--type", metavar="EVENT_TYPE", help="What the sample is. Default: test."
        ),
    ] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send a signed sample now and print what came back; also to a disabled endpoint. Nothing of it is kept.

    The exit status is 0 if the receiver answered 2xx, else 1.
    """
    request = endpoint_trial_service_pb2.TestEndpointRequest(
        endpoint_id=endpoint_id, event_type_id=event_type_id
    )
    with closing(connect(config, api_key)) as client:
        answer = client.endpoint_trials.TestEndpoint(request, timeout=_TRIAL_SECONDS)
    shown = document(answer)
    show_one(output, shown if output is OutputFormat.JSON else _for_people(shown))
    status = answer.attempt.status_code
    if not 200 <= status < 300:
        what = f"it answered {status}" if status else f"no answer: {shown['attempt']['cause']}"
        raise Failure(f"the endpoint {endpoint_id} did not take the sample: {what}")


def _for_people(shown: Document) -> Document:
    attempt = {name: value for name, value in shown["attempt"].items() if name != "number"}
    headers = {header["name"]: header["value"] for header in shown["headers"]}
    return {"test_id": shown["test_id"], **attempt, "header": headers}


def _say_next(answer: endpoint_secret_service_pb2.RotateEndpointSecretResponse, endpoint_id: str) -> None:
    if answer.secret:
        say("keep the secret: it is not shown again")
    if answer.endpoint_secret.public_key:
        say(f"give receivers the public key; `redletter endpoints public-key {endpoint_id}` shows it again")
    for replaced in answer.replaced:
        say(f"{replaced.secret_id} {_end(replaced)}")


def _end(replaced: endpoint_secret_pb2.EndpointSecret) -> str:
    if replaced.state == endpoint_secret_pb2.EndpointSecret.STATE_VALID:
        return f"signs as well until {replaced.expire_time.ToJsonString()}"
    return "signs nothing any more"


def _read(place: str) -> str:
    try:
        return (sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"the secret cannot be read from {place}: {error}", exit_code=2) from None
