"""What an operator can rely on in the image, read from the Dockerfile; no container engine is there to ask."""

import fnmatch
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEVELOPERS = (
    ".git",
    ".venv",
    ".build",
    ".redletter",
    "tests",
    "benchmarks",
    "docs",
    "v3",
    "redletter_cli",
    "data",
)


class Instruction(NamedTuple):
    """One line of the Dockerfile, continuation lines joined."""

    word: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    """Return the instructions in order, without comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def stages() -> list[list[Instruction]]:
    """Return the instructions of each stage, FROM first; the last one is what ships."""
    found: list[list[Instruction]] = []
    for one in instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        if one.word == "FROM":
            found.append([])
        if found:
            found[-1].append(one)
    return found


def only(stage: list[Instruction], word: str) -> str:
    """Return the argument of the one instruction of this name."""
    [one] = [instruction for instruction in stage if instruction.word == word]
    return one.rest


def sources() -> list[str]:
    """Return what is copied out of the build context."""
    copied = [one.rest.split() for stage in stages() for one in stage if one.word == "COPY"]
    return [path for words in copied if not words[0].startswith("--from") for path in words[:-1]]


def allowed() -> tuple[list[str], list[str]]:
    """Return what .dockerignore leaves out and what it lets in again."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    return [line for line in lines if line[0] != "!"], [line[1:] for line in lines if line[0] == "!"]


def test_what_builds_does_not_ship() -> None:
    """Two stages from one base; of the first only the installed environment comes over."""
    build, shipped = stages()
    assert build[0].rest == "${PYTHON} AS build"
    assert shipped[0].rest == "${PYTHON}"
    assert only(shipped, "COPY") == "--from=build /opt/redletter /opt/redletter"
    assert not [one for one in shipped if one.word in ("RUN", "ADD")]


def test_its_user_is_a_number_and_not_root() -> None:
    """Kubernetes sees by it that `runAsNonRoot` holds."""
    user, group = only(stages()[-1], "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_no_shell_stands_before_the_process() -> None:
    """SIGTERM reaches the role itself: the exec form, and nothing else that would start one."""
    shipped = stages()[-1]
    assert json.loads(only(shipped, "ENTRYPOINT")) == ["python", "-m", "roles"]
    assert only(shipped, "STOPSIGNAL") == "SIGTERM"
    assert not [one for one in shipped if one.word in ("CMD", "SHELL", "HEALTHCHECK")]


def test_it_says_what_it_is() -> None:
    """The labels of the OCI's annotations, version and commit from build arguments."""
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', only(stages()[-1], "LABEL")))
    assert labels.keys() == {"title", "description", "version", "revision", "licenses"}
    assert all(labels.values())
    assert (labels["version"], labels["revision"]) == ("${VERSION}", "${REVISION}")
    assert labels["licenses"] == "Apache-2.0"


def test_only_locked_wheels_come_from_the_network() -> None:
    """One installation, by hash, of wheels alone; nothing is added from an address, no package manager runs."""
    every = [one for stage in stages() for one in stage]
    assert not [one for one in every if one.word == "ADD"]
    [install] = [one.rest for one in every if one.word == "RUN" and " install " in one.rest]
    assert "--require-hashes --only-binary :all: -r requirements/service.lock" in install
    fetching = re.compile(r"\b(apt|apt-get|apk|curl|wget|git)\b|https?://")
    assert not [one.rest for one in every if one.word != "LABEL" and fetching.search(one.rest)]


def test_every_source_is_there_and_reaches_the_build() -> None:
    """What is copied exists, and .dockerignore, which leaves out all else, lets it in."""
    out, back = allowed()
    assert out[0] == "*"
    for source in sources():
        assert (ROOT / source).exists(), source
        assert [one for one in back if source == one or source.startswith(f"{one}/")], source


@pytest.mark.parametrize("name", DEVELOPERS)
def test_nothing_of_a_developers_reaches_the_build(name: str) -> None:
    """Neither history nor tests nor data are sent to the engine, so no layer can have them."""
    assert not [source for source in sources() if Path(source).parts[0] == name]
    assert not [one for one in allowed()[1] if Path(one).parts[0] == name]


def test_what_is_copied_holds_no_secret_and_no_test() -> None:
    """No key, password file, environment file or test module lies below a copied directory; compiled files stay out."""
    out, _ = allowed()
    assert {"**/__pycache__", "**/*.pyc"} <= set(out)
    unwanted = (
        "*.pem",
        "*.key",
        "*.crt",
        "*.env",
        ".env*",
        "*password*",
        "*secret*.y*ml",
        "test_*.py",
        "conftest.py",
    )
    files = [path for source in sources() for path in ROOT.joinpath(source).rglob("*") if path.is_file()]
    assert files
    found = [path for path in files if any(fnmatch.fnmatch(path.name, pattern) for pattern in unwanted)]
    assert not found


def test_each_package_of_ours_that_is_copied_is_installed() -> None:
    """The directories that the build copies are those that it puts into the environment."""
    [build] = [one.rest for stage in stages() for one in stage if one.word == "RUN" and "cp -R" in one.rest]
    found = re.search(r'cp -R (.+?) "\$site/"', build)
    assert found is not None
    installed = {Path(name).parts[0] for name in found[1].split()}
    copied = {Path(source).parts[0] for source in sources() if (ROOT / source).is_dir()}
    assert installed == copied
