"""The words of an event type, from options and files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer
from google.protobuf import json_format
from redletter.scheduler.v1 import event_type_pb2

from redletter_cli.commands.failure import Failure

_FORM = '[{"locale": "", "title": "...", "body": "..."}, ...]'


def from_file(path: Path) -> list[event_type_pb2.Template]:
    """Return the templates of a JSON file.

    Raises:
        Failure: it cannot be read, or is not a list of templates.
    """
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}", exit_code=2) from None
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}", exit_code=2) from None
    if not isinstance(content, list):
        raise Failure(f"{path} is not a list of templates; it has the form {_FORM}", exit_code=2)
    try:
        return [json_format.ParseDict(item, event_type_pb2.Template()) for item in content]
    except json_format.ParseError as error:
        raise Failure(
            f"{path} is not a list of templates: {error}; it has the form {_FORM}", exit_code=2
        ) from None


@dataclass(frozen=True)
class Words:
    """The options that set words, as they were given."""

    body: Annotated[str | None, typer.Option(help="Body template of the fallback locale.")] = None
    title: Annotated[str | None, typer.Option(help="Title template of the fallback locale.")] = None
    belated_body: Annotated[
        str | None, typer.Option(help="Body template of the fallback locale for a message that is late.")
    ] = None
    belated_title: Annotated[
        str | None, typer.Option(help="Title template of the fallback locale for a message that is late.")
    ] = None
    templates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help='All templates: [{"locale", "title", "body", "belated_title", "belated_body"}, ...].',
        ),
    ] = None

    @property
    def any(self) -> bool:
        """Whether anything was given."""
        return self.templates is not None or bool(self._fallback())

    def found(self, stored: Iterable[event_type_pb2.Template] = ()) -> list[event_type_pb2.Template]:
        """Return the templates: those of the file, else `stored`, with the given parts of the fallback set.

        Raises:
            Failure: the file cannot be read, or is not a list of templates.
        """
        templates = from_file(self.templates) if self.templates else list(stored)
        parts = self._fallback()
        if parts:
            fallback = next((t for t in templates if not t.locale), None)
            if fallback is None:
                fallback = event_type_pb2.Template()
                templates.append(fallback)
            for name, text in parts.items():
                setattr(fallback, name, text)
        return templates

    def _fallback(self) -> dict[str, str]:
        parts = {
            "title": self.title,
            "body": self.body,
            "belated_title": self.belated_title,
            "belated_body": self.belated_body,
        }
        return {name: text for name, text in parts.items() if text is not None}
