"""Lists of people in CSV files: what the columns mean, what each row says, and how it is imported."""

from redletter_cli.people.importing import Progress, Summary, import_people
from redletter_cli.people.mapping import Incomplete, Mapping, OccasionColumn, OnEnrol
from redletter_cli.people.problems import Note, PeopleError, Rejection
from redletter_cli.people.reading import Row, read
from redletter_cli.people.source import count_rows

__all__ = [
    "Incomplete",
    "Mapping",
    "Note",
    "OccasionColumn",
    "OnEnrol",
    "PeopleError",
    "Progress",
    "Rejection",
    "Row",
    "Summary",
    "count_rows",
    "import_people",
    "read",
]
