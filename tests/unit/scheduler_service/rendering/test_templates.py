"""The subset of minijinja that a message needs: what is allowed, what is refused, in which words."""

import time
from dataclasses import replace

import pytest

from scheduler_service.domain.built_in import built_in
from scheduler_service.domain.event_types import EventType, Recurrence, Template
from scheduler_service.rendering import fixtures
from scheduler_service.rendering.subset import ALLOWED, forbidden
from scheduler_service.rendering.templates import Cache, Compiled, RenderError
from scheduler_service.rendering.trial import PARTS, Tried, checked
from tests.unit.scheduler_service.rendering.people import SINCE, rule


def failures(event_type: EventType) -> dict[str, str]:
    """Return what is wrong with the words of an event type, by field, as saving it would say."""
    tried = [Tried(f.person, f.values, f.longest, f.guessed) for f in fixtures.people(event_type)]
    outside = {
        f"templates[{index}].{part}": why
        for index, template in enumerate(event_type.templates)
        for part in PARTS
        if (why := forbidden(getattr(template, part)))
    }
    return outside or {
        fact[1]: fact[2] for fact in checked(event_type.templates, tried) if fact[0] == "failed"
    }


def refused(body: str) -> str:
    """Return the sentence with which a body is refused, or nothing."""
    found = failures(rule(Template("", "Hello", body)))
    return found.get("templates[0].body", "") if found.keys() <= {"templates[0].body"} else repr(found)


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
    """Titles, bodies and their belated forms, in all templates, are looked at, each at its field."""
    wrong = "{% set x = 1 %}"
    words = rule(Template("", "ok", wrong), Template("de", wrong, "ok", wrong, wrong))
    assert list(failures(words)) == [
        "templates[0].body",
        "templates[1].title",
        "templates[1].belated_title",
        "templates[1].belated_body",
    ]
    unknown = "{{ user.nickname }}"
    words = rule(Template("", unknown, "ok", unknown, "ok"), Template("de", "ok", "ok", "", unknown))
    assert list(failures(words)) == [
        "templates[0].title",
        "templates[0].belated_title",
        "templates[1].belated_body",
    ]


@pytest.mark.parametrize("piece", ["{{ ", "{% if ", "{# ", "{{ '", "{{ a }}", "|", "'", "{"])
def test_looking_at_a_template_is_quick(piece: str) -> None:
    """The longest body that is accepted takes no noticeable time, whatever it repeats."""
    began = time.perf_counter()
    forbidden((piece * 8192)[:8192])
    assert time.perf_counter() - began < 0.5


def test_the_built_in_templates_pass() -> None:
    """Every tenant begins with rules that could have been saved."""
    for _, event_type in built_in("tenant-1", since=SINCE):
        assert failures(event_type) == {}


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


@pytest.mark.parametrize("recurrence", [r for r in Recurrence if r is not Recurrence.YEARLY])
def test_only_yearly_rules_know_an_age(recurrence: Recurrence) -> None:
    """`turns` is refused where nobody has one; a rule without occasion knows no occasion either."""
    words = replace(rule(Template("", "{{ turns }}", "{{ occasion.kind }}")), recurrence=recurrence)
    found = failures(words)
    assert "turns is not known for everybody" in found.pop("templates[0].title")
    assert bool(found) == (recurrence is Recurrence.NONE)


def test_metadata_may_be_missing() -> None:
    """Rules of a date have no metadata: a template says what it does without."""
    assert "metadata.order is not known for everybody" in refused("{{ metadata.order }}")
    assert refused("{{ metadata.order | default('none') }}") == ""
    assert refused("{% for name in metadata %}{{ name }}{% endfor %}") == ""
    assert "metadata.<key>" in ALLOWED


def test_a_long_name_may_be_said_often_but_not_its_square() -> None:
    """Twenty times a name of 10,000 characters is a text; each letter of it followed by all is not."""
    often = "{{ user.given_name | default('x') }} " * 20
    assert "longer than 16384 bytes" not in refused(often[:100])
    assert refused("{{ user.name | default('x') }} " * 20) == ""
    assert "very long name" in refused("{{ user.name | default('x') }} " * 60)


def test_an_attribute_may_be_of_any_kind() -> None:
    """A template that wants a list or a number of an attribute is not refused for what was guessed."""
    assert refused("{{ user.score | default(0) | round }}") == ""
    assert refused("{% for tag in user.tags | default('') %}{{ tag }}{% endfor %}") == ""


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ user.tags | join(', ') }}", "a, 1"),
        ("{{ user.tags | join }}", "a1"),
        ("{{ user.word | join('-') }}", "x-y-z"),
        ("{{ user.word | join(1) }}", "x1y1z"),
        ("{{ user | join('/') }}", "tags/word/n"),
        ("{{ user.missing | join('-') }}", ""),
    ],
)
def test_join_is_minijinjas(source: str, text: str) -> None:
    """Ours says what the built-in says, of lists, texts, mappings and of nothing."""
    values = {"user": {"tags": ["a", 1], "word": "xyz", "n": 3}}
    assert Compiled((Template("", "", source),)).render("", values)[1] == text


@pytest.mark.parametrize("source", ["{{ w | join(w) }}", "{{ w | join(w) | join(w) | join(w) | length }}"])
def test_join_is_bounded(source: str) -> None:
    """Joining a text with itself grows by its square, three times by its fourth power: refused at once."""
    with pytest.raises(RenderError, match="longer than"):
        Compiled((Template("", "", source),)).render("", {"w": "x" * 10_000})
    with pytest.raises(RenderError, match="needs a text or a list"):
        Compiled((Template("", "", "{{ w | join }}"),)).render("", {"w": 3})


def test_belated_words_fall_back_part_by_part() -> None:
    """A belated part that is empty is the normal one; without any there are no belated words."""
    compiled = Compiled(
        (
            Template("", "T", "B"),
            Template("de", "T", "B", "late T", ""),
            Template("fr", "T", "B", "", "late B"),
        )
    )
    assert not compiled.has_belated("en")
    assert compiled.has_belated("de-AT")
    assert compiled.render("en", {}, belated=True) == ("T", "B", "en")
    assert compiled.render("de-AT", {}, belated=True) == ("late T", "B", "de")
    assert compiled.render("fr", {}, belated=True) == ("T", "late B", "fr")
    assert compiled.render("fr", {}) == ("T", "B", "fr")
