"""Enums of the contracts explain themselves by examples; each example is a test, and none has drifted."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_TESTS = _ROOT / "tests" / "unit" / "scheduler_service" / "domain"
_FILES = ("test_worked_examples.py", "test_zone_mode_examples.py")
_VALUE = re.compile(r"((?:^ *//[^\n]*\n)+)^ *([A-Z][A-Z0-9_]*) = \d+;", re.MULTILINE)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}|\b\d{2}:\d{2}\b")

TEST_OF = {
    "RECURRENCE_YEARLY": "test_recurrence_yearly",
    "RECURRENCE_MONTHLY": "test_recurrence_monthly",
    "RECURRENCE_RRULE": "test_recurrence_rrule",
    "GAP_POLICY_FORWARD": "test_gap_policies_at_half_past_two_in_berlin",
    "GAP_POLICY_END": "test_gap_policies_at_half_past_two_in_berlin",
    "GAP_POLICY_BACKWARD": "test_gap_policies_at_half_past_two_in_berlin",
    "FOLD_POLICY_FIRST": "test_fold_policies_at_half_past_two_in_berlin",
    "FOLD_POLICY_SECOND": "test_fold_policies_at_half_past_two_in_berlin",
    "SKIPPED_DATE_POLICY_NEXT": "test_skipped_date_policies_in_apia",
    "SKIPPED_DATE_POLICY_PREVIOUS": "test_skipped_date_policies_in_apia",
    "LATE_POLICY_SEND": "test_late_policies_two_minutes_and_two_hours_after_nine",
    "LATE_POLICY_EXPIRE": "test_late_policies_two_minutes_and_two_hours_after_nine",
    "WEEKEND_SHIFT_NONE": "test_weekend_shifts_of_saturday_1_may_2027",
    "WEEKEND_SHIFT_BEFORE": "test_weekend_shifts_of_saturday_1_may_2027",
    "WEEKEND_SHIFT_AFTER": "test_weekend_shifts_of_saturday_1_may_2027",
    "ZONE_MODE_HOME": "test_home_in_lisbon",
    "ZONE_MODE_FOLLOW": "test_follow_to_tokyo",
}


def examples() -> dict[str, set[str]]:
    """Return the dates and times in the comment of each enum value that has any."""
    found = {}
    for path in sorted((_ROOT / "protos").rglob("*.proto")):
        for comment, name in _VALUE.findall(path.read_text(encoding="utf-8")):
            sentence = " ".join(line.strip(" /") for line in comment.splitlines())
            moments = set(_MOMENT.findall(re.sub(r"\([^)]*\)", "", sentence)))
            if moments:
                found[name] = moments
    return found


def test_every_example_has_a_test() -> None:
    """The list of tests is that of the examples, in both directions."""
    assert examples().keys() == TEST_OF.keys()


def sources() -> dict[str, str]:
    """Return the text of each test, with its decorators."""
    found = {}
    for path in (_TESTS / name for name in _FILES):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.parse("\n".join(lines)).body:
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


@pytest.mark.parametrize("name", TEST_OF)
def test_the_test_speaks_of_the_example(name: str) -> None:
    """Each date and time of the comment stands in its test."""
    text = sources()[TEST_OF[name]]
    assert {moment for moment in examples()[name] if moment not in text} == set()
