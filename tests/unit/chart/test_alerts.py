"""Every alert of the chart asks for metrics that there are, and leads to a section that says what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RULE = yaml.safe_load((ROOT / "tests/unit/chart/snapshot-alerts.yaml").read_text(encoding="utf-8"))
ALERTS = RULE["spec"]["groups"][0]["rules"]
SOURCE = yaml.safe_load((ROOT / "charts/redletter/files/alerts.yaml").read_text(encoding="utf-8"))["alerts"]
DEPLOY = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
METRIC = re.compile(r"\bredletter_[a-z_]+(?=\{)")
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])


def documented() -> dict[str, set[str]]:
    """Return the labels of each metric of docs/observability.md; of a histogram by the names of its series."""
    page = (ROOT / "docs/observability.md").read_text(encoding="utf-8").split("## Metrics\n", 1)[1]
    found: dict[str, set[str]] = {}
    for line in page.split("\n## ", 1)[0].splitlines():
        if line.startswith("| `"):
            name, kind, labels = line.strip("| ").split(" | ")[:3]
            for end in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
                found[name.strip("`") + end] = set(re.findall(r"`([^`]+)`", labels))
    return found


def anchors() -> set[str]:
    """Return the anchor of each heading of docs/deploy.md, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", DEPLOY, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_chart_makes_a_rule_of_each() -> None:
    """None is lost on the way; what stands for the series and the retention is filled in everywhere."""
    assert [alert["alert"] for alert in ALERTS] == [alert["alert"] for alert in SOURCE]
    assert not re.search("SERIES|RETENTION", str(ALERTS))
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS) >= 10


@each_alert
def test_it_asks_for_metrics_that_there_are(alert: dict[str, Any]) -> None:
    """Each name is in docs/observability.md, which another test compares with the code; so is each label."""
    known = documented()
    names = set(METRIC.findall(alert["expr"]))
    assert names
    assert names <= known.keys()
    for name, matchers in re.findall(r"\b(redletter_[a-z_]+)\{([^}]*)\}", alert["expr"]):
        own = re.findall(r"(\w+)[=!]", matchers.partition(')"')[2])
        assert set(own) <= known[name], f"{name} has no label {own}"
    assert "redletter_" not in METRIC.sub("", alert["expr"]).replace("release-redletter", "")


@each_alert
def test_it_says_how_bad_what_and_where_to_read_on(alert: dict[str, Any]) -> None:
    """A severity, a patience, a sentence with the value, a runbook that exists."""
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert re.fullmatch(r"[1-9][0-9]*[mh]", alert["for"])
    summary = alert["annotations"]["summary"]
    assert "$value" in summary
    assert summary.endswith(".")
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert (ROOT / page).is_file()
    assert anchor in anchors()
    assert alert["annotations"]["runbook_url"] == f"https://docs.example.org/redletter/deploy.md#{anchor}"


def test_every_runbook_of_the_page_can_be_reached_but_one() -> None:
    """A section that no alert names is dead; only a failed Job is seen by `helm upgrade` itself."""
    section = DEPLOY.split("## Runbooks\n", 1)[1].split("\n## ", 1)[0]
    headings = {
        h.lower().replace(" ", "-").replace(",", "") for h in re.findall(r"^### (.+)$", section, re.MULTILINE)
    }
    assert headings - {alert["runbook"] for alert in SOURCE} == {"a-migration-job-fails"}
