"""A net of squares over the globe, each a number: a place knows in which of them it lies by an index that has its words as well."""

from __future__ import annotations

FINE, WIDE = 16, 18  # squares of so many binary digits of a millionth of a degree: a fifteenth of a degree, and one four times as wide
MOST_SQUARES = 40  # that are looked for at once: a descent each, which a rare word in a wide circle does not need
WIDEST_FINE = 10  # kilometres around a point for which the fine net is asked
_SQUARE = "((lat_e6 + 90000000) >> {by}) * 8192 + ((lon_e6 + 180000000) >> {by})"
# Of a place, in SQL, as its index has it (0087): the wide one's number is below nought, so the two cannot be taken for each other.
SQUARES = f"(ARRAY[{_SQUARE.format(by=FINE)}, '-1'::integer - ({_SQUARE.format(by=WIDE)})])"


def squares_of(west: int, south: int, east: int, north: int, *, radius_km: int) -> list[int] | None:
    """Those that a box of millionths of a degree touches, if it is one on a flat map and they are not too many."""
    if not is_flat(west, east):
        return None
    by = FINE if radius_km <= WIDEST_FINE else WIDE
    rows = range(max(south + 90_000_000, 0) >> by, (min(north, 90_000_000) + 90_000_000 >> by) + 1)
    columns = range(west + 180_000_000 >> by, (east + 180_000_000 >> by) + 1)
    if len(rows) * len(columns) > MOST_SQUARES:
        return None
    found = [row * 8192 + column for row in rows for column in columns]
    return found if by == FINE else [-1 - one for one in found]


def is_flat(west: int, east: int) -> bool:
    """Whether a box is in one piece on a map that ends at the date line."""
    return -180_000_000 <= west < east <= 180_000_000
