"""Words are tried in a child: what ends the child is a sentence for the caller, and nothing else ends."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.errors import DependencyUnavailable, InvalidInput
from scheduler_service.api.trials import AT_ONCE, Limits, Trials
from scheduler_service.domain.event_types import Template
from scheduler_service.rendering.fixtures import Fixture, people
from tests.unit.scheduler_service.rendering.people import rule

MEGABYTE = 1024 * 1024
# Within its fuel it makes 12 MB of an attribute of 10,000 characters.
GROWING = "{% for c in user.bio | default('') %}{{ user.bio }}{% endfor %}"


async def refused(trials: Trials, *templates: Template) -> InvalidInput:
    """Return how these words are refused."""
    words = rule(*templates)
    with pytest.raises(InvalidInput) as error:
        await trials.check(words.templates, people(words))
    assert error.value.reason == "INVALID_TEMPLATE"
    return error.value


async def test_words_that_end_their_process_are_refused_by_name() -> None:
    """A process that runs out of memory tells which part and whose message it was; the next trial works."""
    trials = Trials(Limits(memory_bytes=4 * MEGABYTE))
    error = await refused(trials, Template("", "Hello", "there"), Template("de", "Hallo", GROWING))
    (violation,) = error.violations
    assert violation.field == "templates[1].body"
    assert violation.reason == (
        "cannot be rendered for a person with attributes of 10,000 characters: it needs more than 4 MB of memory"
    )
    words = rule(Template("", "Hello", "there"))
    await trials.check(words.templates, people(words))


async def test_processor_time_is_bounded() -> None:
    """What takes longer than its processor time is refused with that cause."""
    endless = Fixture("a very patient person", {"w": "ß" * 100_000}, longest=10**9)
    words = "{% for c in w %}{% if w | upper | lower | upper == c %}x{% endif %}{% endfor %}"
    trials = Trials(Limits(cpu_seconds=0))
    with pytest.raises(InvalidInput) as error:
        await trials.check([Template("", "", words)] * 50, [endless] * 50)
    assert "a very patient person: it takes more than 0 seconds of processor time" in str(error.value)


async def test_a_busy_machine_is_not_the_fault_of_the_words() -> None:
    """Without an answer in time the caller is asked to try again, and the child is gone."""
    with pytest.raises(DependencyUnavailable, match="could not be tried within"):
        await Trials(Limits(wall_seconds=0.001)).check([Template("", "a", "b")], people(rule()))


async def test_a_child_that_cannot_begin_is_not_the_fault_of_the_words() -> None:
    """A child that ends before it has tried anything is a failure of ours."""
    with pytest.raises(DependencyUnavailable, match="cannot be tried"):
        await Trials(Limits(memory_bytes=2**63 - 1)).check([Template("", "a", "b")], people(rule()))


async def test_the_event_loop_goes_on_while_words_are_tried() -> None:
    """Other work runs between the start and the end of a trial."""
    words = rule(Template("", "Hello", "there"))
    trial = asyncio.create_task(Trials().check(words.templates, people(words)))
    turns = 0
    while not trial.done():
        await asyncio.sleep(0)
        turns += 1
    await trial
    assert turns > 10


def children() -> set[str]:
    """Return the processes that this thread has started and not buried."""
    return set(Path("/proc/thread-self/children").read_text(encoding="ascii").split())


async def test_at_most_two_are_tried_at_once() -> None:
    """Five callers share two children at a time, and all get their answer."""
    before, words, trials = children(), rule(Template("", "Hello", "there")), Trials()
    all_of_them = asyncio.gather(*(trials.check(words.templates, people(words)) for _ in range(5)))
    most = 0
    while not all_of_them.done():
        await asyncio.sleep(0)
        most = max(most, len(children() - before))
    await all_of_them
    assert most == AT_ONCE
    assert children() <= before


async def test_nobody_waits_for_words_of_a_caller_who_is_gone() -> None:
    """A call that is cancelled takes its child with it."""
    before, words = children(), rule(Template("", "Hello", "there"))
    trial = asyncio.create_task(Trials().check(words.templates, people(words)))
    while not children() - before:
        await asyncio.sleep(0)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert children() <= before


async def previews(
    templates: Sequence[Template], shown: Sequence[Fixture], *, belated: bool = False, locale: str = ""
) -> list[tuple[str, ...]]:
    """Return (locale, title, body, error) of a preview."""
    found = await Trials().preview(templates, shown, locale=locale, belated=belated)
    assert [one.person for one in found] == [who.person for who in shown]
    return [(one.locale, one.title, one.body, one.error) for one in found]


async def test_a_preview_answers_for_everybody() -> None:
    """Each person has a text or the reason why there is none, in their order."""
    shown = [Fixture("one", {"user": {"id": "1", "nickname": "A"}}), Fixture("two", {"user": {"id": "2"}})]
    words = [Template("", "Hi", "{{ user.nickname }}"), Template("de", "Hallo", "Du", "Zu spät", "")]
    (first, second) = await previews(words, shown)
    assert first == ("", "Hi", "A", "")
    assert second[:3] == ("", "", "")
    assert "user.nickname" in second[3]
    assert await previews(words, shown[:1], locale="de-AT") == [("de", "Hallo", "Du", "")]
    assert await previews(words, shown[:1], locale="de", belated=True) == [("de", "Zu spät", "Du", "")]
    assert await previews(words, shown[:1], locale="fr", belated=True) == [("", "Hi", "A", "")]


async def test_a_preview_survives_what_ends_its_child() -> None:
    """Who was rendered before has a text, the others the cause."""
    big = Fixture("big", {"user": {"bio": "x" * 10_000}}, longest=10**9)
    shown = [Fixture("small", {"user": {"bio": "x"}}), big, replace(big, person="after")]
    found = await Trials(Limits(memory_bytes=4 * MEGABYTE)).preview(
        [Template("", "t", GROWING)], shown, belated=False
    )
    assert [(one.person, one.body, one.error) for one in found] == [
        ("small", "x", ""),
        ("big", "", "it needs more than 4 MB of memory"),
        ("after", "", "it needs more than 4 MB of memory"),
    ]


async def test_a_preview_of_what_is_no_template_is_refused() -> None:
    """Wrong syntax, and what is not of the subset, are refused at their part."""
    for wrong, why in (("{% if user %}", "is not a template"), ("{% set x = 1 %}", "'set' is not allowed")):
        with pytest.raises(InvalidInput, match=why) as error:
            await Trials().preview([Template("", wrong, "b")], people(rule()), belated=False)
        assert [v.field for v in error.value.violations] == ["templates[0].title"]
