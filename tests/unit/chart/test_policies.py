"""Each policy of the chart is broken once, on purpose: a check that finds nothing must be able to find something."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts" / "chart"))
from policies import violations  # noqa: E402 - a script

RENDERED = [
    item
    for item in yaml.safe_load_all(
        (ROOT / "tests" / "unit" / "chart" / "snapshot.yaml").read_text(encoding="utf-8")
    )
    if item
]


def deployment(objects: list[Any]) -> Any:
    """Return the delivery Deployment."""
    return next(
        o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"].endswith("-delivery")
    )


def pod(objects: list[Any]) -> Any:
    return deployment(objects)["spec"]["template"]["spec"]


def container(objects: list[Any]) -> Any:
    return pod(objects)["containers"][0]


def service(objects: list[Any]) -> Any:
    return next(o for o in objects if o["kind"] == "Service")


def without_policies(objects: list[Any]) -> None:
    """Leave one policy, of incoming traffic only."""
    policies = [o for o in objects if o["kind"] == "NetworkPolicy"]
    for policy in policies[1:]:
        objects.remove(policy)
    policies[0]["spec"]["policyTypes"] = ["Ingress"]


def of_kind(objects: list[Any], kind: str, name: str = "") -> Any:
    """Return the first object of a kind whose name ends so."""
    return next(o for o in objects if o["kind"] == kind and o["metadata"]["name"].endswith(name))


def autoscaler(objects: list[Any], target: str) -> None:
    """Add one that scales `target`."""
    reference = {"kind": "Deployment", "name": target}
    objects.append(
        {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "x"},
            "spec": {"scaleTargetRef": reference},
        }
    )


def helm_test(objects: list[Any]) -> None:
    """Add the chart's test, and let only somebody else call delivery."""
    objects.append(
        {
            "kind": "Pod",
            "metadata": {"name": "t", "labels": {"a": "b"}, "annotations": {"helm.sh/hook": "test"}},
            "spec": copy.deepcopy(pod(objects)),
        }
    )
    policy = of_kind(objects, "NetworkPolicy", "-delivery")
    policy["spec"]["ingress"][0]["from"] = [{"podSelector": {"matchLabels": {"a": "c"}}}]


BREAKS: dict[str, Callable[[list[Any]], object]] = {
    "must run as a numbered user": lambda o: pod(o)["securityContext"].update(runAsUser=0),
    "seccomp profile": lambda o: pod(o)["securityContext"].pop("seccompProfile"),
    "service account's token": lambda o: pod(o).pop("automountServiceAccountToken"),
    "must not use hostNetwork": lambda o: pod(o).update(hostNetwork=True),
    "must not be a hostPath": lambda o: pod(o)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    "root file system": lambda o: container(o)["securityContext"].update(readOnlyRootFilesystem=False),
    "gain privileges": lambda o: container(o)["securityContext"].update(privileged=True),
    "drop all capabilities": lambda o: container(o)["securityContext"].update(
        capabilities={"drop": ["NET_RAW"]}
    ),
    "no limit of memory": lambda o: container(o)["resources"].pop("limits"),
    "requests no cpu": lambda o: container(o)["resources"]["requests"].pop("cpu"),
    "another image tomorrow": lambda o: container(o).update(image="registry:5000/redletter"),
    "in clear": lambda o: container(o)["env"].append({"name": "REDLETTER_INTERNAL_SECRET", "value": "x"}),
    "lacks livenessProbe": lambda o: container(o).pop("livenessProbe"),
    "before its drain is over": lambda o: pod(o).update(terminationGracePeriodSeconds=30),
    "selects the pods of 0 workloads": lambda o: service(o)["spec"]["selector"].update(extra="x"),
    "which no container has": lambda o: service(o)["spec"]["ports"].append({"name": "y", "port": 1}),
    "taken twice": lambda o: o.append(copy.deepcopy(service(o))),
    "more than 63 characters": lambda o: service(o)["metadata"].update(name="x" * 64),
    "no network policy says": without_policies,
    "no limit of ephemeral-storage": lambda o: container(o)["resources"]["limits"].pop("ephemeral-storage"),
    "no limit of size": lambda o: pod(o)["volumes"].append({"name": "x", "emptyDir": {}}),
    "and add none": lambda o: container(o)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    "sets REDLETTER_HOST twice": lambda o: container(o)["env"].append({"name": "REDLETTER_HOST"}),
    "sleeps for 0 seconds": lambda o: container(o)["lifecycle"]["preStop"]["sleep"].update(seconds=0),
    "port of the node": lambda o: container(o)["ports"][0].update(hostPort=7001),
    "hand out its token": lambda o: of_kind(o, "ServiceAccount").pop("automountServiceAccountToken"),
    "does not say what it speaks": lambda o: service(o)["spec"]["ports"][0].pop("appProtocol"),
    "cannot be -x": lambda o: service(o)["metadata"]["labels"].update(bad="-x"),
    "selects by helm.sh/chart": lambda o: service(o)["spec"]["selector"].update({"helm.sh/chart": "x"}),
    "in the way of the next one": lambda o: of_kind(o, "Job")["metadata"]["annotations"].pop(
        "helm.sh/hook-delete-policy"
    ),
    "without a deadline": lambda o: of_kind(o, "Job")["spec"].pop("activeDeadlineSeconds"),
    "hold up every drain": lambda o: of_kind(o, "PodDisruptionBudget")["spec"].update(maxUnavailable="0%"),
    "which there is not": lambda o: autoscaler(o, "nothing"),
    "undone by each upgrade": lambda o: autoscaler(o, deployment(o)["metadata"]["name"]),
    "which does not hold it": lambda o: of_kind(o, "NetworkPolicy", "-delivery")["spec"]["egress"][-1]["to"][
        0
    ]["ipBlock"]["except"].append("fd00::/8"),
    "lets nobody resolve names": lambda o: of_kind(o, "NetworkPolicy", "-jobs")["spec"]["egress"].pop(0),
    "own test out": helm_test,
}


def test_the_render_breaks_none() -> None:
    """What the chart makes without any wish passes."""
    assert violations(RENDERED) == []


@pytest.mark.parametrize("sentence", BREAKS)
def test_each_is_found(sentence: str) -> None:
    """The sentence names the object and the rule."""
    objects = copy.deepcopy(RENDERED)
    BREAKS[sentence](objects)
    assert any(sentence in found for found in violations(objects)), violations(objects)
