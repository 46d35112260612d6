"""Options that belong together, declared once as a dataclass and taken by several verbs."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


def taking(group: type[Any], parameter: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a verb the fields of `group` as options, where its `parameter` stands.

    `group` is a dataclass whose fields are annotated as options of typer; the verb gets them as one object.
    """
    hints = get_type_hints(group, include_extras=True)
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]

    def wrap(verb: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(verb, eval_str=True).parameters.values())
        place = [known.name for known in own].index(parameter)
        spread = [*own[:place], *options, *own[place + 1 :]]

        @functools.wraps(verb)
        def call(**arguments: Any) -> None:
            given = group(**{option.name: arguments.pop(option.name) for option in options})
            verb(**{parameter: given}, **arguments)

        # typer asks for both.
        call.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]
        call.__annotations__ = {taken.name: taken.annotation for taken in spread}
        return call

    return wrap
