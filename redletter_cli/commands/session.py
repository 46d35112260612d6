"""A verb's connection to the services and its way to print."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from redletter.client import Client

from redletter_cli.commands.configuration import Configuration, load
from redletter_cli.commands.failure import Failure
from redletter_cli.commands.options import OutputFormat
from redletter_cli.render.document import document, json_text
from redletter_cli.render.plain import plain

_MOST_PER_PAGE = 1000
_M = TypeVar("_M", bound=Message)


class Page(Protocol):
    """The response of a List method."""

    @property
    def next_page_token(self) -> str:
        """Return the token of the next page, empty after the last."""


_P = TypeVar("_P", bound=Page)


def configuration(config: Path | None, api_key: str | None) -> Configuration:
    """Return the configuration for the working directory."""
    return load(config, api_key, working_directory=Path.cwd())


def connect(config: Path | None, api_key: str | None) -> Client:
    """Return a client with the tenant's key; nothing is dialled yet."""
    found = configuration(config, api_key)
    return connect_with(found, found.require_api_key())


def connect_operator(config: Path | None) -> Client:
    """Return a client with the operator's key; nothing is dialled yet."""
    found = configuration(config, None)
    return connect_with(found, found.require_operator_key())


def connect_with(found: Configuration, key: str) -> Client:
    """Return a client for the addresses of `found` with `key`; nothing is dialled yet.

    Raises:
        Failure: an address or the key cannot be one, with exit status 2.
    """
    try:
        return Client(found.addresses, key)
    except ValueError as error:
        raise Failure(str(error), exit_code=2) from None


def pages(
    call: Callable[[int, str], _P], items: Callable[[_P], Iterable[_M]], limit: int
) -> tuple[list[_M], bool]:
    """Return up to `limit` items of a List method, and whether there are more.

    `call` gets page size and page token.
    """

    def every() -> Iterator[_M]:
        token = ""
        while True:
            # One more than wanted tells whether anything was left out.
            page = call(min(limit + 1, _MOST_PER_PAGE), token)
            yield from items(page)
            token = page.next_page_token
            if not token:
                return

    found = list(islice(every(), limit + 1))
    return found[:limit], len(found) > limit


def show_list(
    output: OutputFormat, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, more: bool = False
) -> None:
    """Print documents: an array, or a table; that there are none or more goes to standard error."""
    if output is OutputFormat.JSON:
        sys.stdout.write(json_text(list(rows)))
    else:
        from redletter_cli.render.table import print_rows

        print_rows(sys.stdout, columns, rows)
    if not rows:
        say("nothing found")
    if more:
        say(f"there are more than these {len(rows):,}; --limit shows more")


def show_one(output: OutputFormat, row: Mapping[str, Any]) -> None:
    """Print one document."""
    if output is OutputFormat.JSON:
        sys.stdout.write(json_text(row))
    else:
        from redletter_cli.render.table import print_fields

        print_fields(sys.stdout, row)


def documents(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return messages as documents."""
    return [document(message) for message in messages]


def say(sentence: str) -> None:
    """Print a line for the person, beside the answer."""
    sys.stderr.write(plain(sentence) + "\n")
