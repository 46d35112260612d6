#!/usr/bin/env python3
"""What skaffold.yaml says, held against the tree, the Dockerfile and what the chart renders for its profiles."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

Object = Mapping[str, Any]

API_VERSION: Final = "skaffold/v4beta13"
"""Of Skaffold 2.15.0; its schema is docs-v2/content/en/schemas/v4beta13.json there."""
PROFILES: Final = ("external", "trial", "debug")
_COPY: Final = re.compile(r"^COPY ([\w./]+) ([\w./]+)$", re.MULTILINE)
_PACKAGES: Final = re.compile(r"cp -R ([\w./ ]+) \"\$site/\"")
_SITE: Final = "/opt/redletter/lib/python3.11/site-packages"
_ALTERNATIVES: Final = re.compile(r"\{([^}]*)\}")


def release_of(config: Mapping[str, Any], profile: str) -> Mapping[str, Any]:
    """Return the Helm release that a profile installs; a profile's own list of releases replaces the other one."""
    [chosen] = [one for one in config["profiles"] if one["name"] == profile]
    [release] = chosen.get("deploy", config["deploy"])["helm"]["releases"]
    return dict(release)


def values_of(config: Mapping[str, Any], profile: str, root: Path) -> dict[str, Any]:
    """Return the values of a profile's release as Helm merges them: files in order, then single ones."""
    release = release_of(config, profile)
    values: dict[str, Any] = {}
    for name in release.get("valuesFiles", ()):
        _merge(values, yaml.safe_load((root / name).read_text(encoding="utf-8")))
    templates = {"{{.IMAGE_REPO_redletter}}": "redletter", "{{.IMAGE_TAG_redletter}}": "0123abc"}
    for name, value in {**release.get("setValues", {}), **release.get("setValueTemplates", {})}.items():
        at = values
        *path, last = name.split(".")
        for key in path:
            at = at.setdefault(key, {})
        at[last] = templates[value] if isinstance(value, str) and "{{" in value else value
    return values


def complaints(config: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Yield a sentence for each path that does not exist, and for each sync that misses what the image has."""
    if config["apiVersion"] != API_VERSION:
        yield f"apiVersion is {config['apiVersion']}, and {API_VERSION} is what its fields were checked for"
    named = [artifact["docker"]["dockerfile"] for artifact in config["build"]["artifacts"]]
    for profile in PROFILES:
        release = release_of(config, profile)
        named += [release["chartPath"], *release.get("valuesFiles", ())]
    yield from (f"{name} does not exist" for name in dict.fromkeys(named) if not (root / name).exists())
    dockerfile = (root / "Dockerfile").read_text(encoding="utf-8")
    installed = installed_of(dockerfile)
    for artifact in config["build"]["artifacts"]:
        for rule in artifact["sync"]["manual"]:
            for source in sources_of(rule["src"]):
                yield from _of_sync(source, rule, root=root, installed=installed)


def installed_of(dockerfile: str) -> dict[str, str]:
    """Return where each directory of the tree lies in the image, by what the Dockerfile copies."""
    copied = dict(_COPY.findall(dockerfile))
    packages = " ".join(_PACKAGES.findall(dockerfile)).split()
    return {
        package: f"{_SITE}/{package.rpartition('/')[2]}"
        for package in packages
        if any(package == target or package.startswith(f"{target}/") for target in copied.values())
    }


def sources_of(pattern: str) -> list[str]:
    """Return what the braces of a pattern stand for: `{a,b}/**/*.py` is `a/**/*.py` and `b/**/*.py`."""
    found = _ALTERNATIVES.search(pattern)
    if found is None:
        return [pattern]
    return [pattern[: found.start()] + one + pattern[found.end() :] for one in found.group(1).split(",")]


def unreachable(config: Mapping[str, Any], objects: Sequence[Object]) -> Iterator[str]:
    """Yield a sentence for each port-forward that leads nowhere, or to a local port that another one has."""
    ports = {
        (item["metadata"]["name"], port["port"])
        for item in objects
        if item["kind"] == "Service"
        for port in item["spec"]["ports"]
    }
    local: set[int] = set()
    for forward in config["portForward"]:
        if (forward["resourceName"], forward["port"]) not in ports:
            yield f"the port-forward to {forward['resourceName']}:{forward['port']} leads nowhere"
        if forward["localPort"] in local:
            yield f"two port-forwards take the local port {forward['localPort']}"
        local.add(forward["localPort"])


def _of_sync(
    source: str, rule: Mapping[str, str], *, root: Path, installed: Mapping[str, str]
) -> Iterator[str]:
    directory = source.partition("/*")[0]
    if not next(root.glob(source), None):
        yield f"{source} finds nothing"
    if directory not in installed:
        yield f"{source} is not in the image"
        return
    target = f"{rule['dest']}/{directory.removeprefix(rule.get('strip', ''))}"
    if target != installed[directory]:
        yield f"{source} is copied to {target}, but the image has it in {installed[directory]}"


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
