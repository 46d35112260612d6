"""A progress bar with rate and time left; nothing where nobody is looking."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from redletter_cli.render.table import console


class _Rate(ProgressColumn):
    """Rows per second over the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


@contextmanager
def bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error, if that is a terminal; yields how to say how many are done."""
    with growing_bar(title, total) as show:
        yield lambda done: show(done, total)


@contextmanager
def growing_bar(title: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """Show a bar whose end is only estimated; yields how to say how many of how many are done."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console(sys.stderr)) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done, of: bars.update(task, completed=done, total=of)
