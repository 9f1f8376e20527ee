"""Lean dataclasses are the dataclasses that they were: frozen, with defaults, equal, replaceable."""

from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from guardian.lean import lean
from guardian.records import UsageCounts


@lean
@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 2
    names: list[str] = field(default_factory=list[str])


def test_defaults_hold_and_a_factory_makes_a_new_value_each_time() -> None:
    one, other = Point(x=1), Point(x=1)
    assert (one.x, one.y, one.names) == (1, 2, [])
    assert one == other
    assert one.names is not other.names
    assert repr(Point(x=1, y=3, names=["a"])) == "Point(x=1, y=3, names=['a'])"


def test_nothing_of_it_can_be_set() -> None:
    with pytest.raises(FrozenInstanceError):
        Point(x=1).x = 2  # type: ignore[misc]


def test_it_can_be_replaced() -> None:
    assert replace(Point(x=1, y=5), x=7) == Point(x=7, y=5)


@pytest.mark.parametrize("wrong", [{}, {"x": 1, "z": 2}])
def test_what_is_missing_or_unknown_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__"):
        Point(**wrong)


def test_by_place_is_refused() -> None:
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[misc]


def test_counts_are_made_of_all_their_fields() -> None:
    names = [f.name for f in fields(UsageCounts) if f.name != "units"]
    given = {name: number for number, name in enumerate(names, start=1)}
    counts = UsageCounts(**given)  # type: ignore[arg-type]
    assert {name: getattr(counts, name) for name in names} == given
    assert UsageCounts() == UsageCounts(**dict.fromkeys(names, 0))  # type: ignore[arg-type]
    assert hash(Point(x=1, names=())) == hash(Point(x=1, names=()))  # type: ignore[arg-type]
