"""Conversations keep their slots; new ones begin with a copy of what is common."""

from __future__ import annotations

from visavis.engines.llm.slots import Slot, Slots


def take(slots: Slots, session: str) -> Slot:
    with slots.take(session) as slot:
        return slot


def test_a_conversation_keeps_its_slot() -> None:
    slots = Slots(3)
    first = take(slots, "a")
    assert take(slots, "b").id != first.id
    assert take(slots, "a").id == first.id


def test_a_fresh_slot_is_like_the_one_used_last() -> None:
    slots = Slots(3)
    assert take(slots, "a") == Slot(0, None)
    assert take(slots, "b") == Slot(1, 0)
    assert take(slots, "c") == Slot(2, 1)
    assert take(slots, "b") == Slot(1, None)


def test_a_slot_in_use_is_not_copied() -> None:
    slots = Slots(3)
    with slots.take("a"):
        assert take(slots, "b") == Slot(1, None)
    assert take(slots, "c") == Slot(2, 1)


def test_the_least_recently_used_slot_is_given_away() -> None:
    slots = Slots(2)
    take(slots, "a")
    take(slots, "b")
    take(slots, "a")
    assert take(slots, "c").id == 1
    assert take(slots, "a").id == 0


def test_after_warming_the_first_conversation_has_the_warm_slot() -> None:
    slots = Slots(2)
    take(slots, "")
    slots.forget()
    assert take(slots, "a") == Slot(0, None)
    assert take(slots, "b") == Slot(1, 0)
