"""kill -9 at marked points, one replica after the other, each started again at once."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping

from benchmarks.fault import marks
from benchmarks.fault.looking import Harm, redis_url, seen, until_peak
from benchmarks.fault.marks import Mark
from benchmarks.fault.people import Peak
from benchmarks.fault.stage import Stage

_WANTED_WITHIN = 1.5


def kills_at(phase: str, words: Mapping[str, str], *, kills: int) -> Callable[[Stage, Peak], Harm]:
    """Return the fault that kills whoever is seen at a marked point of the phase, so many times."""

    def run(stage: Stage, peak: Peak) -> Harm:
        stage.keeping = False  # each victim is started again here, without the keeper's growing pauses
        last = until_peak(stage, peak, seconds=0.5)
        hit: Counter[str] = Counter()
        died: list[str] = []
        while hit.total() < kills and time.time() < peak.ends:
            died += stage.revive()
            mark = _next_mark(stage, words, until=peak.ends)
            if mark is None:
                break
            # The point itself, or a little further on the same road.
            time.sleep(random.choice((0.0, random.uniform(0, 0.004), random.uniform(0, 0.02))))
            stage.kill(mark.scheduler)
            last = time.time()
            hit[mark.label] += 1
        stage.await_ready()
        remark = f"{phase}: {hit.total()} kills ({marks.summary(hit)})"
        return Harm(last, "; ".join([remark, *died]))

    return run


def _next_mark(stage: Stage, words: Mapping[str, str], *, until: float) -> Mark | None:
    if not words:
        pids = {name: stage.pid(name) for name in stage.schedulers}
        return marks.claim(redis_url(stage), pids, until=until)
    # One point at a time, or those that come first would be the only ones; after a while any will do.
    label = random.choice(list(words))
    names = list(stage.schedulers)
    wanted = seen(stage, {label: words[label]}, names, until=min(until, time.time() + _WANTED_WITHIN))
    return wanted or seen(stage, words, names, until=until)
