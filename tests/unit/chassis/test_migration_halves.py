"""Which migrations may run before the new processes start."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chassis.errors import ReleaseSkipped
from chassis.migrations import last_expansion


def chain(*phases: str) -> Any:
    """Return migrations 1, 2, ... of these phases; an empty one says nothing about itself."""
    return cast(
        "Any",
        [
            SimpleNamespace(revision=str(n), module=SimpleNamespace(**({"phase": phase} if phase else {})))
            for n, phase in enumerate(phases, 1)
        ],
    )


@pytest.mark.parametrize(
    ("phases", "present", "target"),
    [
        (["", ""], "1", "2"),
        (["", "", "contract"], "1", "2"),
        (["", "contract"], "1", None),
        (["", "contract"], "2", None),
        (["", "contract", ""], "2", "3"),
        (["", "contract", "", "contract", "contract"], "2", "3"),
        (["", "contract", ""], None, "3"),
    ],
)
def test_it_stops_before_the_first_contraction(
    phases: list[str], present: str | None, target: str | None
) -> None:
    """What says nothing is an expansion; an empty schema, which no older process uses, takes everything."""
    assert last_expansion(chain(*phases), present) == target


def test_a_release_that_was_left_out_is_said() -> None:
    """An expansion behind a contraction that never ran cannot be reached; the sentence says what to do."""
    with pytest.raises(ReleaseSkipped, match="migration 2 ends what an older release needs"):
        last_expansion(chain("", "contract", ""), "1")
