"""The part of minijinja's language that a message may use, looked at before anything is compiled.

Allowed are if, for, variables and a short list of filters. What can build text out of text (set,
macros, concatenation, repetition) is refused at save: steps are bounded, memory is not.
"""

import re
from typing import Final

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
_NAMED: Final = {part: re.compile(rf"\b{part}\s*\.\s*([A-Za-z_]\w*)") for part in ("user", "metadata")}

_VARIABLES: Final = (
    "user.id, user.given_name, user.family_name, user.name, user.<attribute>, metadata.<key>,"
    " occurrence_date, turns, occasion.id, occasion.kind, occasion.month, occasion.day, occasion.year"
)
ALLOWED: Final = f"text, if, for, the variables {_VARIABLES}, and the filters {', '.join(sorted(_FILTERS))}"
"""What a template may contain, as a refusal says it."""


def forbidden(source: str) -> str:
    """Return why a template is not of the subset, as a sentence; empty when it is."""
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


def names_below(part: str, sources: tuple[str, ...]) -> frozenset[str]:
    """Return the names that templates may read of `user` or `metadata`; of text that looks like it, too."""
    return frozenset(name for source in sources for name in _NAMED[part].findall(source))


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
