#!/usr/bin/env python3
"""What a cluster operator who distrusts the chart looks for around the pods: scaling, draining, hooks, traffic, labels."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Object = Mapping[str, Any]

_HOOK: Final = "helm.sh/hook"
_LABEL: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_CHANGING: Final = ("app.kubernetes.io/version", "helm.sh/chart")


def surroundings(objects: Sequence[Object]) -> list[str]:
    """Return a sentence for every rule about what surrounds the pods that is broken."""
    found: list[str] = []
    for item in objects:
        sentences = [*_of_labels(item), *_of_hook(item)]
        match item["kind"]:
            case "PodDisruptionBudget":
                sentences += _of_budget(item)
            case "HorizontalPodAutoscaler":
                sentences += _of_autoscaler(item, objects)
            case "NetworkPolicy":
                sentences += _of_traffic(item)
            case "ServiceAccount" if item.get("automountServiceAccountToken") is not False:
                sentences.append("must not hand out its token")
            case "Service":
                sentences += [
                    f"port {port['name']} does not say what it speaks"
                    for port in item["spec"]["ports"]
                    if not port.get("appProtocol")
                ]
        found += (f"{item['kind']}/{item['metadata']['name']}: {sentence}" for sentence in sentences)
    return [*found, *_shut_out(objects)]


def _of_labels(item: Object) -> Iterator[str]:
    for name, value in item["metadata"].get("labels", {}).items():
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            yield f"the label {name} cannot be {value}"
    selector = item.get("spec", {}).get("selector") or {}
    for name in selector.get("matchLabels", selector):
        if name in _CHANGING:
            yield f"selects by {name}, which every release changes"


def _of_hook(item: Object) -> Iterator[str]:
    annotations = item["metadata"].get("annotations", {})
    if _HOOK not in annotations or annotations.get("helm.sh/resource-policy") == "keep":
        return
    if "before-hook-creation" not in annotations.get("helm.sh/hook-delete-policy", ""):
        yield "a hook that stays is in the way of the next one"
    if item["kind"] in ("Job", "Pod") and "activeDeadlineSeconds" not in item["spec"]:
        yield "a hook without a deadline holds up the release for ever"


def _of_budget(item: Object) -> Iterator[str]:
    spec = item["spec"]
    if str(spec.get("maxUnavailable", "1")).strip("%") == "0" or "minAvailable" in spec:
        yield "may hold up every drain of a node"


def _of_autoscaler(item: Object, objects: Sequence[Object]) -> Iterator[str]:
    target = item["spec"]["scaleTargetRef"]
    scaled = [
        one for one in objects if one["kind"] == target["kind"] and one["metadata"]["name"] == target["name"]
    ]
    if not scaled:
        yield f"scales {target['name']}, which there is not"
    if any("replicas" in one["spec"] for one in scaled):
        yield "is undone by each upgrade, which sets the replicas"


def _of_traffic(item: Object) -> Iterator[str]:
    rules = item["spec"].get("egress", ())
    for block in (peer["ipBlock"] for rule in rules for peer in rule.get("to", ()) if "ipBlock" in peer):
        inside = ipaddress.ip_network(block["cidr"])
        for part in map(ipaddress.ip_network, block.get("except", ())):
            if part.version != inside.version or not part.subnet_of(inside):  # type: ignore[arg-type]
                yield f"excepts {part} of {inside}, which does not hold it"
    ports = {(port["protocol"], port["port"]) for rule in rules for port in rule.get("ports", ())}
    if rules and not {("UDP", 53), ("TCP", 53)} <= ports:
        yield "lets nobody resolve names, by UDP and for long answers by TCP"


def _shut_out(objects: Sequence[Object]) -> Iterator[str]:
    """The chart's own test must come in where it calls."""
    tests = [o for o in objects if o["kind"] == "Pod" and o["metadata"]["annotations"].get(_HOOK) == "test"]
    for policy in (o for o in objects if o["kind"] == "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            if not any(port["port"] == 7001 for port in rule.get("ports", ())):
                continue
            for test in tests:
                if not any(_admits(peer, test["metadata"]["labels"]) for peer in rule["from"]):
                    yield f"NetworkPolicy/{policy['metadata']['name']}: shuts the chart's own test out"


def _admits(peer: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if "podSelector" not in peer or "namespaceSelector" in peer:
        return False
    return bool(peer["podSelector"].get("matchLabels", {}).items() <= labels.items())
