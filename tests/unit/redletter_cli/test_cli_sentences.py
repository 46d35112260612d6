"""Whatever goes wrong is one sentence on standard error and an exit status, never a traceback."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from redletter.user.v1 import user_service_pb2

from redletter_cli.__main__ import app, run
from redletter_cli.commands.configuration import FILE
from tests.unit.redletter.sdk_examples import UserService, abort, found, serving, status


class Terminal:
    """Runs verbs in a directory with a configuration, and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str], directory: Path) -> None:
        self._capsys = capsys
        self.directory = directory

    def configure(self, port: int) -> None:
        """Write a configuration in which every service is at `port`."""
        address = f"127.0.0.1:{port}"
        content = {"user": address, "scheduler": address, "delivery": address, "api_key": "rl_x"}
        (self.directory / FILE).parent.mkdir(exist_ok=True)
        (self.directory / FILE).write_text(json.dumps(content), encoding="utf-8")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit status, standard output and standard error of `redletter ARGUMENTS`."""
        code = run(lambda: app(args=list(arguments)))
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return Terminal(capsys, tmp_path)


@pytest.fixture
def service(terminal: Terminal) -> Iterator[UserService]:
    """Serve a user_service and configure the terminal for it."""
    made = UserService()
    with serving(made) as port:
        terminal.configure(port)
        yield made


def words(printed: str) -> str:
    """Return what a box of the command line says, without its frame and line breaks."""
    return " ".join(printed.replace("│", " ").split())


def refusing(code: grpc.StatusCode, message: str, reason: str) -> Any:
    """Return an answer that refuses."""

    def refuse(_: Any, context: grpc.ServicerContext) -> None:
        abort(context, status(code, message, error_details_pb2.ErrorInfo(reason=reason, domain="redletter")))

    return refuse


def test_answer_goes_to_standard_output(terminal: Terminal, service: UserService) -> None:
    """One document on standard output, nothing beside it, 0."""
    service.answer = lambda request, _: found(request.user_id)
    code, out, err = terminal.run("users", "get", "zoë", "--output", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["user_id"] == "zoë"


def test_refusal_is_the_services_sentence(terminal: Terminal, service: UserService) -> None:
    """What the service says is printed as it is, with status 1."""
    service.answer = refusing(grpc.StatusCode.NOT_FOUND, 'there is no user "ada"', "NOT_FOUND")
    assert terminal.run("users", "get", "ada") == (1, "", 'redletter: there is no user "ada"\n')


def test_wrong_key_says_where_to_give_another(terminal: Terminal, service: UserService) -> None:
    """A key that is not known ends with where a key is given."""
    service.answer = refusing(grpc.StatusCode.UNAUTHENTICATED, "the API key is not known", "UNAUTHENTICATED")
    code, _, err = terminal.run("users", "get", "ada", "--api-key", "wrong")
    assert code == 1
    assert err == (
        "redletter: the API key is not known; give a valid key by --api-key or REDLETTER_API_KEY\n"
    )
    assert service.calls[0]["authorization"] == "Bearer wrong"


def test_nobody_listening_asks_for_redletter_dev(terminal: Terminal) -> None:
    """A refused connection names service and address and asks the likely question."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        terminal.configure(port)
        code, out, err = terminal.run("users", "list")
    assert (code, out) == (1, "")
    assert err == (f"redletter: cannot reach user_service at 127.0.0.1:{port}: is `redletter dev` running?\n")


def test_no_configuration_is_a_sentence(terminal: Terminal) -> None:
    """A verb without any configuration says how to get one."""
    code, _, err = terminal.run("users", "list")
    assert code == 1
    assert err.startswith("redletter: there is no .redletter/client.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "list", "--limit", "0"),
        ("users", "get"),
        ("usrs",),
        ("events", "list", "--state", "done"),
        ("events", "list", "--due-after", "tomorrow"),
        ("event-types", "create", "x", "--occasion-kind", "birthday", "--at", "9 o'clock", "--body", "b"),
        ("event-types", "create", "x", "--occasion-kind", "birthday", "--at", "09:00"),
        ("event-types", "update", "birthday"),
        ("users", "import", "people.csv", "--occasion", "birthday"),
        ("users", "import", "people.csv", "--delimiter", "ab"),
        ("endpoints", "create", "https://example.com", "--timeout", ""),
    ],
)
def test_wrong_call_ends_with_2(terminal: Terminal, service: UserService, arguments: tuple[str, ...]) -> None:
    """A wrong call says what is wrong and ends with 2 before any service is asked."""
    code, out, err = terminal.run(*arguments)
    assert (code, out) == (2, "")
    assert "Error" in err
    assert service.calls == []


@pytest.mark.parametrize(
    ("arguments", "option", "sentence"),
    [
        (
            ("event-types", "update", "birthday", "--at", "25:00"),
            "--at",
            '"25:00" is not a time of day from 00:00 to 23:59:59; write for example 09:00 or 09:00:30',
        ),
        (
            ("event-types", "update", "birthday", "--at", "09:60"),
            "--at",
            '"09:60" is not a time of day from 00:00 to 23:59:59; write for example 09:00 or 09:00:30',
        ),
        (
            ("event-types", "update", "birthday", "--deliver-within", "31d"),
            "--deliver-within",
            '"31d" is not a duration of 1s to 30d; write for example 90s, 30m, 6h or 2d',
        ),
        (
            ("endpoints", "create", "https://example.com", "--timeout", "0s"),
            "--timeout",
            '"0s" is not a duration of 1s to 60s; write for example 90s, 30m, 6h or 2d',
        ),
        (
            ("event-types", "update", "birthday", "--day-offset", "367"),
            "--day-offset",
            "367 is not a number of days from -366 to 366",
        ),
        (
            ("event-types", "update", "birthday", "--priority", "urgent"),
            "--priority",
            '"urgent" is not one of low, normal, high',
        ),
        (
            ("events", "list", "--due-after", "tomorrow"),
            "--due-after",
            '"tomorrow" is not an instant; write for example 2027-02-28T14:00:00Z or 2027-02-28',
        ),
    ],
)
def test_impossible_value_is_named_with_its_option_and_what_is_allowed(
    terminal: Terminal, service: UserService, arguments: tuple[str, ...], option: str, sentence: str
) -> None:
    """What no service would take is refused before the call, in the words of the command line."""
    code, out, err = terminal.run(*arguments)
    assert (code, out) == (2, "")
    told = words(err)
    assert option in told
    assert sentence in told
    assert service.calls == []


def test_unknown_default_zone_is_refused_before_the_first_row(
    terminal: Terminal, service: UserService
) -> None:
    """A zone that is none ends the import with 2 and the nearest names; nobody is stored, no row rejected."""
    (terminal.directory / "people.csv").write_text("id,birthday\n1,1990-01-01\n", encoding="utf-8")
    code, out, err = terminal.run("users", "import", "people.csv", "--default-zone", "Europe/Berln")
    assert (code, out) == (2, "")
    told = words(err)
    assert '--default-zone: "Europe/Berln" is not a known time zone' in told
    assert "nearest: Europe/Berlin" in told
    assert service.calls == []
    assert not (terminal.directory / "rejected.csv").exists()


@pytest.mark.parametrize(("key", "what"), [("é", "U+00E9"), ("rl_a\n", "a line end"), ("rl_a b", "a space")])
def test_impossible_key_is_a_sentence(terminal: Terminal, service: UserService, key: str, what: str) -> None:
    """What cannot be a key is refused with 2 before gRPC sees it, which would write a log of its own."""
    code, out, err = terminal.run("users", "list", "--api-key", key)
    assert (code, out) == (2, "")
    assert err.startswith("redletter: character ")
    assert f"of the API key is {what}; a key has the form rl_..." in err
    assert err.count("\n") == 1
    assert service.calls == []


def test_mixed_addresses_are_a_sentence(terminal: Terminal) -> None:
    """An address that cannot be one is the caller's to correct, not a defect of ours."""
    addresses = {"user": "a:1,b:2", "scheduler": "a:1", "delivery": "a:1", "api_key": "rl_x"}
    (terminal.directory / FILE).parent.mkdir()
    (terminal.directory / FILE).write_text(json.dumps(addresses), encoding="utf-8")
    code, _, err = terminal.run("users", "list")
    assert code == 2
    assert err.startswith('redletter: "a:1,b:2" mixes several host names')


def test_wrong_file_ends_with_2(terminal: Terminal, service: UserService) -> None:
    """A file that is no list of people is a sentence and 2; no service was called."""
    (terminal.directory / "people.csv").write_text("id,dob,time_zone\n", encoding="utf-8")
    code, _, err = terminal.run("users", "import", "people.csv")
    assert code == 2
    assert err.startswith('redletter: there is no column "birthday"')
    assert err.count("\n") == 1
    assert service.calls == []


def test_import_reports_and_ends_with_1_when_rows_are_rejected(
    terminal: Terminal, service: UserService
) -> None:
    """The summary counts both, the file of rejected rows is named, JSON says the same."""

    def store(requests: Iterator[Any], _: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            yield user_service_pb2.ImportUsersResponse(accepted=len(request.rows))

    service.stream = store
    people = "id,birthday,time_zone\n1,1990-01-01,UTC\n2,1990,UTC\n3,1990-01-01,\n"
    (terminal.directory / "people.csv").write_text(people, encoding="utf-8")
    code, out, err = terminal.run("users", "import", "people.csv", "--default-zone", "UTC")
    assert code == 1
    assert out.startswith("2 of 3 people imported in ")
    assert "1 rejected; each with its reason in rejected.csv\n" in out
    assert err == "line 4 (3): time_zone: the time zone is missing; UTC was taken\n"
    assert "the date is incomplete" in (terminal.directory / "rejected.csv").read_text(encoding="utf-8")

    code, out, _ = terminal.run("users", "import", "people.csv", "--default-zone", "UTC", "--output", "json")
    summary = json.loads(out)
    assert code == 1
    assert summary.pop("seconds") >= 0
    assert summary == {"rows": 3, "accepted": 2, "rejected": 1, "noted": 1, "rejected_file": "rejected.csv"}

    assert terminal.run("users", "import", "people.csv", "--limit", "1")[0] == 0


def test_an_import_that_stops_says_how_far_it_came(terminal: Terminal, service: UserService) -> None:
    """What was acknowledged is stored: the number is said beside the reason, and the exit status is 1."""

    def once(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        yield user_service_pb2.ImportUsersResponse(accepted=len(next(requests).rows))
        info = error_details_pb2.ErrorInfo(reason="FORBIDDEN", domain="redletter")
        abort(context, status(grpc.StatusCode.PERMISSION_DENIED, "the key was revoked", info))

    service.stream = once
    people = "".join(f"{number},1990-01-01,UTC\n" for number in range(1200))
    (terminal.directory / "people.csv").write_text("id,birthday,time_zone\n" + people, encoding="utf-8")
    code, out, err = terminal.run("users", "import", "people.csv")
    assert (code, out) == (1, "")
    assert "stopped after 500 of 1,200 rows, of which 500 are stored; repeat the import to go on" in err
    assert "the key was revoked" in err


def test_defect_is_a_sentence_too(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that nobody foresaw is called our defect, with status 70 and without a traceback."""

    def broken() -> None:
        raise KeyError("user_id")

    assert run(broken) == 70
    _, err = capsys.readouterr()
    assert err == (
        "redletter: this is a defect of redletter: KeyError: 'user_id' (REDLETTER_TRACEBACK=1 shows where)\n"
    )


def test_version_needs_no_configuration(terminal: Terminal) -> None:
    """`--version` prints one line and ends."""
    code, out, err = terminal.run("--version")
    assert (code, err) == (0, "")
    assert out.startswith("redletter 0.")
