"""The words of an event type, from options and files."""

from pathlib import Path

import orjson
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


def fallback(rule: event_type_pb2.EventType, *, title: str | None, body: str | None) -> None:
    """Set title and body, where given, of the template with the empty locale; it is added if there is none."""
    if title is None and body is None:
        return
    template = next((t for t in rule.templates if not t.locale), None)
    if template is None:
        template = rule.templates.add()
    if title is not None:
        template.title = title
    if body is not None:
        template.body = body
