#!/usr/bin/env python3
"""Check the chart without a cluster: lint, schema, Kubernetes' own schemas, policies, and two renders as they were.

`python scripts/chart/check.py [--write]`: every file of `ci/` is rendered, what `refused.yaml` lists must be refused,
and what the profiles of skaffold.yaml install must render. `--write` stores the snapshots anew.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import helm_python
import kubernetes_validate
import yaml

sys.path.insert(0, str(Path(__file__).parent))
import skaffolding
from policies import Object, violations

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts" / "redletter"
REFUSED: Final = Path(__file__).parent / "refused.yaml"
SNAPSHOTS: Final = ROOT / "tests" / "unit" / "chart"
# Of which file of `ci/`, which templates; what the unit tests read, who have no Helm.
SNAPSHOT_OF: Final = {
    "snapshot.yaml": ("minimal", ""),
    "snapshot-alerts.yaml": ("monitoring", "prometheus-rule.yaml"),
}
KUBERNETES: Final = ("1.30", kubernetes_validate.latest_version())
# Not Kubernetes' own; their schemas come with their operators.
_FOREIGN: Final = ("monitoring.coreos.com/v1",)
_RANDOM: Final = re.compile(r"^(\s+secret: )\S{40,}$", re.MULTILINE)


def main() -> int:
    """Check everything; print a line per file, and a sentence per finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    wrong = 0
    with helm_python.Chart.load(CHART) as chart:
        for path in sorted((CHART / "ci").glob("*.yaml")):
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
            objects = list(rendered(chart, values))
            wrong += _told(path.name, objects, [*_linted(values), *_wrong(objects)])
        wrong += _of_skaffold(chart)
        wrong += _of_refused(chart)
        for name, (values_of, template) in SNAPSHOT_OF.items():
            wrong += _compared(chart, name, values_of=values_of, template=template, write=options.write)
    return 1 if wrong else 0


def rendered(
    chart: "helm_python.Chart", values: Mapping[str, Any], *, name: str = "release"
) -> Iterator[Object]:
    """Return every object that an install with these values makes.

    Raises:
        helm_python.HelmError: the schema or the chart's own validations refuse them.
    """
    chart.validate_schema(dict(values))
    for template, text in sorted(chart.render(dict(values), name=name, namespace="letters").items()):
        if not template.endswith("NOTES.txt"):
            yield from (item for item in yaml.safe_load_all(text) if item)


def _of_skaffold(chart: "helm_python.Chart") -> int:
    config = yaml.safe_load((ROOT / "skaffold.yaml").read_text(encoding="utf-8"))
    wrong = _told("skaffold.yaml", [], list(skaffolding.complaints(config, ROOT)))
    for profile in skaffolding.PROFILES:
        release = skaffolding.release_of(config, profile)
        values = skaffolding.values_of(config, profile, ROOT)
        objects = list(rendered(chart, values, name=release["name"]))
        findings = [*_wrong(objects), *skaffolding.unreachable(config, objects)]
        wrong += _told(f"skaffold.yaml, profile {profile}", objects, findings)
    return wrong


def _of_refused(chart: "helm_python.Chart") -> int:
    cases = yaml.safe_load(REFUSED.read_text(encoding="utf-8"))
    findings = [
        f"{case['values']} is not refused by: {case['says']}" for case in cases if not _refuses(chart, case)
    ]
    return _told(f"{REFUSED.name}, {len(cases)} cases", [], findings)


def _refuses(chart: "helm_python.Chart", case: Mapping[str, Any]) -> bool:
    try:
        list(rendered(chart, case["values"]))
    except helm_python.HelmError as error:
        return case["says"] in str(error)
    return False


def _told(what: str, objects: list[Object], findings: list[str]) -> int:
    print(f"{what}: {len(objects)} objects, {len(findings)} findings")
    print("".join(f"  {finding}\n" for finding in findings), end="")
    return len(findings)


def _linted(values: Mapping[str, Any]) -> Iterator[str]:
    report = helm_python.lint(CHART, values=dict(values))
    yield from (str(error) for error in report["errors"])
    yield from (f"{m['path']}: {m['error']}" for m in report["messages"] if m["severity"] > 1)


def _wrong(objects: list[Object]) -> list[str]:
    found = violations(objects)
    for item in objects:
        if item["apiVersion"] in _FOREIGN:
            continue
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                found.append(
                    f"{item['kind']}/{item['metadata']['name']} on Kubernetes {version}: {error.message}"
                )
    return found


def _compared(chart: "helm_python.Chart", name: str, *, values_of: str, template: str, write: bool) -> int:
    values = yaml.safe_load((CHART / "ci" / f"{values_of}.yaml").read_text(encoding="utf-8"))
    texts = chart.render(values, name="release", namespace="letters")
    kept = sorted(one for one in texts if one.endswith(template) and not one.endswith("NOTES.txt"))
    now = _RANDOM.sub(r"\1(random)", "".join(f"---\n# {one}\n{texts[one].strip()}\n" for one in kept))
    path = SNAPSHOTS / name
    if write:
        path.write_text(now, encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    differences = list(
        difflib.unified_diff(before.splitlines(), now.splitlines(), "snapshot", "now", lineterm="")
    )
    print(f"{name}: " + (f"{len(differences)} lines differ" if differences else "as it was"))
    print("".join(f"  {line}\n" for line in differences), end="")
    return len(differences)


if __name__ == "__main__":
    sys.exit(main())
