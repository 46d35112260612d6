"""The child in which words are tried: `python -m scheduler_service.rendering.trial`.

Steps of a template are bounded, its memory is not, and an allocation that fails ends the process. So words
that nobody has tried yet are rendered here, below limits of memory and processor time. One JSON task on
standard input; on standard output one JSON line per fact, written before the next step can end it all:

    ["trying", key, person]                     about to render this part, or (key empty) this message
    ["failed", key, sentence]                   a part cannot be rendered
    ["rendered", person, [locale, title, body, error]]
    ["done"]
"""

import os
import re
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import minijinja
import orjson

from scheduler_service.domain.event_types import Template
from scheduler_service.rendering.templates import Compiled, RenderError, Values

PARTS: Final = ("title", "body", "belated_title", "belated_body")

_UNDEFINED: Final = re.compile(r"`([^`]+)` is undefined")

Fact = list[Any]


class Tried(NamedTuple):
    """A person on whom words are tried; as `fixtures.Fixture`, with the locale of a real one."""

    person: str
    values: Values
    longest: int
    guessed: bool
    locale: str = ""


def checked(templates: Sequence[Template], people: Sequence[Tried]) -> Iterator[Fact]:
    """Try each part of each template alone on everybody; yield what happens."""
    failures = list(_unreadable(templates))
    yield from failures
    unreadable = {key for _, key, _ in failures}
    for key, source in _parts(templates):
        if key not in unreadable:
            yield from _tried_part(key, source, people)


def previewed(templates: Sequence[Template], people: Sequence[Tried], *, belated: bool) -> Iterator[Fact]:
    """Render the message of each person; yield what it says, or why it cannot be said."""
    failures = list(_unreadable(templates))
    yield from failures
    if failures:
        return
    compiled = Compiled(tuple(templates), explained=True)
    for who in people:
        yield ["trying", "", who.person]
        try:
            title, body, _ = compiled.render(who.locale, who.values, belated=belated, longest=who.longest)
        except RenderError as error:
            yield ["rendered", who.person, ["", "", "", str(error)]]
        else:
            yield ["rendered", who.person, [compiled.choose(who.locale), title, body, ""]]


def _parts(templates: Sequence[Template]) -> Iterator[tuple[str, str]]:
    """Yield (field path, source) of all parts that say something."""
    for index, template in enumerate(templates):
        for part in PARTS:
            source = getattr(template, part)
            if source:
                yield f"templates[{index}].{part}", source


def _alone(source: str) -> Compiled:
    return Compiled((Template("", "", source),), explained=True)


def _unreadable(templates: Sequence[Template]) -> Iterator[Fact]:
    for key, source in _parts(templates):
        try:
            _alone(source)
        except minijinja.TemplateError as error:
            yield ["failed", key, f"is not a template: {str(error).splitlines()[0]}"]


def _tried_part(key: str, source: str, people: Sequence[Tried]) -> Iterator[Fact]:
    compiled = _alone(source)
    failures: dict[str, str] = {}
    for who in people:
        yield ["trying", key, who.person]
        try:
            compiled.render(who.locale, who.values, longest=who.longest)
        except RenderError as error:
            if not who.guessed:
                failures[who.person] = str(error)
    if failures:
        known_to_some = len(failures) < sum(not who.guessed for who in people)
        yield ["failed", key, _sentence(failures, known_to_some=known_to_some)]


def _sentence(failures: dict[str, str], *, known_to_some: bool) -> str:
    who, why = next(iter(failures.items()))
    missing = _UNDEFINED.search(why)
    if missing is None:
        return f"cannot be rendered for {who}: {why}"
    return (
        f"{missing[1]} is not known for {who if known_to_some else 'everybody'}; write"
        f" {{{{ {missing[1]} | default('...') }}}} or ask {{% if {missing[1]} is defined %}}"
    )


def facts(task: dict[str, Any]) -> Iterator[Fact]:
    """Do a task: `templates`, `people`, and `belated` (None: check, else preview)."""
    templates = [Template(*words) for words in task["templates"]]
    people = [Tried(*who) for who in task["people"]]
    if task["belated"] is None:
        yield from checked(templates, people)
    else:
        yield from previewed(templates, people, belated=task["belated"])
    yield ["done"]


def confine(*, memory_bytes: int, cpu_seconds: int) -> None:
    """Let this process have so much memory beyond what it has now, so much processor time, and no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = cpu_seconds + int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    if sys.platform == "linux":  # elsewhere the kernel does not keep to it
        with Path("/proc/self/statm").open(encoding="ascii") as statm:
            has = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + memory_bytes, has + memory_bytes))


def main() -> None:
    """Do the task of standard input."""
    task = orjson.loads(sys.stdin.buffer.read())
    confine(memory_bytes=task["memory_bytes"], cpu_seconds=task["cpu_seconds"])
    for fact in facts(task):
        os.write(sys.stdout.fileno(), orjson.dumps(fact) + b"\n")


if __name__ == "__main__":
    main()
