"""docs/observability.md names every metric and every log line of the code, and none that is gone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
_PACKAGES = ("chassis", "user_service", "scheduler_service", "delivery_service")
_TYPES = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "HistogramMetricFamily": "histogram",
}
_LEVELS = ("debug", "info", "warning", "error", "exception")


def _calls(package: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield (name of what is called, the call) of all code of a package."""
    for path in (_ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node


def _metrics_of_code() -> set[tuple[str, str, tuple[str, ...]]]:
    found = set()
    for package in _PACKAGES:
        for called, call in _calls(package):
            name = call.args[0] if call.args else None
            if (
                called in _TYPES
                and isinstance(name, ast.Constant)
                and str(name.value).startswith("redletter")
            ):
                labels = ast.literal_eval(call.args[2]) if len(call.args) > 2 else []
                found.add((str(name.value), _TYPES[called], tuple(labels)))
    return found


def _rows(heading: str) -> list[list[str]]:
    section = _PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert rows, f"no table below {heading}"
    return rows


def _quoted(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def _lines_of_code(package: str) -> set[str]:
    return {
        node.value
        for called, call in _calls(package)
        if called in {f"log.{level}" for level in _LEVELS} and call.args
        for node in ast.walk(call.args[0])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_page_has_every_metric_with_its_type_and_labels() -> None:
    """What the code exposes is what the table says, in both directions."""
    documented = {(_quoted(row[0])[0], row[1], _quoted(row[2])) for row in _rows("Metrics")}
    assert documented == _metrics_of_code()


@pytest.mark.parametrize("package", _PACKAGES)
def test_the_page_has_every_event_name_of_the_logs(package: str) -> None:
    """What a package logs is what its rows say, in both directions."""
    documented = {_quoted(row[1])[0] for row in _rows("Logs") if _quoted(row[0]) == (package,)}
    assert documented == _lines_of_code(package)
