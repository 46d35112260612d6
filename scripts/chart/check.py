#!/usr/bin/env python3
"""Check the chart without a cluster: lint, schema, Kubernetes' own schemas, policies, and one render as it was.

`python scripts/chart/check.py [--write]`: every file of `ci/` is rendered. `--write` stores the snapshot anew.
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
from policies import Object, violations

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts" / "redletter"
SNAPSHOT: Final = ROOT / "tests" / "unit" / "chart" / "snapshot.yaml"
SNAPSHOT_OF: Final = "minimal"
KUBERNETES: Final = ("1.30", kubernetes_validate.latest_version())
# Not Kubernetes' own; their schemas come with their operators.
_FOREIGN: Final = ("monitoring.coreos.com/v1",)
_WRITES: Final = "must not write to its root file system"
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
            chart.validate_schema(values)
            objects = list(rendered(chart, values))
            findings = [*_linted(values), *_invalid(objects), *violations(objects)]
            if values.get("development", {}).get("reload"):
                # Its whole purpose; the chart lets it be only beside the trial's own stores.
                findings = [finding for finding in findings if not finding.endswith(_WRITES)]
            wrong += len(findings)
            print(f"{path.name}: {len(objects)} objects, {len(findings)} findings")
            print("".join(f"  {finding}\n" for finding in findings), end="")
        wrong += _compared(chart, write=options.write)
    return 1 if wrong else 0


def rendered(chart: "helm_python.Chart", values: Mapping[str, Any]) -> Iterator[Object]:
    """Return every object that an install with these values makes."""
    for name, text in sorted(chart.render(dict(values), name="release", namespace="letters").items()):
        if not name.endswith("NOTES.txt"):
            yield from (item for item in yaml.safe_load_all(text) if item)


def _linted(values: Mapping[str, Any]) -> Iterator[str]:
    report = helm_python.lint(CHART, values=dict(values))
    yield from (str(error) for error in report["errors"])
    yield from (f"{m['path']}: {m['error']}" for m in report["messages"] if m["severity"] > 1)


def _invalid(objects: list[Object]) -> Iterator[str]:
    for item in objects:
        if item["apiVersion"] in _FOREIGN:
            continue
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{item['kind']}/{item['metadata']['name']} on Kubernetes {version}: {error.message}"


def _compared(chart: "helm_python.Chart", *, write: bool) -> int:
    values = yaml.safe_load((CHART / "ci" / f"{SNAPSHOT_OF}.yaml").read_text(encoding="utf-8"))
    texts = chart.render(values, name="release", namespace="letters")
    kept = sorted(name for name in texts if not name.endswith("NOTES.txt"))
    now = _RANDOM.sub(r"\1(random)", "".join(f"---\n# {name}\n{texts[name].strip()}\n" for name in kept))
    if write:
        SNAPSHOT.parent.mkdir(parents=True, exist_ok=True)
        SNAPSHOT.write_text(now, encoding="utf-8")
    before = SNAPSHOT.read_text(encoding="utf-8")
    differences = list(
        difflib.unified_diff(before.splitlines(), now.splitlines(), "snapshot", "now", lineterm="")
    )
    print("snapshot: " + (f"{len(differences)} lines differ" if differences else "as it was"))
    print("".join(f"  {line}\n" for line in differences), end="")
    return len(differences)


if __name__ == "__main__":
    sys.exit(main())
