"""Templates: minijinja, cut down to what a message needs, bounded in steps and size.

Allowed are if, for, variables and a short list of filters. What can build text out of text (set,
macros, concatenation, repetition) is refused at save: steps are bounded, memory is not.
"""

import re
from collections.abc import Mapping
from typing import Final

import minijinja

from chassis.errors import FieldViolation, InvalidInput
from scheduler_service.domain.event_types import EventType, Template

FUEL: Final = 5_000
MAX_TEXT_BYTES: Final = 16 * 1024

_TAGS: Final = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_FILTERS: Final = frozenset(
    {
        "capitalize",
        "default",
        "first",
        "int",
        "join",
        "last",
        "length",
        "lower",
        "round",
        "title",
        "trim",
        "upper",
    }
)
_LITERAL: Final = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TEXT = re.compile(_LITERAL, re.DOTALL)
# Read as minijinja reads it, from left to right: neither a literal with "}}" in it nor a comment
# may hide what comes after it.
_PIECE = re.compile(
    r"{#.*?#}"
    rf"|{{{{(?P<expression>(?:{_LITERAL}|[^'\"])*?)}}}}"
    rf"|{{%[-+]?\s*(?P<tag>\w*)(?P<rest>(?:{_LITERAL}|[^'\"])*?)%}}"
    r"|(?P<open>{[{%#])",
    re.DOTALL,
)
_FILTER = re.compile(r"\|\s*(\w+)")
_PARENTHESIS = re.compile(r"(?<!\|)\(")
_GROWTH = re.compile(r"[~+*\[\]{}]")

_UNDEFINED = re.compile(r"`([^`]+)` is undefined")
_VARIABLES: Final = (
    "user.id, user.given_name, user.family_name, user.name, user.<attribute>, occurrence_date, turns,"
    " occasion.id, occasion.kind, occasion.month, occasion.day, occasion.year"
)
_ALLOWED = f"text, if, for, the variables {_VARIABLES}, and the filters {', '.join(sorted(_FILTERS))}"

Values = Mapping[str, object]


class RenderError(Exception):
    """A template cannot be rendered for this person; the text holds no value of theirs."""


class Compiled:
    """The templates of one version of an event type."""

    def __init__(self, templates: tuple[Template, ...], *, explained: bool = False) -> None:
        """Compile; `explained` errors name the variable, and quote values: only for invented people."""
        self._environment = minijinja.Environment(
            undefined_behavior="semi_strict",  # type: ignore[call-overload]  # missing in its stubs
            fuel=FUEL,
            debug=explained,
            pycompat=False,
        )
        self._locales = {}
        for template in templates:
            self._environment.add_template(f"{template.locale}:title", template.title)
            self._environment.add_template(f"{template.locale}:body", template.body)
            self._locales[template.locale.lower()] = template.locale
        if not self._locales:
            raise RenderError("the event type has no template")

    def render(self, locale: str, values: Values) -> tuple[str, str, str]:
        """Return (title, body, the locale that was taken) for the best match of `locale`.

        Raises:
            RenderError: a value is missing, or the text is too long or too much work.
        """
        chosen = self._choose(locale)
        try:
            title = self._environment.render_template(f"{chosen}:title", **values)
            body = self._environment.render_template(f"{chosen}:body", **values)
        except minijinja.TemplateError as error:
            # The first line names the variable; the lines after it would quote the person's values.
            raise RenderError(str(error).splitlines()[0]) from None
        if len(title.encode()) + len(body.encode()) > MAX_TEXT_BYTES:
            raise RenderError(f"the text is longer than {MAX_TEXT_BYTES} bytes")
        return title, body, chosen or locale

    def _choose(self, locale: str) -> str:
        wanted = locale.lower()
        while wanted:
            if wanted in self._locales:
                return self._locales[wanted]
            wanted = wanted.rpartition("-")[0]
        return self._locales.get("", next(iter(self._locales.values())))


class Cache:
    """Compiled templates by version of their event type; compiling costs a thousand renderings."""

    def __init__(self, size: int = 1_000) -> None:
        self._size = size
        self._compiled: dict[tuple[str, str, int], Compiled] = {}

    def of(self, event_type: EventType) -> Compiled:
        """Return the compiled templates of this version."""
        key = (event_type.tenant_id, event_type.event_type_id, event_type.version)
        found = self._compiled.get(key)
        if found is None:
            if len(self._compiled) >= self._size:
                self._compiled.clear()
            found = self._compiled[key] = Compiled(event_type.templates)
        return found


def check(templates: tuple[Template, ...], fixtures: Mapping[str, Values]) -> None:
    """Refuse templates that are not of the subset or fail for one of the fixtures (name -> values).

    Raises:
        InvalidInput: reason INVALID_TEMPLATE, at the field of the template.
    """
    violations = []
    for index, template in enumerate(templates):
        for part, source in (("title", template.title), ("body", template.body)):
            why = _forbidden(source) or _failing(template, part, fixtures)
            if why:
                violations.append(
                    FieldViolation(f"event_type.templates[{index}].{part}", why, allowed=_ALLOWED)
                )
    if violations:
        raise InvalidInput(violations, reason="INVALID_TEMPLATE")


def _forbidden(source: str) -> str:
    for piece in _PIECE.finditer(source):
        if piece["open"]:
            return f"{piece['open']} is never closed"
        tag = piece["tag"]
        if tag is not None and tag not in _TAGS:
            return f"the tag {tag!r} is not allowed"
        why = _forbidden_in(_TEXT.sub("''", piece["expression"] or piece["rest"] or ""))
        if why:
            return why
    return ""


def _forbidden_in(code: str) -> str:
    """Return what is wrong with the code between two braces, its literals emptied."""
    for name in _FILTER.findall(code):
        if name not in _FILTERS:
            return f"the filter {name!r} is not allowed"
    if _PARENTHESIS.search(_FILTER.sub("|", code)):
        return "calls and parentheses are not allowed"
    if _GROWTH.search(code):
        return "operators that build text or lists are not allowed"
    return ""


def _failing(template: Template, part: str, fixtures: Mapping[str, Values]) -> str:
    only = Template(template.locale, *((template.title, "") if part == "title" else ("", template.body)))
    try:
        compiled = Compiled((only,), explained=True)
    except minijinja.TemplateError as error:
        return f"is not a template: {str(error).splitlines()[0]}"
    failures: dict[str, str] = {}
    for name, values in fixtures.items():
        try:
            compiled.render(template.locale, values)
        except RenderError as error:
            failures[name] = str(error)
    if not failures:
        return ""
    who, why = next(iter(failures.items()))
    missing = _UNDEFINED.search(why)
    if missing is None:
        return f"cannot be rendered for {who}: {why}"
    known_to_some = len(failures) < len(fixtures)
    return (
        f"{missing[1]} is not known for {who if known_to_some else 'everybody'}; write"
        f" {{{{ {missing[1]} | default('...') }}}} or ask {{% if {missing[1]} is defined %}}"
    )
