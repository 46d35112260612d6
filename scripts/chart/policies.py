#!/usr/bin/env python3
"""What a cluster operator who distrusts the chart looks for, as rules over rendered objects."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from cluster import surroundings

Object = Mapping[str, Any]

_POD_KINDS: Final = ("Deployment", "StatefulSet", "Job", "Pod")
_SERVING: Final = ("Deployment", "StatefulSet")
_VOLUMES: Final = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
_SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "KEY", "DATABASE_URL")


def violations(objects: Sequence[Object]) -> list[str]:
    """Return a sentence for every rule that is broken."""
    found: list[str] = []
    for item in objects:
        if item["kind"] in _POD_KINDS:
            found += (f"{_name(item)}: {what}" for what in _of_pod(item))
        if item["kind"] == "Service":
            found += (f"{_name(item)}: {what}" for what in _of_service(item, objects))
    found += _names_taken_twice(objects)
    found += _unguarded(objects)
    return found + surroundings(objects)


def pod_of(item: Object) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return (labels, spec) of the pods that an object makes."""
    if item["kind"] == "Pod":
        return item["metadata"].get("labels", {}), item["spec"]
    template = item["spec"]["template"]
    return template["metadata"].get("labels", {}), template["spec"]


def _of_pod(item: Object) -> Iterator[str]:
    _, spec = pod_of(item)
    security = spec.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) < 1:
        yield "must run as a numbered user that is not root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "must use the runtime's default seccomp profile"
    if spec.get("automountServiceAccountToken") is not False:
        yield "must not be given a service account's token"
    for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(forbidden):
            yield f"must not use {forbidden}"
    for volume in spec.get("volumes", ()):
        yield from (f"volume {volume['name']} {what}" for what in _of_volume(volume))
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        yield from (f"container {container['name']} {what}" for what in _of_container(container))
    if item["kind"] in _SERVING:
        for container in spec["containers"]:
            missing = {"readinessProbe", "livenessProbe"} - container.keys()
            if missing:
                yield f"container {container['name']} lacks {' and '.join(sorted(missing))}"
        yield from _of_stopping(spec)


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    """The profile "restricted" of Pod Security, and a node's disk."""
    [kind] = volume.keys() - {"name"}
    if kind not in _VOLUMES:
        yield f"must not be a {kind}"
    if kind == "emptyDir" and not (volume["emptyDir"] or {}).get("sizeLimit"):
        yield "may fill the node's disk: it has no limit of size"


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("readOnlyRootFilesystem") is not True:
        yield "must not write to its root file system"
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "must not gain privileges"
    capabilities = security.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "must drop all capabilities and add none"
    resources = container.get("resources", {})
    for what in ("memory", "ephemeral-storage"):
        if what not in resources.get("limits", {}):
            yield f"has no limit of {what}"
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys():
        yield "requests no cpu or memory"
    image = container["image"]
    if "@sha256:" not in image and (":" not in image.rpartition("/")[2] or image.endswith(":latest")):
        yield f"uses {image}, which is another image tomorrow"
    for variable in container.get("env", ()):
        if variable.get("value") and any(word in variable["name"] for word in _SECRET_WORDS):
            yield f"shows {variable['name']} in clear"
    names = [variable["name"] for variable in container.get("env", ())]
    yield from (f"sets {name} twice" for name in sorted({name for name in names if names.count(name) > 1}))
    if container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds") == 0:
        yield "sleeps for 0 seconds, which Kubernetes 1.30 refuses"
    if any("hostPort" in port for port in container.get("ports", ())):
        yield "must not take a port of the node"


def _of_stopping(spec: Mapping[str, Any]) -> Iterator[str]:
    """The kubelet must wait longer than the process takes to stop, and than its Service takes to forget it."""
    for container in spec["containers"]:
        env = {variable["name"]: variable.get("value") for variable in container.get("env", ())}
        grace = env.get("REDLETTER_GRACE_SECONDS")
        drain = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if grace is not None and spec.get("terminationGracePeriodSeconds", 30) <= float(grace) + drain:
            yield "is killed before its drain is over"


def _of_service(item: Object, objects: Sequence[Object]) -> Iterator[str]:
    selector = item["spec"]["selector"].items()
    matched = [one for one in objects if one["kind"] in _SERVING and selector <= pod_of(one)[0].items()]
    if len(matched) != 1:
        yield f"selects the pods of {len(matched)} workloads"
        return
    ports = {
        p["name"]: p["containerPort"] for c in pod_of(matched[0])[1]["containers"] for p in c.get("ports", ())
    }
    for port in item["spec"]["ports"]:
        target = port.get("targetPort", port["port"])
        if target not in ports and target not in ports.values():
            yield f"port {port['name']} leads to {target}, which no container has"


def _names_taken_twice(objects: Sequence[Object]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for item in objects:
        key = item["kind"], item["metadata"]["name"]
        if key in seen:
            yield f"{_name(item)}: the name is taken twice"
        seen.add(key)
        if len(item["metadata"]["name"]) > 63:
            yield f"{_name(item)}: the name has more than 63 characters"


def _unguarded(objects: Sequence[Object]) -> Iterator[str]:
    """With network policies on, each pod's incoming and outgoing traffic is named by one."""
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    if not policies:
        return
    for item in objects:
        if item["kind"] not in _POD_KINDS:
            continue
        labels = pod_of(item)[0]
        covered = {
            kind
            for p in policies
            if _selects(p["spec"]["podSelector"], labels)
            for kind in p["spec"]["policyTypes"]
        }
        if covered != {"Ingress", "Egress"}:
            yield f"{_name(item)}: no network policy says what may {'come in' if 'Ingress' not in covered else 'leave'}"


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(labels.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", ()))


def _name(item: Object) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"
