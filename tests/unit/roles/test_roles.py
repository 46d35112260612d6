"""What the image's first argument means, and what makes a role start anew."""

import os
from pathlib import Path

import pytest

from roles.__main__ import called
from roles.reloading import snapshot


@pytest.mark.parametrize(
    ("arguments", "module", "told"),
    [
        (["user"], "user_service", []),
        (["scheduler"], "scheduler_service", []),
        (["delivery"], "delivery_service", []),
        (["migrate", "delivery"], "delivery_service", ["migrate"]),
        (["migrate", "user", "expand"], "user_service", ["migrate", "expand"]),
        (["bootstrap"], "user_service", ["bootstrap"]),
        (["resync"], "user_service", ["resync"]),
        (["one-message"], "roles.one_message", []),
        (["reload", "delivery"], "roles.reloading", ["delivery"]),
    ],
)
def test_each_role_is_a_module(arguments: list[str], module: str, told: list[str]) -> None:
    """One process runs it, with what is left of the arguments."""
    assert called(arguments) == (module, told)


@pytest.mark.parametrize(
    "arguments",
    [[], ["users"], ["migrate"], ["migrate", "user", "half"], ["reload"], ["reload", "x"], ["user", "now"]],
)
def test_anything_else_is_none(arguments: list[str]) -> None:
    """Nothing is guessed."""
    assert called(arguments) is None


def test_a_changed_a_new_and_a_removed_file_are_seen(tmp_path: Path) -> None:
    """Only Python files count, by the time of their last change."""
    first, other = tmp_path / "a.py", tmp_path / "deeper" / "b.py"
    other.parent.mkdir()
    first.touch()
    before = snapshot([tmp_path])
    (tmp_path / "notes.txt").touch()
    assert snapshot([tmp_path]) == before
    other.touch()
    assert snapshot([tmp_path]).keys() == {first, other}
    os.utime(first, ns=(1, 1))
    assert snapshot([tmp_path])[first] == 1
    first.unlink()
    assert snapshot([tmp_path]).keys() == {other}
