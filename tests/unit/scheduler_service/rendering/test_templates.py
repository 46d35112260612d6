"""The subset of minijinja that a message needs: what is allowed, what is refused, in which words."""

import time
from dataclasses import replace

import pytest

from chassis.errors import InvalidInput
from scheduler_service.domain.built_in import built_in
from scheduler_service.domain.event_types import Template
from scheduler_service.rendering import fixtures
from scheduler_service.rendering.templates import Cache, Compiled, RenderError, check
from tests.unit.scheduler_service.rendering.people import SINCE, rule

PEOPLE = fixtures.people("birthday")


def refused(body: str) -> str:
    """Return the sentence with which a body is refused, or nothing."""
    try:
        check((Template("", "Hello", body),), PEOPLE)
    except InvalidInput as error:
        only = [v.field for v in error.violations] == ["event_type.templates[0].body"]
        return str(error) if only and error.reason == "INVALID_TEMPLATE" else repr(error.violations)
    return ""


@pytest.mark.parametrize(
    "body",
    [
        "plain { text } with % signs }} and 'quotes",
        "{{ user.given_name | default('friend') }}",
        "{{ user.name | default(user.id) | upper | trim }}",
        "{% if turns is defined and turns > 17 %}{{ turns }}{% elif turns is defined %}x{% else %}y{% endif %}",
        "{%- for c in 'ab' -%}{{ loop.index }}{{ c }}{%- endfor -%}",
        "{# a note with {{ in it #}{{ occurrence_date }}",
        "{{ 'it is }} today (really) [1+1]' }}",
        "{% if turns is not defined or turns == 1 %}first{% endif %}",
        "{{ user.tags | default('none') | join(', ') }}",
        "",
    ],
)
def test_allowed(body: str) -> None:
    """Text, variables, if, for, the listed filters, comments, and any text within quotes."""
    assert refused(body) == ""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{% set x = 'a' %}", "'set'"),
        ("{%- set x = 'a' %}", "'set'"),
        ("{%+ set x = 'a' %}", "'set'"),
        ("{% macro m() %}{% endmacro %}", "'macro'"),
        ("{% include 'x' %}", "'include'"),
        ("{% import 'x' as y %}", "'import'"),
        ("{% extends 'x' %}", "'extends'"),
        ("{% block b %}{% endblock %}", "'block'"),
        ("{% raw %}{{ x }}{% endraw %}", "'raw'"),
        ("{% filter upper %}x{% endfilter %}", "'filter'"),
        ("{% call m() %}{% endcall %}", "'call'"),
        ("{% with x = 1 %}{% endwith %}", "'with'"),
        ("{% autoescape true %}{% endautoescape %}", "'autoescape'"),
        ("{% do x %}", "'do'"),
        ("{{ user.id | replace('a', 'b') }}", "'replace'"),
        ("{{ user | tojson }}", "'tojson'"),
        ("{{ user.id |\n list }}", "'list'"),
        ("{% for x in user.id|list %}{% endfor %}", "'list'"),
        ("{{ range(10) }}", "parentheses"),
        ("{{ (range)(10) }}", "parentheses"),
        ("{{ user.id.upper() }}", "parentheses"),
        ("{{ user.id | default('a')('b') }}", "parentheses"),
        ("{{ 'a' ~ 'b' }}", "operators"),
        ("{{ 'a' + 'b' }}", "operators"),
        ("{{ 'a' * 1000000000 }}", "operators"),
        ("{{ [1, 2] }}", "operators"),
        ("{{ user['id'] }}", "operators"),
        ("{{ {'a': 1} }}", "operators"),
        ("{{ '}}' ~ 'x' }}", "operators"),
        ("{{ '%}' * 1000000000 }}", "operators"),
        ('{{ "}}" | replace("}", "x") }}', "'replace'"),
        ("{{ '\\'}}' ~ 'x' }}", "operators"),
        ("{% if '%}' ~ 'x' %}{% endif %}", "operators"),
        ("{% if {'a': {}} == 'x' ~ 'y' %}{% endif %}", "operators"),
        ("{# {{ ' #}{{ 'x' * 1000000000 }}{# ' }} #}", "operators"),
        ("it's {{ 'x' ~ 'y' }}", "operators"),
        ("{{ user.id", "never closed"),
        ("{% if turns", "never closed"),
        ("{# no end", "never closed"),
        ("{% if turns is defined %}x", "is not a template"),
        ("{% endif %}", "is not a template"),
        ("{{ turns }}", "a person whose birth year is unknown"),
        ("{{ user.given_name }}", "a person without a given name"),
        ("{{ user.nickname }}", "user.nickname is not known for everybody; write {{ user.nickname | default"),
        (
            "{% for a in user.name | default('x') %}{{ user.name | default('x') }}{% endfor %}",
            "very long name",
        ),
    ],
)
def test_refused(body: str, why: str) -> None:
    """Whatever can grow text, call anything, or fails for somebody; a literal or a comment hides nothing."""
    assert why in refused(body)


def test_every_wrong_part_is_named() -> None:
    """Titles and bodies of all templates are looked at, each at its field."""
    wrong = "{% set x = 1 %}"
    with pytest.raises(InvalidInput) as error:
        check((Template("", "ok", wrong), Template("de", wrong, "ok")), PEOPLE)
    fields = [violation.field for violation in error.value.violations]
    assert fields == ["event_type.templates[0].body", "event_type.templates[1].title"]


@pytest.mark.parametrize("piece", ["{{ ", "{% if ", "{# ", "{{ '", "{{ a }}", "|", "'", "{"])
def test_looking_at_a_template_is_quick(piece: str) -> None:
    """The longest body that is accepted takes no noticeable time, whatever it repeats."""
    began = time.perf_counter()
    refused((piece * 8192)[:8192])
    assert time.perf_counter() - began < 0.5


def test_the_built_in_templates_pass() -> None:
    """Every tenant begins with rules that could have been saved."""
    for _, event_type in built_in("tenant-1", since=SINCE):
        check(event_type.templates, fixtures.people(event_type.occasion_kind))


@pytest.mark.parametrize(
    ("locale", "said", "named"),
    [
        ("de", "de", "de"),
        ("de-AT", "at", "de-AT"),
        ("DE-at-1996", "at", "de-AT"),
        ("de-CH", "de", "de"),
        ("pt-BR", "any", "pt-BR"),
        ("", "any", ""),
        ("d", "any", "d"),
    ],
)
def test_the_nearest_locale_is_taken(locale: str, said: str, named: str) -> None:
    """From the most to the least specific, case does not count; then the template for everybody."""
    compiled = Compiled((Template("", "", "any"), Template("de", "", "de"), Template("de-AT", "", "at")))
    assert compiled.render(locale, {}) == ("", said, named)


def test_work_is_bounded() -> None:
    """Nested loops run out of fuel instead of time."""
    loops = "{% for a in x %}{% for b in x %}{% for c in x %}.{% endfor %}{% endfor %}{% endfor %}"
    with pytest.raises(RenderError):
        Compiled((Template("", "", loops),)).render("en", {"x": "a" * 200})


def test_compiled_once_per_version() -> None:
    """An edit is a new version and new words; a full cache begins anew."""
    cache = Cache(size=1)
    first = rule()
    assert cache.of(first) is cache.of(first)
    compiled = cache.of(first)
    cache.of(replace(first, version=2))
    assert cache.of(first) is not compiled
    with pytest.raises(RenderError, match="no template"):
        Compiled(())
