"""The fields of an endpoint: the options that set them, and how a value given as text is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from redletter.delivery.v1 import delivery_pb2, endpoint_pb2, endpoint_service_pb2

from redletter_cli.commands.options import duration, enum_value, key_values

Fields = endpoint_pb2.Endpoint | endpoint_service_pb2.CreateEndpointRequest
"""Both have the fields that a caller sets, under the same names."""

_DEFAULT: Final = "default"
_CAUSES: Final = "timeout, connection, tls, dns or protocol"


@dataclass(frozen=True)
class EndpointOptions:
    """What `endpoints create` and `endpoints update` may set, as it was given; '' empties a list."""

    description: Annotated[str | None, typer.Option(help="What people call it.")] = None
    timeout: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Longest attempt, 1s to 60s. Default: 15s.")
    ] = None
    event_type: Annotated[
        list[str] | None,
        typer.Option(
            "--event-type",
            metavar="FILTER",
            help="Only these event types: birthday, 'reminder_*'; '' for all. Repeatable.",
        ),
    ] = None
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Header added to each request; '' for none. Repeatable; replaces all."
        ),
    ] = None
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Words of your own, never sent; '' for none. Repeatable; replaces all."
        ),
    ] = None
    max_rate: Annotated[
        float | None,
        typer.Option(min=0, help="Attempts per second, all replicas together; 0: no limit."),
    ] = None
    max_concurrency: Annotated[
        int | None,
        typer.Option(min=0, max=1024, help="Attempts at a time from each replica; 0: the deployment's."),
    ] = None
    retry_first: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Longest wait after the first attempt, 1s to 1h, or default."),
    ] = None
    retry_longest: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Longest wait after any attempt, 1s to 24h, or default."),
    ] = None
    max_attempts: Annotated[
        int | None,
        typer.Option(min=0, max=1000, help="Then it is dead; 0: as many as fit before deliver_by."),
    ] = None
    retry_status: Annotated[
        list[str] | None,
        typer.Option(metavar="STATUS", help="Tried again although it would be dead. Repeatable."),
    ] = None
    fail_status: Annotated[
        list[str] | None,
        typer.Option(metavar="STATUS", help="Dead at once although it would be tried again. Repeatable."),
    ] = None
    fail_cause: Annotated[
        list[str] | None,
        typer.Option(metavar="CAUSE", help=f"Dead at once: {_CAUSES}. Repeatable."),
    ] = None
    keep_on_gone: Annotated[
        bool | None,
        typer.Option("--keep-on-gone/--disable-on-gone", help="What 410 does to it. Default: disables."),
    ] = None
    breaker: Annotated[bool | None, typer.Option(help="Whether its breaker may open by itself.")] = None
    breaker_failure_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Opens at this part of failures; 0: the default, 0.5.")
    ] = None
    breaker_minimum: Annotated[
        int | None, typer.Option(min=0, max=10_000, help="Not before so many attempts; 0: the default, 20.")
    ] = None
    breaker_window: Annotated[
        str | None, typer.Option(metavar="SPAN", help="How far back attempts count, 1s to 10m, or default.")
    ] = None
    breaker_first_open: Annotated[
        str | None, typer.Option(metavar="SPAN", help="First time it stays open, 1s to 1h, or default.")
    ] = None
    breaker_longest_open: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Longest time it stays open, 1s to 24h, or default.")
    ] = None
    breaker_successes: Annotated[
        int | None, typer.Option(min=0, max=100, help="Probes in a row that close it; 0: the default, 2.")
    ] = None
    client_certificate: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="PEM chain shown in the TLS handshake; '' for none. With --client-key."
        ),
    ] = None
    client_key: Annotated[
        str | None, typer.Option(metavar="FILE", help="PEM key of the first certificate; never shown again.")
    ] = None


def set_fields(wire: Fields, options: EndpointOptions) -> list[str]:
    """Set what was given; returns the paths, as a field mask wants them.

    Raises:
        typer.BadParameter: a value is none of its kind; names the option and what is allowed.
    """
    if (options.client_key is None) != (options.client_certificate in (None, "")):
        raise typer.BadParameter("is given together with --client-certificate", param_hint="--client-key")
    paths: list[str] = []
    for name in (field.name for field in fields(options)):
        value = getattr(options, name)
        if value is None or name == "client_key":
            continue
        path, put = _FIELDS[name]
        put(wire, path, _Given(value, f"--{name.replace('_', '-')}", options))
        paths.append(path)
    return paths


@dataclass(frozen=True)
class _Given:
    """A value, the option that gave it, and all the others."""

    value: Any
    option: str
    options: EndpointOptions


def _place(wire: Any, path: str) -> tuple[Any, str]:
    """Return the message that holds the last name of a path, and that name; the policy is there from then on."""
    policy, dot, name = path.partition(".")
    if not dot:
        return wire, path
    inner = getattr(wire, policy)
    inner.SetInParent()
    return inner, name


def _plain(wire: Any, path: str, given: _Given) -> None:
    message, name = _place(wire, path)
    setattr(message, name, given.value)


def _negated(wire: Any, path: str, given: _Given) -> None:
    message, name = _place(wire, path)
    setattr(message, name, not given.value)


def _span(at_most: str) -> Callable[[Any, str, _Given], None]:
    def put(wire: Any, path: str, given: _Given) -> None:
        message, name = _place(wire, path)
        if given.value != _DEFAULT:
            getattr(message, name).FromTimedelta(duration(given.value, given.option, at_most=at_most))

    return put


def _items(wire: Any, path: str, given: _Given) -> None:
    message, name = _place(wire, path)
    getattr(message, name).extend(filter(None, given.value))


def _statuses(wire: Any, path: str, given: _Given) -> None:
    message, name = _place(wire, path)
    for text in filter(None, given.value):
        if not (text.isascii() and text.isdigit() and 300 <= int(text) <= 599):
            raise typer.BadParameter(f'"{text}" is not a status of 300 to 599', param_hint=given.option)
        getattr(message, name).append(int(text))


def _causes(wire: Any, path: str, given: _Given) -> None:
    message, name = _place(wire, path)
    for text in filter(None, given.value):
        getattr(message, name).append(
            enum_value(delivery_pb2.DeliveryCause.DESCRIPTOR, text, given.option, without=_NOT_CHOSEN)
        )


def _map(wire: Any, path: str, given: _Given) -> None:
    pairs = key_values([text for text in given.value if text], given.option)
    getattr(wire, path).update(pairs)


def _certificate(wire: Any, path: str, given: _Given) -> None:
    if given.value:
        getattr(wire, path).certificate = _read(given.value, "--client-certificate")
        getattr(wire, path).key = _read(str(given.options.client_key), "--client-key")


def _read(path: str, option: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not PEM"
        raise typer.BadParameter(f"cannot read {path}: {why}", param_hint=option) from None


_CHOSEN: Final = ("TIMEOUT", "CONNECTION", "TLS", "DNS", "PROTOCOL")
_NOT_CHOSEN: Final = frozenset(
    value.name.removeprefix("DELIVERY_CAUSE_") for value in delivery_pb2.DeliveryCause.DESCRIPTOR.values
) - {*_CHOSEN}

# Option: the field it sets, and how.
_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any, str, _Given], None]]]] = {
    "description": ("description", _plain),
    "timeout": ("timeout", _span("60s")),
    "event_type": ("event_type_filters", _items),
    "header": ("headers", _map),
    "metadata": ("metadata", _map),
    "max_rate": ("max_rate", _plain),
    "max_concurrency": ("max_concurrency", _plain),
    "retry_first": ("retry_policy.first_delay", _span("1h")),
    "retry_longest": ("retry_policy.longest_delay", _span("24h")),
    "max_attempts": ("retry_policy.max_attempts", _plain),
    "retry_status": ("retry_policy.retry_statuses", _statuses),
    "fail_status": ("retry_policy.fail_statuses", _statuses),
    "fail_cause": ("retry_policy.fail_causes", _causes),
    "keep_on_gone": ("retry_policy.keep_on_gone", _plain),
    "breaker": ("breaker_policy.disabled", _negated),
    "breaker_failure_rate": ("breaker_policy.failure_rate", _plain),
    "breaker_minimum": ("breaker_policy.minimum_attempts", _plain),
    "breaker_window": ("breaker_policy.window", _span("10m")),
    "breaker_first_open": ("breaker_policy.first_open", _span("1h")),
    "breaker_longest_open": ("breaker_policy.longest_open", _span("24h")),
    "breaker_successes": ("breaker_policy.successes", _plain),
    "client_certificate": ("client_certificate", _certificate),
}
