"""Dates as files write them: `YYYY-MM-DD`, `--MM-DD` without the year, and what is less than a date."""

import re
from enum import Enum

from google.type import date_pb2

ALLOWED = "YYYY-MM-DD, or --MM-DD when the year is unknown"

_FULL = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_YEARLESS = re.compile(r"--(\d{2})-(\d{2})", re.ASCII)
_PARTIAL = re.compile(r"\d{4}(-\d{2})?", re.ASCII)


class Shape(Enum):
    """What a cell that should hold a date holds."""

    DATE = "a date"
    INCOMPLETE = "less than a date: nothing, a year, or a year and a month"
    OTHER = "something else"


def shape(text: str) -> Shape:
    """Return what `text` is. Whether the calendar has such a day is the service's to say."""
    if not text or _PARTIAL.fullmatch(text):
        return Shape.INCOMPLETE
    if (_FULL.fullmatch(text) and not text.startswith("0000")) or _YEARLESS.fullmatch(text):
        return Shape.DATE
    return Shape.OTHER


def date(text: str) -> date_pb2.Date:
    """Return the date that `text` writes; year 0 stands for an unknown year.

    Raises:
        ValueError: `text` is not of shape DATE.
    """
    if match := _YEARLESS.fullmatch(text):
        return date_pb2.Date(month=int(match[1]), day=int(match[2]))
    # A written year 0 must not pass: on the wire 0 means "unknown", so it would quietly become yearless.
    if (match := _FULL.fullmatch(text)) and match[1] != "0000":
        return date_pb2.Date(year=int(match[1]), month=int(match[2]), day=int(match[3]))
    raise ValueError(f'"{text}" is not a date; allowed: {ALLOWED}')


def refusal(text: str) -> str:
    """Return why `text`, which is not of shape DATE, is not a date."""
    if not text:
        return "the date is missing"
    if shape(text) is Shape.INCOMPLETE:
        return "the date is incomplete"
    if text.startswith("0000-"):
        return "there is no year 0"
    return "not a date"
