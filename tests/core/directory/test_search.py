"""The public search: what is found by which words, near which place, when open; in which order; and what is found by nobody."""

from __future__ import annotations

import math
import random
import secrets
from datetime import UTC, datetime

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.directory.listings import ListingTerms, edit_listing
from core.directory.models import Listing
from core.directory.net import FINE, MOST_SQUARES, WIDE, squares_of
from core.directory.point import Point, find_point
from core.directory.search import EARTH_METRES, RADII, Wish, box_around, search
from core.directory.spelling import look_up, spellings
from core.directory.standing import set_visible
from core.directory.words import fold, least_slip, slip, words_of
from core.kernel.ask import ask_for
from core.kernel.errors import NotFound
from tests.core.directory.stalls import BRISTOL, EVERY_DAY, live_shop, make_branch, make_listing, make_product, unheard
from tests.factories import Shop, again, unit

CLOSE = ("brown", "crown", "bakery", "bakers", "abba", "abab", "baab", "babe", "beaba")
NOON, NIGHT = datetime(2026, 11, 26, 12, tzinfo=UTC), datetime(2026, 11, 26, 3, tzinfo=UTC)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def found(shop: Shop, words: str = "", *, at: datetime = NOON, **wish: object) -> list[str]:
    with unit(shop.app):
        return [hit.card["title"] for hit in search(Wish(words=words, **wish), at=at).hits]  # type: ignore[arg-type]


def spelt(words: list[str]) -> list[list[str]]:
    return list(spellings(words, look_up(words)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crêperie Łódź", ["creperie", "lodz"]),
        ("Straße, STRASSE", ["strasse"]),
        ("don’t", ["dont"]),
        ("東京のパン屋", ["東京", "京の", "のハ", "ハン", "ン屋"]),
        ("مَخْبَز", ["مخبز"]),
        ("!!! -- …", ["..."]),
    ],
)
def test_words_are_compared_without_accents(text: str, words: list[str]) -> None:
    assert words_of(text) == [word for word in words if word != "..."]
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("one", "other", "wrong"),
    [("bakery", "bakery", 0), ("bakrey", "bakery", 1), ("bakry", "bakery", 1), ("bred", "bread", 1), ("abc", "xyz", 3)],
)
def test_slips_are_counted(one: str, other: str, wrong: int) -> None:
    assert slip(one, other) == slip(other, one) == wrong


@given(st.text("abcde", max_size=9), st.text("abcde", max_size=9))
def test_what_is_quickly_seen_of_a_slip_is_never_too_much(one: str, other: str) -> None:
    assert abs(len(one) - len(other)) <= least_slip(one, other) <= slip(one, other)


def test_a_listing_is_found_by_its_name_town_products_and_text(shop: Shop) -> None:
    name, town, product, body = (unheard() for _ in range(4))
    listing = make_listing(shop, title=f"{name.upper()} Éclairs", description=f"Since {body}.")
    make_branch(shop, listing, town=town)
    make_product(shop, listing, name=product)
    make_product(shop, listing, name=unheard(), publish=False)
    for words in (name, town, product, body, f"{product} {town}", name[:6], f"eclairs {name}"):
        assert found(shop, words) == [listing.title], words
    assert found(shop, f"{name} {unheard()}") == []


def test_a_name_counts_more_than_a_text(shop: Shop) -> None:
    word = unheard()
    make_listing(shop, title=f"{word} first")
    make_listing(shop, title="Only mentions it", summary=f"Like {word}.")
    make_listing(shop, title=f"{word} second")
    assert found(shop, word) == [f"{word} second", f"{word} first", "Only mentions it"]


def test_slips_of_the_finger_are_forgiven(shop: Shop) -> None:
    word = unheard()
    make_listing(shop, title=f"{word} oven")
    swapped, missing = word[:3] + word[4] + word[3] + word[5:], word[:5] + word[6:]
    for typed in (swapped, missing, f"{word[:6]}z{word[6:]}"):
        with unit(shop.app):
            answer = search(Wish(words=typed), at=NOON)
        assert [hit.card["title"] for hit in answer.hits] == [f"{word} oven"] and answer.instead == word, typed
    with unit(shop.app):
        assert search(Wish(words=word), at=NOON).instead == ""


def test_a_mistyped_word_beside_a_right_one_is_mended_alone(shop: Shop) -> None:
    right, other = unheard(), unheard()
    make_listing(shop, title=f"{right} {other}")
    with unit(shop.app):
        assert search(Wish(words=f"{right} {other[:4]}{other[5:]}"), at=NOON).instead == f"{right} {other}"


def test_two_mistyped_words_are_mended_at_once(shop: Shop) -> None:
    one, other = unheard(), unheard()
    make_listing(shop, title=f"{one} {other}")
    typed = f"{one[:4]}{one[5:]} {other[:3]}{other[4]}{other[3]}{other[5:]}"
    with unit(shop.app):
        answer = search(Wish(words=typed), at=NOON)
        assert answer.instead == f"{one} {other}" and len(answer.hits) == 1
        assert spelt([one, typed.split()[1]]) == [[one, other]]
        assert spelt(["x", "q9zzz9", one]) == []


def test_of_a_mistyped_word_the_nearest_come_first(shop: Shop) -> None:
    stem = unheard()
    near = [f"{stem}a", f"{stem}ab", f"{stem}b"]
    make_listing(shop, title=" ".join([*near, f"{stem}abcd"]))
    with unit(shop.app):
        assert spelt([f"{stem}x"]) == [[near[0]], [near[2]], [near[1]]]


def test_whatever_differs_by_one_slip_is_seen_at_once(shop: Shop) -> None:
    """Every slip in these words, compared with each word of the directory letter by letter."""
    make_listing(shop, title=" ".join(CLOSE))
    typed = sorted({other for word in CLOSE for place in range(len(word) + 1) for other in slips_at(word, place)})
    with unit(shop.app):
        directory = [word for (word,) in ask_for("SELECT word FROM directory_words", {})]
        known = look_up(typed)
    assert set(CLOSE) <= set(directory) and known.whole == set(typed) & set(directory)
    assert set(known.unknown) == {word for word in typed if not any(one.startswith(word) for one in directory)} != set()
    for word, near in known.unknown.items():
        assert near == {one for one in directory if least_slip(word, one) <= 1 and slip(word, one) == 1}, word


def slips_at(word: str, place: int) -> set[str]:
    before, letter, after = word[:place], word[place : place + 1], word[place + 1 :]
    return {
        before + after,
        before + after[:1] + letter + after[1:],
        *(before + one + rest for one in "aex" for rest in (after, letter + after)),
    }


def test_a_word_with_two_slips_is_meant_when_none_is_nearer(shop: Shop) -> None:
    word = unheard()
    make_listing(shop, title=f"{word} mill")
    typed = word[:2] + word[3] + word[2] + word[4:7] + word[8:]
    with unit(shop.app):
        assert look_up([typed]).unknown == {typed: set()}
        assert search(Wish(words=typed), at=NOON).instead == word


def test_where_the_nearest_word_is_not_there_the_next_ones_are_tried(shop: Shop) -> None:
    """One slip away in another town, two slips away in this one."""
    word, town = unheard(), unheard()
    near, meant = f"{word}c", f"{word}cd"
    make_branch(shop, make_listing(shop, title=near), town="Bristol")
    make_branch(shop, make_listing(shop, title=meant), town=town)
    with unit(shop.app):
        assert spelt([f"{word}x"]) == [[near], [meant]]
        assert search(Wish(words=f"{word}x", town=town), at=NOON).instead == meant
        assert search(Wish(words=f"{word}x", town="bristol"), at=NOON).instead == near


def test_a_word_that_only_descriptions_have_is_none_to_be_mended(shop: Shop) -> None:
    word, other = unheard(), unheard()
    make_listing(shop, title="Told of", description=f"We bake {word}.")
    make_listing(shop, title=f"{word[:4]}{word[5:]} {other}")
    with unit(shop.app):
        answer = search(Wish(words=word), at=NOON)
        assert [hit.card["title"] for hit in answer.hits] == ["Told of"] and answer.instead == ""
        assert search(Wish(words=f"{word} {other}"), at=NOON).instead == f"{word[:4]}{word[5:]} {other}"


def test_category_and_facts_narrow_it(shop: Shop) -> None:
    word = unheard()
    rye, plain = make_listing(shop, title=f"{word} rye"), make_listing(shop, title=f"{word} plain")
    make_listing(shop, title=f"{word} gym", category="fitness")
    make_product(shop, rye, attributes={"flour": "rye", "vegan": "yes"})
    make_product(shop, plain, attributes={"vegan": "yes"})
    make_product(shop, plain, attributes={"flour": "rye"}, publish=False)
    assert found(shop, word, category="fitness") == [f"{word} gym"]
    assert found(shop, word, facts=("vegan=yes",)) == [f"{word} plain", f"{word} rye"]
    assert found(shop, word, facts=("vegan=yes", "flour=rye")) == [f"{word} rye"]


def test_what_is_near_comes_first_and_what_is_far_not_at_all(shop: Shop) -> None:
    word, far = unheard(), make_listing(shop, title="Bath")
    places = {"Bath": (51_381_300, -2_359_000), "Clifton": (51_462_000, -2_621_000), "Cardiff": (51_481_600, -3_179_100)}
    for town, at in places.items():
        make_branch(shop, far if town == "Bath" else make_listing(shop, title=town), at=at, name=word)
    here = Point(*BRISTOL)
    assert found(shop, word, near=here, radius_km=5) == ["Clifton"]
    assert found(shop, word, near=here, radius_km=25) == ["Clifton", "Bath"]
    assert found(shop, word, near=here, radius_km=100) == ["Clifton", "Bath", "Cardiff"]
    make_branch(shop, far, at=BRISTOL, name=word)
    with unit(shop.app):
        hits = search(Wish(words=word, near=here, radius_km=25), at=NOON).hits
    assert (hits[0].card["title"], hits[0].metres) == ("Bath", 0)
    assert 2_300 < (hits[1].metres or 0) < 2_600 and len(hits) == 2


def _metres(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Along the globe, worked out as in a textbook."""
    (a, b), (c, d) = [[math.radians(part / 1_000_000) for part in place] for place in (one, other)]
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return round(2 * EARTH_METRES * math.asin(math.sqrt(half)))


@pytest.mark.parametrize("lat", [0, 52, -74, 81])
def test_the_nearest_are_the_nearest_along_the_globe(shop: Shop, lat: int) -> None:
    """More lie around than a page needs, also due east where a map shows them further off; listings with two branches; and some on one spot."""
    here, dice = (lat * 1_000_000, secrets.randbelow(300_000_000) - 150_000_000), random.Random(lat)
    ground = math.cos(math.radians(lat))
    expected = []
    for n in range(14):
        listing, near = make_listing(shop, title=str(n), category="cafe" if n == 3 else "bakery"), []
        for _ in range(1 + n % 2):
            turn, far = dice.random() * 2 * math.pi, dice.randrange(500, 40_000)
            at = (here[0] + round(far * math.sin(turn)), here[1] + round(far * math.cos(turn) / ground)) if n < 9 else here
            make_branch(shop, listing, at=at, town="Sea", hours={} if n == 5 else EVERY_DAY)
            near.append(_metres(here, at))
        expected.append((min(near), listing.id, listing.title))
    titles = [title for _, _, title in sorted(expected)]
    for limit in (2, 6, 13, 14):
        with unit(shop.app):
            hits = search(Wish(near=Point(*here), radius_km=10), at=NOON, limit=limit).hits
        assert [hit.card["title"] for hit in hits] == titles[:limit]
        assert all(abs((hit.metres or 0) - far) <= 1 for hit, (far, _, _) in zip(hits, sorted(expected), strict=False))
    assert found(shop, "", near=Point(*here), category="cafe") == ["3"]
    assert found(shop, "", near=Point(*here), open_now=True) == [title for title in titles if title != "5"]


def test_of_one_kind_in_a_town_the_newest_come_first(shop: Shop) -> None:
    """By the branches in that town: a second one there counts once, and one elsewhere that is open does not help."""
    town, made = unheard(), []
    for n in range(5):
        listing = make_listing(shop, title=str(n))
        for _ in range(1 + n % 2):
            make_branch(shop, listing, town=town.title(), hours={} if n == 2 else EVERY_DAY)
        make_branch(shop, listing, town="Bath")
        made.append(str(n))
    make_branch(shop, make_listing(shop, title="other kind", category="cafe"), town=town)
    wish, seen, after = Wish(category="bakery", town=town), [], None
    for _ in range(3):
        with unit(shop.app):
            answer = search(wish, at=NOON, after=after, limit=2)
        seen.append([hit.card["title"] for hit in answer.hits])
        after = answer.next
    assert seen == [["4", "3"], ["2", "1"], ["0"]] and after is None
    assert found(shop, "", category="bakery", town=town, open_now=True) == ["4", "3", "1", "0"]


@pytest.mark.parametrize("radius", RADII)
@given(lat=st.integers(-90_000_000, 90_000_000), lon=st.integers(-180_000_000, 180_000_000), turn=st.floats(0, 7), share=st.floats(0, 1))
def test_whatever_lies_in_a_box_lies_in_one_of_its_squares(radius: int, lat: int, lon: int, turn: float, share: float) -> None:
    sides: dict[str, int] = {}
    box_around(Point(lat, lon), radius, sides)
    west, south, east, north = (sides[side] for side in ("west", "south", "east", "north"))
    squares = squares_of(west, south, east, north, radius_km=radius)
    if squares is None:
        assert radius > 2 or abs(lat) > 80_000_000 or east > 179_000_000 or west < -179_000_000 or west > east
        return
    a = max(min(round(lat + (north - lat) * share * math.sin(turn)), 90_000_000), -90_000_000)
    b = round(lon + (east - lon) * share * math.cos(turn))
    by, sign = (FINE, 1) if radius <= 10 else (WIDE, -1)
    number = ((a + 90_000_000) >> by) * 8192 + ((b + 180_000_000) >> by)
    assert (number if sign == 1 else -1 - number) in squares and len(squares) <= MOST_SQUARES


def test_near_the_date_line_the_other_side_is_near_too(shop: Shop) -> None:
    word, fiji = unheard(), make_listing(shop, title="Taveuni")
    make_branch(shop, fiji, at=(-16_800_000, 179_990_000), name=word, time_zone="Pacific/Fiji", country="FJ")
    assert found(shop, word, near=Point(-16_800_000, -179_990_000), radius_km=5) == ["Taveuni"]
    pole = make_listing(shop, title="Station")
    make_branch(shop, pole, at=(-89_990_000, 10_000_000), name=word, time_zone="Antarctica/McMurdo", country="AQ")
    assert found(shop, word, near=Point(-89_990_000, -170_000_000), radius_km=5) == ["Station"]


def test_open_now_is_by_the_branchs_own_clock(shop: Shop) -> None:
    word = unheard()
    london, tokyo = make_listing(shop, title="London"), make_listing(shop, title="Tokyo")
    make_branch(shop, london, name=word)
    make_branch(shop, tokyo, name=word, time_zone="Asia/Tokyo", at=None)
    assert found(shop, word, open_now=True, at=NOON) == ["London"]
    assert found(shop, word, open_now=True, at=NIGHT) == ["Tokyo"]
    assert found(shop, word, open_now=True, near=Point(*BRISTOL), at=NIGHT) == []
    assert found(shop, word, open_now=True, near=Point(*BRISTOL), at=NOON) == ["London"]


@pytest.mark.parametrize("near", [None, Point(*BRISTOL)])
def test_pages_follow_each_other_without_a_gap(shop: Shop, near: Point | None) -> None:
    word, made = unheard(), set()
    for n in range(7):
        listing = make_listing(shop, title=f"{word} {n}" if n % 2 else f"Number {n}", summary=word)
        make_branch(shop, listing, at=(BRISTOL[0] + n // 2 * 1000, BRISTOL[1]))
        made.add(listing.title)
    seen: list[str] = []
    after = None
    for _ in range(9):
        with unit(shop.app):
            answer = search(Wish(words=word, near=near), at=NOON, after=after, limit=2)
        seen += [hit.card["title"] for hit in answer.hits]
        after = answer.next
        if after is None:
            break
    assert len(seen) == 7 and set(seen) == made


@pytest.mark.parametrize("after", ["x", "n~0~not-an-id", "d~9999999999~", "n~0~00000000-0000-0000-0000-00000000000", "q~1~" + "0" * 36])
def test_a_page_nobody_led_to_does_not_exist(shop: Shop, after: str) -> None:
    with unit(shop.app), pytest.raises(NotFound):
        search(Wish(words="bread"), at=NOON, after=after)


def test_a_change_is_found_at_once_and_a_hidden_vendor_never(shop: Shop) -> None:
    before, after = unheard(), unheard()
    listing: Listing = make_listing(shop, title=before)
    with unit(shop.app):
        edit_listing(again(listing), by="x", terms=ListingTerms(after, "bakery", summary="s"))
    assert found(shop, before) == [] and found(shop, after) == [after]
    with unit(shop.app):
        set_visible(shop.vendor, "live", visible=False, reason="suspended", by="system")
    assert found(shop, after) == []


def test_a_place_is_a_town_a_postcode_or_a_position(shop: Shop) -> None:
    town, listing = unheard(), make_listing(shop)
    make_branch(shop, listing, town=town.title(), postcode=f"{town[:3]} 9zz")
    with unit(shop.app):
        assert find_point(f" {town.upper()} ") == Point(*BRISTOL, town.upper())
        assert find_point(f"{town[:3]}9ZZ") == Point(*BRISTOL, f"{town[:3]}9ZZ")
        assert find_point("51.4545, -2.5879") == Point(*BRISTOL, "51.4545, -2.5879")
        assert find_point(unheard()) is None and find_point("99, 200") is None and find_point("") is None


@given(words=st.text(max_size=60), near=st.text(max_size=30))
def test_nothing_that_can_be_typed_breaks_it(app: Flask, words: str, near: str) -> None:
    words, near = (text.replace("\x00", "").encode("utf-8", "ignore").decode() for text in (words, near))
    with unit(app):
        search(Wish(words=words, near=find_point(near)), at=NOON)


def test_short_words_and_swapped_letters_are_forgiven_too(shop: Shop) -> None:
    make_listing(shop, title="Brown tea bakery")
    for typed, meant in (("borwn", "brown"), ("bakrey", "bakery"), ("bakry", "bakery"), ("brwn", "brown")):
        with unit(shop.app):
            assert meant in [word for (word,) in spelt([typed])], typed
