"""A file on its way into user_service: chunks, rejected rows, a stream that breaks."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from redletter.user.v1 import user_service_pb2

from redletter_cli.people import (
    Incomplete,
    Mapping,
    Note,
    OccasionColumn,
    PeopleError,
    Progress,
    Rejection,
    import_people,
)
from redletter_cli.people.importing import WINDOW
from redletter_cli.people.rejected import RejectedFile
from tests.unit.redletter.sdk_examples import UserService, abort, client, serving, status

Answers = Iterator[user_service_pb2.ImportUsersResponse]


class Store(UserService):
    """Keeps what is imported; refuses zone `Mars/Olympus`; breaks the stream before chunks of the test's choice."""

    def __init__(self, *, break_before: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.users: dict[str, Any] = {}
        self.chunks: list[int] = []
        self._break_before = set(break_before)
        self.stream = self._import

    def _import(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Answers:
        accepted = 0
        for request in requests:
            number = len(self.chunks)
            if number in self._break_before:
                self._break_before.remove(number)
                info = error_details_pb2.ErrorInfo(reason="DEPENDENCY_UNAVAILABLE", domain="redletter")
                abort(context, status(grpc.StatusCode.UNAVAILABLE, "the database is away", info))
            self.chunks.append(len(request.rows))
            refused = [_refused(row) for row in request.rows if row.user.time_zone == "Mars/Olympus"]
            good = [row for row in request.rows if row.user.time_zone != "Mars/Olympus"]
            accepted += len(good)
            self.users |= {row.user.user_id: row.user for row in good}
            yield user_service_pb2.ImportUsersResponse(
                acknowledged_line=request.rows[-1].line if request.rows else 0,
                accepted=accepted,
                rejected_rows=refused,
            )


def _refused(row: Any) -> user_service_pb2.ImportUsersResponse.RejectedRow:
    return user_service_pb2.ImportUsersResponse.RejectedRow(
        line=row.line,
        user_id=row.user.user_id,
        field="time_zone",
        value=row.user.time_zone,
        reason="not a known time zone",
        allowed="an IANA name",
    )


def write(path: Path, count: int, *, zone: str = "UTC") -> Path:
    """Write a file of `count` people."""
    lines = [f"{number},--05-05,{zone}" for number in range(count)]
    path.write_text("\n".join(["id,birthday,tz", *lines]) + "\n", encoding="utf-8")
    return path


MAPPING = Mapping(zone_column="tz")


def test_all_rows_arrive_in_chunks_of_500(tmp_path: Path) -> None:
    """1,234 people are three chunks, and progress ends at the last row."""
    store, seen = Store(), list[Progress]()
    with serving(store) as port, client(f"127.0.0.1:{port}") as api:
        summary = import_people(api, write(tmp_path / "p.csv", 1234), MAPPING, seen.append)
    assert store.chunks == [500, 500, 234]
    assert len(store.users) == 1234
    assert (summary.rows, summary.accepted, summary.rejected, summary.noted) == (1234, 1234, 0, 0)
    assert seen[-1] == Progress(1234, 0)


def test_rejected_rows_of_both_sides_are_reported_by_line_and_column(tmp_path: Path) -> None:
    """What the file lacks and what the service refuses end in one file, by the columns of the caller."""
    path = tmp_path / "p.csv"
    path.write_text("id,birthday,tz\n1,1987,UTC\n2,--05-05,Mars/Olympus\n3,--05-05,UTC\n", encoding="utf-8")
    store = Store()
    target = tmp_path / "rejected.csv"
    with serving(store) as port, client(f"127.0.0.1:{port}") as api, RejectedFile(target) as rejected:
        summary = import_people(api, path, MAPPING, rejected=rejected.write)
    assert (summary.rows, summary.accepted, summary.rejected) == (3, 1, 2)
    assert list(store.users) == ["3"]
    with target.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    assert found == [
        ["line", "user_id", "field", "value", "reason", "allowed"],
        [
            "2",
            "1",
            "birthday",
            "1987",
            "the date is incomplete",
            "YYYY-MM-DD, or --MM-DD when the year is unknown",
        ],
        ["3", "2", "tz", "Mars/Olympus", "not a known time zone", "an IANA name"],
    ]


def test_file_of_rejected_rows_is_made_only_when_needed(tmp_path: Path) -> None:
    """An import without rejected rows leaves no file behind."""
    target = tmp_path / "rejected.csv"
    with serving(Store()) as port, client(f"127.0.0.1:{port}") as api, RejectedFile(target) as rejected:
        import_people(api, write(tmp_path / "p.csv", 3), MAPPING, rejected=rejected.write)
    assert not target.exists()


def test_notes_are_only_about_stored_people(tmp_path: Path) -> None:
    """A person imported without an occasion is named; one who is then refused is only rejected."""
    path = tmp_path / "p.csv"
    path.write_text(
        "id,birthday,debut,tz\n1,1987,--04-04,UTC\n2,1987,--04-04,Mars/Olympus\n", encoding="utf-8"
    )
    mapping = Mapping(
        zone_column="tz",
        incomplete=Incomplete.WITHOUT_OCCASION,
        occasions=(OccasionColumn("birthday", "birthday"), OccasionColumn("anniversary", "debut")),
    )
    notes, refused = list[Note](), list[Rejection]()
    with serving(Store()) as port, client(f"127.0.0.1:{port}") as api:
        summary = import_people(api, path, mapping, rejected=refused.append, noted=notes.append)
    assert [(note.user_id, note.field) for note in notes] == [("1", "birthday")]
    assert [rejection.user_id for rejection in refused] == ["2"]
    assert summary.noted == 1


def test_broken_stream_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    """Two breaks in the middle lose nobody, report nobody twice, and need no second run."""
    path = tmp_path / "p.csv"
    lines = [f"{number},--05-05,{'UTC' if number % 100 else 'Mars/Olympus'}" for number in range(5000)]
    path.write_text("\n".join(["id,birthday,tz", *lines]) + "\n", encoding="utf-8")
    store, refused = Store(break_before=(3, 7)), list[Rejection]()
    with serving(store) as port, client(f"127.0.0.1:{port}") as api:
        summary = import_people(api, path, MAPPING, rejected=refused.append)
    assert len(store.users) == 4950
    assert (summary.rows, summary.accepted, summary.rejected) == (5000, 4950, 50)
    assert [int(rejection.user_id) for rejection in refused] == list(range(0, 5000, 100))
    assert len(store.calls) == 3


def test_few_chunks_are_under_way(tmp_path: Path) -> None:
    """A service that answers slowly is sent no more than the window."""
    waiting = list[int]()

    class Slow(Store):
        def _import(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Answers:
            taken = [next(requests) for _ in range(WINDOW)]
            waiting.append(len(taken))
            for request in [*taken]:
                yield user_service_pb2.ImportUsersResponse(acknowledged_line=request.rows[-1].line)
            for request in requests:
                yield user_service_pb2.ImportUsersResponse(acknowledged_line=request.rows[-1].line)

    with serving(Slow()) as port, client(f"127.0.0.1:{port}") as api:
        summary = import_people(api, write(tmp_path / "p.csv", 500 * (WINDOW + 3)), MAPPING)
    assert waiting == [WINDOW]
    assert summary.accepted == 500 * (WINDOW + 3)


def test_person_larger_than_a_request_is_one_rejected_row(tmp_path: Path) -> None:
    """A cell of 10 MB costs its person, not the import."""
    path = tmp_path / "p.csv"
    path.write_text(
        f"id,birthday,tz,essay\n1,--05-05,UTC,{'x' * 10_000_000}\n2,--05-05,UTC,\n", encoding="utf-8"
    )
    store, refused = Store(), list[Rejection]()
    with serving(store) as port, client(f"127.0.0.1:{port}") as api:
        import_people(api, path, Mapping(zone_column="tz", attributes=("essay",)), rejected=refused.append)
    assert list(store.users) == ["2"]
    assert refused[0].field == "essay"
    assert "10,000,0" in refused[0].reason
    assert "4,194,304" in refused[0].reason


def test_largest_attribute_is_named_when_all_together_are_too_large(tmp_path: Path) -> None:
    """Of several attributes the rejection names the column that takes the most, whichever side refuses."""

    class Strict(Store):
        def _import(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Answers:
            for request in requests:
                rejected = [
                    user_service_pb2.ImportUsersResponse.RejectedRow(
                        line=row.line, user_id=row.user.user_id, field="attributes", reason="too large"
                    )
                    for row in request.rows
                ]
                yield user_service_pb2.ImportUsersResponse(rejected_rows=rejected)

    path = tmp_path / "p.csv"
    path.write_text(
        f"id,birthday,tz,city,essay\n1,--05-05,UTC,{'é' * 9_000},{'x' * 17_000}\n"
        f"2,--05-05,UTC,Ōtaki,{'x' * 4_000_000}\n",
        encoding="utf-8",
    )
    refused = list[Rejection]()
    mapping = Mapping(zone_column="tz", attributes=("essay", "city"))
    with serving(Strict()) as port, client(f"127.0.0.1:{port}") as api:
        import_people(api, path, mapping, rejected=refused.append)
    assert [(rejection.user_id, rejection.field) for rejection in refused] == [("1", "city"), ("2", "essay")]


def test_large_people_share_chunks_below_the_limit(tmp_path: Path) -> None:
    """A chunk ends before it is too large to be sent."""
    path = tmp_path / "p.csv"
    lines = [f"{number},--05-05,UTC,{'x' * 1_000_000}" for number in range(7)]
    path.write_text("\n".join(["id,birthday,tz,essay", *lines]) + "\n", encoding="utf-8")
    store = Store()
    with serving(store) as port, client(f"127.0.0.1:{port}") as api:
        import_people(api, path, Mapping(zone_column="tz", attributes=("essay",)))
    assert len(store.users) == 7
    assert max(store.chunks) == 3


def test_error_in_the_middle_of_the_file_is_raised_as_it_is(tmp_path: Path) -> None:
    """What stands before a wrong byte is stored; the error is the file's, not gRPC's."""
    path = write(tmp_path / "p.csv", 600)
    path.write_bytes(path.read_bytes() + b"x\xe9,--05-05,UTC\n")
    store = Store()
    wrong = pytest.raises(PeopleError, match="line 602, byte 2 is 0xE9")
    with serving(store) as port, client(f"127.0.0.1:{port}") as api, wrong:
        import_people(api, path, MAPPING)
    assert len(store.users) == 500
