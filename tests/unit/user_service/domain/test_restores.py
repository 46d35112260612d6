"""Restores: what the reader's serial says about the two stores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from user_service.domain.restores import Restored, Seen, Verdict, acknowledges, verdict


@pytest.mark.parametrize(
    ("serial", "confirmed", "suspected", "expected"),
    [
        (7, 7, False, Verdict.AS_KNOWN),
        (7, 0, False, Verdict.AS_KNOWN),
        (7, 7, True, Verdict.ADVANCED),
        (8, 7, False, Verdict.ADVANCED),
        (8, 0, True, Verdict.ADVANCED),
        (8, 8, False, Verdict.STORE_RESTORED),
        (9, 0, False, Verdict.STORE_RESTORED),
        (7, 8, False, Verdict.STORE_RESTORED),
        (6, 0, False, Verdict.SUSPECT),
        (6, 0, True, Verdict.READER_RESTORED),
        (0, 0, False, Verdict.SUSPECT),
        (6, 9, True, Verdict.READER_RESTORED),
    ],
)
def test_a_serial_is_judged_by_the_last_one(
    serial: int, confirmed: int, suspected: bool, expected: Verdict
) -> None:
    """The same or the next is as it should be; behind, twice, is the reader's restore; further ahead, ours."""
    assert verdict(Seen(7, suspected), serial, confirmed=confirmed) is expected


def test_the_beginning_is_as_known() -> None:
    """A new reader at a new store has nothing to explain."""
    assert verdict(Seen(0, suspected=False), 0, confirmed=0) is Verdict.AS_KNOWN


@pytest.mark.parametrize("which", Verdict)
def test_only_a_certain_restore_is_one(which: Verdict) -> None:
    """A suspicion is none."""
    expected = {Verdict.READER_RESTORED: Restored.READER, Verdict.STORE_RESTORED: Restored.STORE}
    assert which.restored is expected.get(which)


@given(st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_an_acknowledgement_removes_unless_it_knows_more(seen: int, serial: int, suspected: bool) -> None:
    """An overtaken one may still remove what it names, one from further ahead may not."""
    assert acknowledges(Seen(seen, suspected), serial) is (serial <= seen + 1)


class OneLeader(RuleBasedStateMachine):
    """A reader whose acknowledgements and memory get lost, and frozen leaders, but no restore."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen(0, suspected=False)
        self.serial = 0
        self.confirmed = 0
        self.old = 0

    def pull(self) -> None:
        """Pull as the leader."""
        found = verdict(self.seen, self.serial, confirmed=self.confirmed)
        assert found in (Verdict.AS_KNOWN, Verdict.ADVANCED)
        self.seen = Seen(self.serial, suspected=False)
        self.confirmed = self.serial

    @rule(acknowledged=st.booleans(), answered=st.booleans())
    def page(self, acknowledged: bool, answered: bool) -> None:
        """Pull and apply a page; the acknowledgement, or its answer, may get lost."""
        self.pull()
        self.old = self.serial
        self.serial += 1
        if acknowledged:
            assert acknowledges(self.seen, self.serial)
            self.seen = Seen(self.serial, suspected=False)
            self.confirmed = self.serial if answered else self.confirmed

    @rule()
    def idle(self) -> None:
        """Pull an empty page."""
        self.pull()

    @rule()
    def restart(self) -> None:
        """Another process leads; it has confirmed nothing."""
        self.confirmed = 0

    @rule()
    def overtaken(self) -> None:
        """A call with an old serial arrives between two of the leader's."""
        self.pull()
        found = verdict(self.seen, self.old, confirmed=0)
        assert found.restored is None
        if found is Verdict.SUSPECT:
            self.seen = Seen(self.seen.serial, suspected=True)


TestNoFalseAlarm = OneLeader.TestCase
