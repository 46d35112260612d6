"""Field rules of the protos, enforced on every request; the sentence names the value and what is allowed."""

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from chassis.errors import FieldViolation, InvalidInput

_validator = Validator()
_LONGEST_VALUE = 80


def validate(message: Message) -> None:
    """Raise InvalidInput with every refused field of `message`, by the rules of its proto."""
    violations = _validator.collect_violations(message)
    if violations:
        raise InvalidInput([_described(v) for v in violations])


def _described(violation: Violation) -> FieldViolation:
    rule, path = violation.proto.rule_id, _path(violation)
    limit = violation.rule_value
    value = _shown(violation.field_value)
    message = "is not of the allowed form" if rule.endswith(".pattern") else str(violation.proto.message)
    sentence = f"{value!r} {message}" if value else message
    return FieldViolation(path, sentence, value, _allowed(rule, limit, path))


def _shown(value: object) -> str:
    """Return a value as far as it may be repeated: a list, a message or bytes may hold a person's data."""
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str):
        return ""
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}... ({len(value)} characters)"


def _path(violation: Violation) -> str:
    field = violation.proto.field
    path = ""
    for element in field.elements if field else ():
        path += f".{element.field_name}" if path else str(element.field_name)
        if element.subscript is not None:
            path += f"[{element.subscript.value}]"
    return path


def _allowed(rule: str, limit: object, path: str) -> str:
    kind, _, name = rule.partition(".")
    unit = {"string": "characters", "bytes": "bytes", "repeated": "items", "map": "entries"}.get(kind, "")
    words = {
        "min_len": f"at least {limit} {unit}",
        "max_len": f"at most {limit} {unit}",
        "max_bytes": f"at most {limit} bytes",
        "min_items": f"at least {limit} items",
        "max_items": f"at most {limit} items",
        "pattern": f"text that matches {limit}",
        "in": f"one of {limit}",
        "gte": f"{limit} or more",
        "lte": f"{limit} or less",
        "gt": f"more than {limit}",
        "lt": f"less than {limit}",
        "defined_only": "a value of the enum",
    }
    if rule == "string.min_len" and path.endswith("time_zone"):
        return "an IANA name such as Europe/Lisbon"
    if rule == "required":
        return "any value; it may not be empty"
    return words.get(name, "")
