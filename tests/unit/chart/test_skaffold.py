"""skaffold.yaml names what there is, copies files to where the image has them, forwards ports that are served.

That the values of its profiles render is part of `make check`, which has Helm.
"""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts" / "chart"))
import skaffolding  # noqa: E402 - a script

CONFIG = yaml.safe_load((ROOT / "skaffold.yaml").read_text(encoding="utf-8"))
# The release is called redletter here.
RENDERED = [
    item
    for item in yaml.safe_load_all(
        (ROOT / "tests/unit/chart/snapshot.yaml")
        .read_text(encoding="utf-8")
        .replace("release-redletter", "redletter")
    )
    if item
]


def sync(config: Any) -> Any:
    return config["build"]["artifacts"][0]["sync"]["manual"]


BREAKS: dict[str, Callable[[Any], object]] = {
    "apiVersion is skaffold/v9": lambda c: c.update(apiVersion="skaffold/v9"),
    "Containerfile does not exist": lambda c: c["build"]["artifacts"][0]["docker"].update(
        dockerfile="Containerfile"
    ),
    "charts/other does not exist": lambda c: skaffold_release(c).update(chartPath="charts/other"),
    "values-none.yaml does not exist": lambda c: c["profiles"][1]["deploy"]["helm"]["releases"][0].update(
        valuesFiles=["charts/redletter/values-none.yaml"]
    ),
    "benchmarks/**/*.py is not in the image": lambda c: sync(c).append(
        {"src": "benchmarks/**/*.py", "dest": "/opt"}
    ),
    "roles/**/*.go finds nothing": lambda c: sync(c).append({"src": "roles/**/*.go", "dest": "/opt"}),
    "but the image has it in": lambda c: sync(c)[1].pop("strip"),
    "is copied to /app/chassis": lambda c: sync(c)[0].update(dest="/app"),
    "the port-forward to redletter-user:7002 leads nowhere": lambda c: c["portForward"][0].update(port=7002),
    "take the local port 7001": lambda c: c["portForward"][1].update(localPort=7001),
}


def skaffold_release(config: Any) -> Any:
    return config["deploy"]["helm"]["releases"][0]


def complaints(config: Any) -> list[str]:
    return [*skaffolding.complaints(config, ROOT), *skaffolding.unreachable(config, RENDERED)]


def test_the_file_is_right() -> None:
    """Paths exist, what is copied goes to where the image has it, ports are served."""
    assert complaints(CONFIG) == []


@pytest.mark.parametrize("sentence", BREAKS)
def test_each_mistake_is_found(sentence: str) -> None:
    """The sentence names what is wrong."""
    config = copy.deepcopy(CONFIG)
    BREAKS[sentence](config)
    assert any(sentence in one for one in complaints(config)), complaints(config)


def test_everything_that_is_installed_is_copied() -> None:
    """No package of ours is built anew because somebody forgot it here."""
    patterns = [source for rule in sync(CONFIG) for source in skaffolding.sources_of(rule["src"])]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert {one.partition("/*")[0] for one in patterns} == skaffolding.installed_of(dockerfile).keys()


def test_profiles_have_the_values_they_are_for() -> None:
    """External: one's own stores; trial: the chart's; debug: the trial's, with reload and every log line."""
    external, trial, debug = (
        skaffolding.values_of(CONFIG, profile, ROOT) for profile in skaffolding.PROFILES
    )
    assert [one["name"] for one in CONFIG["profiles"]] == list(skaffolding.PROFILES)
    assert external["database"] == {"existingSecret": "redletter-database"}
    assert "trial" not in external
    assert trial["trial"] == debug["trial"] == {"enabled": True}
    assert "development" not in trial
    assert (debug["development"], debug["logLevel"]) == ({"reload": True}, "DEBUG")
    for values in (external, trial, debug):
        assert values["image"] == {"repository": "redletter", "tag": "0123abc"}


def test_the_volume_for_changed_files_is_where_they_go() -> None:
    """The chart mounts it over the directory that skaffold copies to."""
    template = (ROOT / "charts/redletter/templates/_deployment.tpl").read_text(encoding="utf-8")
    for rule in sync(CONFIG):
        assert f"- {{name: source, mountPath: {rule['dest']}}}" in template
