"""Templates: minijinja, bounded in steps and size; `subset` says what of it may be saved."""

from collections.abc import Mapping, Sequence
from typing import Final

import minijinja

from scheduler_service.domain.event_types import EventType, Template

FUEL: Final = 5_000
MAX_TEXT_BYTES: Final = 16 * 1024
MAX_JOINED_CHARACTERS: Final = 64 * 1024

Values = Mapping[str, object]
Text = tuple[str, str, str]
"""Title, body, and the locale that was taken."""


class RenderError(Exception):
    """A template cannot be rendered for this person; the text holds no value of theirs."""


class Compiled:
    """The templates of one version of an event type."""

    def __init__(self, templates: tuple[Template, ...], *, explained: bool = False) -> None:
        """Compile; `explained` errors name the variable, and quote values: only for invented people.

        Raises:
            RenderError: there is no template.
            minijinja.TemplateError: one of them is none.
        """
        self._environment = minijinja.Environment(
            undefined_behavior="semi_strict",  # type: ignore[call-overload]  # missing in its stubs
            fuel=FUEL,
            debug=explained,
            pycompat=False,
        )
        self._environment.add_filter("join", _joined)
        # For everybody who has none: a value of each rendering would cost a tenth of it.
        self._environment.add_global("metadata", {})
        self._locales: dict[str, str] = {}
        # Names of (title, body) by locale, made once: this is the hot path.
        self._words: dict[str, tuple[str, str]] = {}
        self._belated: dict[str, tuple[str, str]] = {}
        for template in templates:
            self._add(template)
        if not self._locales:
            raise RenderError("the event type has no template")

    def _add(self, template: Template) -> None:
        locale, environment = template.locale, self._environment
        words = self._words[locale] = (f"{locale}:title", f"{locale}:body")
        environment.add_template(words[0], template.title)
        environment.add_template(words[1], template.body)
        self._locales[locale.lower()] = locale
        if template.belated_title or template.belated_body:
            belated = self._belated[locale] = (f"{locale}:belated_title", f"{locale}:belated_body")
            environment.add_template(belated[0], template.belated_title or template.title)
            environment.add_template(belated[1], template.belated_body or template.body)

    def has_belated(self, locale: str) -> bool:
        """Return whether the best match of `locale` has words of its own for a message that is late."""
        return bool(self._belated) and self.choose(locale) in self._belated

    def render(
        self, locale: str, values: Values, *, belated: bool = False, longest: int = MAX_TEXT_BYTES
    ) -> Text:
        """Return (title, body, the locale that was taken) for the best match of `locale`.

        `belated`: in the words for a message that is late, if it has any.

        Raises:
            RenderError: a value is missing, or the text is longer than `longest` bytes or too much work.
        """
        chosen = self.choose(locale)
        words = self._belated.get(chosen, self._words[chosen]) if belated else self._words[chosen]
        try:
            title = self._environment.render_template(words[0], **values)
            body = self._environment.render_template(words[1], **values)
        except minijinja.TemplateError as error:
            # The first line names the variable; the lines after it would quote the person's values.
            raise RenderError(str(error).splitlines()[0]) from None
        # A character has at most four bytes: most texts need not be counted in bytes.
        if (len(title) + len(body)) * 4 > longest and len(title.encode()) + len(body.encode()) > longest:
            raise RenderError(f"the text is longer than {longest} bytes")
        return title, body, chosen or locale

    def choose(self, locale: str) -> str:
        """Return the locale of the template that is nearest to `locale`; empty: the fallback's."""
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


def _joined(value: object, separator: object = "") -> str:
    """Join as minijinja does, but never to more than 64 KB.

    Its own costs one step whatever comes out: three in a row make a terabyte of a name, and the
    allocation that fails ends the process.
    """
    if value is None:
        return ""
    if not isinstance(value, str | Sequence | Mapping):
        raise RenderError(f"join needs a text or a list, not {type(value).__name__}")
    pieces = [str(piece) for piece in value]
    between = "" if separator is None else str(separator)
    if sum(map(len, pieces)) + len(between) * len(pieces) > MAX_JOINED_CHARACTERS:
        raise RenderError(f"join makes a text longer than {MAX_JOINED_CHARACTERS} characters")
    return between.join(pieces)
