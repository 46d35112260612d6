"""Properties that every contract has: rules never fail to evaluate, public methods have a REST form."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import protovalidate
import pytest
import redletter
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.message import Message

INTERNAL = {"UserFeedService", "AuthService", "IntakeService"}
WITHOUT_REST = {"ImportUsers"}

INT32, INT64, UINT64 = 2**31 - 1, 2**63 - 1, 2**64 - 1
EXTREMES: dict[int, list[object]] = {
    FieldDescriptor.TYPE_STRING: [
        "",
        "\x00",
        "a",
        "x" * 100_000,
        "\U0010ffff" * 300,
        "evt_" + "_" * 5000,
        "a\r\n",
    ],
    FieldDescriptor.TYPE_BYTES: [b"", b"\x00\xff" * 50_000],
    FieldDescriptor.TYPE_INT32: [0, 1, -1, INT32, -INT32 - 1],
    FieldDescriptor.TYPE_INT64: [0, 1, -1, INT64, -INT64 - 1],
    FieldDescriptor.TYPE_FIXED64: [0, 1, UINT64],
    FieldDescriptor.TYPE_ENUM: [0, 1, 999, -1, INT32],
    FieldDescriptor.TYPE_BOOL: [False, True],
    FieldDescriptor.TYPE_DOUBLE: [0.0, -0.0, float("nan"), float("inf"), 5e-324],
}
OPAQUE = {"google.protobuf.Struct", "google.protobuf.Any", "google.rpc.Status"}


def files() -> list[FileDescriptor]:
    """Return the descriptors of every contract."""
    names = (module.name for module in pkgutil.walk_packages(redletter.__path__, "redletter."))
    modules = [importlib.import_module(name) for name in names if name.endswith("_pb2")]
    return [module.DESCRIPTOR for module in modules]


def messages() -> list[Descriptor]:
    """Return the descriptors of every message, nested ones included, map entries not."""
    found = [message for file in files() for message in file.message_types_by_name.values()]
    for message in found:
        found.extend(nested for nested in message.nested_types if not nested.GetOptions().map_entry)
    return found


def methods() -> list[MethodDescriptor]:
    """Return the descriptors of every method."""
    return [
        method for file in files() for service in file.services_by_name.values() for method in service.methods
    ]


def values(field: FieldDescriptor) -> Iterator[object]:
    """Yield extreme values of one element of a field."""
    if field.message_type is not None:
        yield from variants(field.message_type)
    else:
        yield from EXTREMES[field.type]


def variants(descriptor: Descriptor) -> Iterator[Message]:
    """Yield the empty message and, for every field, messages in which only this field is set, to an extreme."""
    kind = message_factory.GetMessageClass(descriptor)
    yield kind()
    if descriptor.full_name in OPAQUE:
        return
    for field in descriptor.fields:
        if field.message_type and field.message_type.GetOptions().map_entry:
            yield kind(**{field.name: {"": "", "k" * 5000: "\x00"}})
        elif field.is_repeated:
            elements = list(values(field))
            yield from (kind(**{field.name: repeated}) for repeated in (elements, elements[:1] * 1001))
            yield from (kind(**{field.name: [element]}) for element in elements)
        else:
            yield from (kind(**{field.name: value}) for value in values(field))


@pytest.mark.parametrize("descriptor", messages(), ids=lambda descriptor: descriptor.full_name)
def test_rules_answer_for_every_value(descriptor: Descriptor) -> None:
    """Extreme values give violations or nothing; no rule fails to compile or to evaluate."""
    for message in variants(descriptor):
        assert isinstance(protovalidate.collect_violations(message), list)


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_exactly_the_public_methods_have_a_rest_form(method: MethodDescriptor) -> None:
    """Public unary methods are annotated with a path under /v1; internal ones and streams with none."""
    public = method.containing_service.name not in INTERNAL and method.name not in WITHOUT_REST
    rules = [
        rule for option, rule in method.GetOptions().ListFields() if option.full_name == "google.api.http"
    ]
    assert len(rules) == int(public)
    for rule in rules:
        assert getattr(rule, rule.WhichOneof("pattern")).startswith("/v1/")


def test_generated_code_brings_no_validation_module() -> None:
    """Importing every contract imports nothing of `buf`, so nothing collides in a user's process."""
    names = [file.name.removesuffix(".proto").replace("/", ".") + "_pb2" for file in files()]
    code = f"import importlib, sys; [importlib.import_module(n) for n in {names!r}]; sys.exit('buf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
