"""What a row of a file says about a person, or why it says too little."""

from pathlib import Path

import pytest
from redletter.user.v1 import user_pb2

from redletter_cli.people import (
    Incomplete,
    Mapping,
    OccasionColumn,
    PeopleError,
    Rejection,
    Row,
    count_rows,
    read,
)
from redletter_cli.render.document import document

HEADER = "person_id,given_name,family_name,birthday,debut,city,time_zone\n"
BOTH = (OccasionColumn.parse("birthday=birthday"), OccasionColumn.parse("anniversary:debut=debut"))


def rows(tmp_path: Path, content: str | bytes, mapping: Mapping | None = None) -> list[Row]:
    """Return the rows of a file with this content."""
    path = tmp_path / "people.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(path, mapping or Mapping()))


def person(row: Row) -> user_pb2.User:
    """Return the row's person, who must not be rejected."""
    assert isinstance(row.person, user_pb2.User), row.person
    return row.person


def rejection(row: Row) -> Rejection:
    """Return the row's rejection, which there must be."""
    assert isinstance(row.person, Rejection), row.person
    return row.person


def dates(row: Row) -> list[tuple[str, str, str]]:
    """Return kind, id and date of the person's occasions."""
    return [(o["kind"], o["occasion_id"], o["date"]) for o in document(person(row))["occasions"]]


def test_row_becomes_person(tmp_path: Path) -> None:
    """Names, zone, two occasions, attributes and the line are what the row says."""
    mapping = Mapping(occasions=BOTH, attributes=("city",))
    (row,) = rows(
        tmp_path, HEADER + "ng1,Anahera,Ngata, 1990-07-01 ,2010-04-05,Ōtaki,Pacific/Auckland\n", mapping
    )
    found = person(row)
    assert row.line == 2
    assert (found.user_id, found.given_name, found.family_name) == ("ng1", "Anahera", "Ngata")
    assert found.time_zone == "Pacific/Auckland"
    assert dict(found.attributes.items()) == {"city": "Ōtaki"}
    assert dates(row) == [("birthday", "", "1990-07-01"), ("anniversary", "debut", "2010-04-05")]
    assert row.occasion_columns == ("birthday", "debut")
    assert row.notes == ()


@pytest.mark.parametrize(
    ("written", "meant"), [("1847-02-08", "1847-02-08"), ("--02-29", "--02-29"), ("0001-01-01", "0001-01-01")]
)
def test_dates_with_and_without_year(tmp_path: Path, written: str, meant: str) -> None:
    """Old years, the first year and unknown years are dates."""
    (row,) = rows(tmp_path, f"id,birthday,time_zone\n1,{written},UTC\n")
    assert dates(row) == [("birthday", "", meant)]


@pytest.mark.parametrize("written", ["", "1987", "1987-04"])
def test_missing_and_partial_dates_are_incomplete(tmp_path: Path, written: str) -> None:
    """By default the person is rejected; told otherwise, imported without that occasion, and named."""
    content = HEADER + f"ada,Ada,,{written},2010-04-05,,UTC\n"
    refused = rejection(rows(tmp_path, content, Mapping(occasions=BOTH))[0])
    assert (refused.line, refused.user_id, refused.field, refused.value) == (2, "ada", "birthday", written)
    assert refused.reason == ("the date is incomplete" if written else "the date is missing")
    assert refused.allowed == "YYYY-MM-DD, or --MM-DD when the year is unknown"

    lenient = Mapping(occasions=BOTH, incomplete=Incomplete.WITHOUT_OCCASION)
    (row,) = rows(tmp_path, content, lenient)
    assert dates(row) == [("anniversary", "debut", "2010-04-05")]
    assert row.occasion_columns == ("debut",)
    (note,) = row.notes
    assert "imported without birthday" in note.sentence()
    assert note.sentence().startswith("line 2 (ada): birthday")


@pytest.mark.parametrize(
    "written", ["01/07/1990", "1990-7-1", "July", "0000-05-05", "-05-05", "19900701", "1990-07-01T00:00"]
)
def test_what_is_no_date_is_rejected_in_both_ways(tmp_path: Path, written: str) -> None:
    """A cell that holds something else is a mistake, not an incomplete date."""
    lenient = Mapping(incomplete=Incomplete.WITHOUT_OCCASION)
    refused = rejection(rows(tmp_path, f"id,birthday,time_zone\n1,{written},UTC\n", lenient)[0])
    assert refused.value == written
    assert refused.reason == ("there is no year 0" if written.startswith("0000") else "not a date")


def test_missing_zone(tmp_path: Path) -> None:
    """A person without zone is rejected, or gets the default zone and is named."""
    content = "id,birthday,time_zone\n1,--05-05,\n"
    assert rejection(rows(tmp_path, content)[0]).reason == "the time zone is missing"
    (row,) = rows(tmp_path, content, Mapping(default_zone="Asia/Kathmandu"))
    assert person(row).time_zone == "Asia/Kathmandu"
    assert "Asia/Kathmandu was taken" in row.notes[0].sentence()


def test_file_without_zone_column_needs_a_default(tmp_path: Path) -> None:
    """No zone column at all is a wrong header, unless everyone gets the default zone."""
    content = "id,birthday\n1,--05-05\n"
    with pytest.raises(PeopleError, match='no column "time_zone"; the columns are "id", "birthday"'):
        rows(tmp_path, content)
    assert person(rows(tmp_path, content, Mapping(default_zone="UTC"))[0]).time_zone == "UTC"


def test_empty_names_are_allowed(tmp_path: Path) -> None:
    """A person without a given name is a person."""
    (row,) = rows(tmp_path, HEADER + "pele,,Pelé,1940-10-23,,,America/Sao_Paulo\n")
    assert (person(row).given_name, person(row).family_name) == ("", "Pelé")


def test_missing_id_and_wrong_number_of_fields_are_rejected(tmp_path: Path) -> None:
    """Each is named with its line, and the rows after it are read."""
    content = HEADER + ",Ada,,1990-01-01,,,UTC\nx,Ada,1990-01-01,UTC\ny,Ada,,1990-01-01,,,UTC\n"
    first, second, third = rows(tmp_path, content)
    assert (rejection(first).field, rejection(first).reason) == ("person_id", "the id is missing")
    assert rejection(second).reason == "the row has 4 fields, the header has 7"
    assert person(third).user_id == "y"


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (
            Mapping(id_column="key"),
            'there is no column "key"; the columns are "id", "dob", "time_zone"; choose',
        ),
        (Mapping(zone_column="tz"), 'there is no column "tz"'),
        (Mapping(), 'there is no column "birthday" and no other column of dates is named'),
        (Mapping(occasions=(OccasionColumn("birthday", "bday"),)), "choose one by --occasion KIND=COLUMN"),
        (Mapping(occasions=(OccasionColumn("birthday", "dob"),), attributes=("x",)), "--attribute COLUMN"),
    ],
)
def test_wrong_header_lists_the_columns_and_the_option(
    tmp_path: Path, mapping: Mapping, sentence: str
) -> None:
    """A mapped column that is not there is answered with those that are, and the option to choose."""
    with pytest.raises(PeopleError) as caught:
        rows(tmp_path, "id,dob,time_zone\n1,1990-01-01,UTC\n", mapping)
    assert sentence in str(caught.value)
    assert '"id", "dob", "time_zone"' in str(caught.value)


def test_semicolons_are_recognised(tmp_path: Path) -> None:
    """A file from a spreadsheet with semicolons is told the option, and read with it."""
    content = "id;birthday;time_zone\n1;--05-05;UTC\n"
    with pytest.raises(PeopleError, match="try --delimiter ';'"):
        rows(tmp_path, content)
    assert person(rows(tmp_path, content, Mapping(delimiter=";"))[0]).user_id == "1"


def test_column_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    """Which of two equal columns is meant is not guessed."""
    with pytest.raises(PeopleError, match='has the column "id" 2 times'):
        rows(tmp_path, "id,id,birthday,time_zone\n")


def test_two_occasions_of_one_id_are_refused(tmp_path: Path) -> None:
    """Two columns of one kind need ids of their own."""
    twice = Mapping(occasions=(OccasionColumn("birthday", "birthday"), OccasionColumn("birthday", "debut")))
    with pytest.raises(PeopleError, match="birthday:second=debut"):
        rows(tmp_path, HEADER, twice)


def test_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    """A file saved by a spreadsheet with a byte order mark is read as it looks."""
    content = "\ufeffid,birthday,time_zone\n1,--05-05,UTC\n".encode()
    assert person(rows(tmp_path, content)[0]).user_id == "1"


def test_latin_1_is_named_by_line_and_byte(tmp_path: Path) -> None:
    """A Latin-1 file is refused with line, byte and option before any row is used, and read with the option."""
    content = "id,given_name,birthday,time_zone\n1,Ada,--05-05,UTC\n2,Zoë,--05-05,UTC\n".encode("latin-1")
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(PeopleError, match=r"line 3, byte 5 is 0xEB; .* --encoding latin-1"):
        count_rows(path, Mapping())
    found = rows(tmp_path, content, Mapping(encoding="latin-1"))
    assert person(found[1]).given_name == "Zoë"


def test_utf_16_is_recognised(tmp_path: Path) -> None:
    """A UTF-16 file is told its encoding, and read with it."""
    content = "id,birthday,time_zone\r\n1,--05-05,UTC\r\n".encode("utf-16")
    with pytest.raises(PeopleError, match="--encoding utf-16"):
        rows(tmp_path, content)
    assert person(rows(tmp_path, content, Mapping(encoding="utf-16"))[0]).user_id == "1"


def test_unknown_encoding_is_a_sentence(tmp_path: Path) -> None:
    """An encoding that nobody knows is named with usual ones."""
    with pytest.raises(PeopleError, match='"klingon" is not an encoding'):
        rows(tmp_path, "id\n", Mapping(encoding="klingon"))


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """Quoted line breaks and empty lines count, so that an editor finds the row."""
    content = 'id,given_name,birthday,time_zone\r\n1,"Ada\nMaria",--05-05,UTC\r\n\r\n3,Eve,,UTC\r\n'
    first, second = rows(tmp_path, content)
    assert (first.line, second.line) == (2, 5)


def test_open_quotation_mark_is_a_sentence(tmp_path: Path) -> None:
    """A quotation mark that nobody closes names the line on which it began."""
    with pytest.raises(PeopleError, match=r"line 3 of people\.csv is not CSV"):
        rows(tmp_path, 'id,birthday,time_zone\n1,--05-05,UTC\n2,"--05-05,UTC\n')


def test_missing_empty_and_special_files_are_sentences(tmp_path: Path) -> None:
    """What is no file of people is named by its path."""
    with pytest.raises(PeopleError, match=r"cannot read .*nowhere.csv: No such file"):
        list(read(tmp_path / "nowhere.csv", Mapping()))
    with pytest.raises(PeopleError, match="is a directory"):
        list(read(tmp_path, Mapping()))
    with pytest.raises(PeopleError, match="is empty; its first line must name the columns"):
        rows(tmp_path, "")


def test_limit_ends_the_reading(tmp_path: Path) -> None:
    """With a limit of two, two rows are read and counted."""
    content = "id,birthday,time_zone\n" + "1,--05-05,UTC\n" * 5
    assert len(rows(tmp_path, content, Mapping(limit=2))) == 2
    assert count_rows(tmp_path / "people.csv", Mapping(limit=2)) == 2
    assert count_rows(tmp_path / "people.csv", Mapping()) == 5


def test_field_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    """A huge cell is a matter of its row, not of the file."""
    content = "id,birthday,time_zone,essay\n1,--05-05,UTC," + "x" * 10_000_000 + "\n"
    (row,) = rows(tmp_path, content, Mapping(attributes=("essay",)))
    assert len(str(dict(person(row).attributes.items())["essay"])) == 10_000_000


@pytest.mark.parametrize("text", ["birthday", "=birthday", "Birthday=birthday", "birthday:=x", "birthday="])
def test_occasion_option_says_its_form(text: str) -> None:
    """An option of another form is answered with an example."""
    with pytest.raises(ValueError, match="KIND=COLUMN"):
        OccasionColumn.parse(text)
