"""Headers of the vendor's own: sent to a real receiver, refused where they would be somebody else's, and their values shown and kept nowhere."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from core.hooks.deliver import NO_HEADERS, NO_SECRET
from core.hooks.endpoints import SecretNotShown, change_endpoint, public_keys, roll_secret, take_away, young_secret
from core.hooks.headers import (
    HIDDEN,
    BadHeader,
    HeadersLost,
    are_lost,
    check_headers,
    covered,
    filled_in,
    headers_of,
    list_under_former_keys,
    read_lines,
    seal_anew,
)
from core.hooks.log import tries_of
from core.hooks.models import HookEndpoint
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import Receiver
from tests.factories import Shop, make_link, unit

TOKEN = "Bearer s3cret-and-long"
OWN = {"Authorization": TOKEN, "X-Shop": "4711"}


@pytest.fixture
def hooked(shop: Shop, receiver: Receiver) -> Hooked:
    return Hooked(shop, receiver, headers=OWN)


def sent(hooked: Hooked) -> dict[str, str]:
    """One more event, and the headers that came with it."""
    make_link(hooked.shop)
    hooked.relay()
    assert hooked.turn() == 1
    return hooked.receiver.got[-1][0]


def change(hooked: Hooked, headers: dict[str, str] | None, **more: Any) -> HookEndpoint:
    with unit(hooked.app):
        same = {"by": "usr_x", "address": hooked.receiver.address, "name": "", "types": []}
        return change_endpoint(hooked.shop.vendor, hooked.endpoint, headers=headers, **(same | more))


def test_they_go_along_with_every_delivery_and_the_signatures_stay_right(hooked: Hooked) -> None:
    got = sent(hooked)
    assert (got["authorization"], got["x-shop"], got["content-type"]) == (TOKEN, "4711", "application/json")
    Webhook(hooked.secret).verify(hooked.receiver.got[-1][1], got)
    with unit(hooked.app):
        rolled = roll_secret(hooked.endpoint, by="usr_x")
    got = sent(hooked)
    assert got["authorization"] == TOKEN
    for secret in (rolled, hooked.secret):
        Webhook(secret).verify(hooked.receiver.got[-1][1], got)


def test_the_values_stand_nowhere_in_the_database_nor_in_the_log(hooked: Hooked) -> None:
    sent(hooked)
    with unit(hooked.app):
        (delivery,) = hooked.deliveries()
        (one,) = tries_of(hooked.shop.vendor, delivery)
        assert one.sent["Authorization"] == one.sent["X-Shop"] == HIDDEN and one.sent["webhook-id"].startswith("evt_")
        for table in ("hook_endpoints", "hook_attempts", "audit_entries"):
            rows = [str(row) for row in db.session.execute(text(f"SELECT t.* FROM {table} t WHERE vendor_id = :v"), {"v": hooked.key[0]})]
            assert rows and not [row for row in rows if "s3cret" in row or "4711" in row]


def test_a_receiver_that_says_everything_back_is_kept_without_them(hooked: Hooked) -> None:
    from core.hooks.deliver import Heard, next_letter, record_try

    make_link(hooked.shop)
    hooked.relay()
    with unit(hooked.app):
        letter = next_letter(hooked.key)
        assert letter and "s3cret" not in repr(letter)
        record_try(letter, Heard(400, 3, json.dumps({"you sent": TOKEN}).encode(), {"www-authenticate": f"not {TOKEN}"}))
        (one,) = tries_of(hooked.shop.vendor, hooked.deliveries()[0])
    assert one.answer == f'{{"you sent": "{HIDDEN}"}}' and one.answered == {"www-authenticate": f"not {HIDDEN}"}


def test_a_value_is_covered_as_json_writes_it_and_a_short_one_is_not_looked_for() -> None:
    assert covered('{"a": "say \\"hello\\" twice"}', {"X-A": 'say "hello" twice'}) == f'{{"a": "{HIDDEN}"}}'
    assert covered("banana", {"X-A": "an"}) == "banana"


def test_what_is_changed_and_what_stays(hooked: Hooked) -> None:
    change(hooked, None, name="Other")
    assert sent(hooked)["authorization"] == TOKEN
    change(hooked, {"authorization": HIDDEN, "X-New": "one two"})
    got = sent(hooked)
    assert (got["authorization"], got["x-new"]) == (TOKEN, "one two") and "x-shop" not in got
    change(hooked, {})
    got = sent(hooked)
    assert "authorization" not in got and "x-new" not in got


def test_only_names_are_audited(hooked: Hooked) -> None:
    change(hooked, {"Authorization": "Bearer another", "X-Other": "5"})
    with unit(hooked.app):
        entries = db.session.query(AuditEntry).filter_by(vendor_id=hooked.key[0], subject=hooked.endpoint.public_id)
        made, changed = (entries.filter_by(action=action).one().detail for action in ("webhook.made", "webhook.changed"))
    assert made["headers"] == ["Authorization", "X-Shop"]
    assert changed["changes"] == {"headers": [["Authorization", "X-Shop"], ["Authorization", "X-Other"]]}
    assert changed["new_values"] == ["Authorization"]


def test_kept_values_follow_to_no_other_server(hooked: Hooked) -> None:
    """Whoever may change an address could otherwise have them sent to a server of their own, and read there what nobody is shown here."""
    elsewhere = "https://elsewhere.example/webhooks"
    for headers in (None, {"Authorization": HIDDEN}):
        with pytest.raises(BadHeader, match="another server") as refused:
            change(hooked, headers, address=elsewhere)
        assert refused.value.field == "headers"
    assert hooked.now().address == hooked.receiver.address
    assert change(hooked, None, address=hooked.receiver.address + "/other").header_names == list(OWN)  # the same server
    assert change(hooked, {"Authorization": "Bearer new"}, address=elsewhere).header_names == ["Authorization"]


def test_nothing_is_kept_of_an_endpoint_that_was_taken_away(hooked: Hooked) -> None:
    with unit(hooked.app):
        take_away(hooked.endpoint, by="usr_x")
    gone = hooked.now()
    assert (gone.header_names, gone.headers_sealed) == ([], None)


def test_they_open_under_the_key_they_were_sealed_with_and_in_their_own_row_only(
    hooked: Hooked, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = settings().secrets["factor_keys"]
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}, *ring])
    assert sent(hooked)["authorization"] == TOKEN
    other = Hooked(hooked.shop, receiver, headers={"X-Other": "mine"})
    mine, theirs = hooked.now(), other.now()
    assert (mine.headers_key, theirs.headers_key) == (ring[0]["kid"], "f2")
    assert headers_of(theirs) == {"X-Other": "mine"}
    theirs.headers_key, theirs.headers_sealed = mine.headers_key, mine.headers_sealed
    with pytest.raises(ValueError, match="another row"):
        headers_of(theirs)


def test_an_operator_moves_them_to_a_new_key_and_sees_what_follows_from_each(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = settings().secrets["factor_keys"]
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f9", "key": "n" * 48}, *ring])
    typed = hooked.app.test_cli_runner()
    before = typed.invoke(args=["keys"]).output
    assert "f9 (newest): 0 rows" in before and re.search(rf"^{ring[0]['kid']}: .*[1-9]\d* headers of webhooks", before, re.M)
    moved = typed.invoke(args=["keys", "--seal-anew"]).output
    assert re.search(r"^Encrypted anew: [1-9]\d* of ", moved, re.M) and re.search(
        r"^f9 \(newest\): [1-9]\d* headers of webhooks$", moved, re.M
    )
    assert hooked.now().headers_key == "f9" and sent(hooked)["authorization"] == TOKEN
    assert "Encrypted anew: 0 of " in typed.invoke(args=["keys", "--seal-anew"]).output, "it may be begun again"
    with unit(hooked.app):  # as it was, for who else uses this database
        monkeypatch.setitem(settings().secrets, "factor_keys", [*ring, {"kid": "f9", "key": "n" * 48}])
        for one in list_under_former_keys():
            seal_anew(*one)


@pytest.fixture
def lost(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> Hooked:
    """The file of secrets came back from nowhere with a new key alone; the secret was rolled since, so deliveries could be signed."""
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
    with unit(hooked.app):
        hooked.secret = roll_secret(hooked.endpoint, by="usr_x")
    return hooked


def tries(hooked: Hooked) -> list[Any]:
    with unit(hooked.app):
        return [one for delivery in hooked.deliveries() for one in tries_of(hooked.shop.vendor, delivery)]


def test_without_values_that_can_be_read_nothing_is_sent_and_the_log_says_why(lost: Hooked) -> None:
    make_link(lost.shop)
    lost.relay()
    assert lost.turn() == 1 and lost.receiver.got == []
    (one,) = tries(lost)
    assert (one.problem, one.status, one.sent) == (NO_HEADERS, None, {})
    row = lost.now()
    assert (row.failures, row.taken_until, lost.deliveries()[0].state) == (1, None, "waiting") and row.rest_until
    with pytest.raises(HeadersLost, match="f1"):
        headers_of(row)


def test_a_key_that_comes_back_makes_them_go_along_again(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as away:
        away.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
        change(hooked, None, name="Other")
        assert hooked.now().name == "Other" and are_lost(hooked.now())
    assert sent(hooked)["authorization"] == TOKEN


def test_lost_values_can_be_taken_away_or_written_anew(lost: Hooked) -> None:
    with pytest.raises(BadHeader, match="cannot be read any more") as refused:
        change(lost, {"Authorization": HIDDEN, "X-New": "1"})
    assert refused.value.field == "headers"
    with pytest.raises(BadHeader, match="cannot be read any more"):
        change(lost, None, address="https://elsewhere.example/webhooks")
    change(lost, {"Authorization": "Bearer new"})
    got = sent(lost)
    assert got["authorization"] == "Bearer new" and "x-shop" not in got
    Webhook(lost.secret).verify(lost.receiver.got[-1][1], got)
    with unit(lost.app):
        (entry,) = db.session.query(AuditEntry).filter_by(vendor_id=lost.key[0], action="webhook.changed")
    assert entry.detail["new_values"] == ["Authorization"]
    change(lost, {})
    assert "authorization" not in sent(lost)


def test_taken_away_without_a_word(lost: Hooked) -> None:
    assert change(lost, {}).header_names == [] and not are_lost(lost.now())
    with unit(lost.app):
        take_away(lost.endpoint, by="usr_x")
    assert lost.now().state == "gone"


def test_without_a_secret_nothing_goes_out_unsigned(shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    hooked = Hooked(shop, receiver)
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
    make_link(shop)
    hooked.relay()
    assert hooked.turn() == 1 and receiver.got == []
    assert tries(hooked)[0].problem == NO_SECRET
    with unit(hooked.app):
        assert public_keys(hooked.endpoint) == []
        with pytest.raises(SecretNotShown):
            young_secret(hooked.endpoint)
        hooked.secret = roll_secret(hooked.endpoint, by="usr_x")
        assert len(public_keys(hooked.endpoint)) == 1
    with frozen(now() + timedelta(minutes=2)):  # when it has rested
        assert hooked.turn() == 1
    Webhook(hooked.secret).verify(receiver.got[-1][1], receiver.got[-1][0])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Host", "set by us"), ("content-length", "set by us"), ("Content-Type", "set by us"), ("Content_Encoding", "set by us"),
        ("Transfer-Encoding", "set by us"), ("Connection", "set by us"), ("Keep-Alive", "set by us"), ("TE", "set by us"), ("Trailer", "set by us"),
        ("Upgrade", "set by us"), ("Expect", "set by us"), ("Proxy-Authorization", "set by us"), ("Cookie", "set by us"), ("User-Agent", "set by us"),
        ("Accept-Encoding", "set by us"), ("X-Forwarded-For", "set by us"), ("webhook-id", "set by us"), ("Webhook-Timestamp", "set by us"),
        ("webhook_id", "set by us"), ("Portal-Signature", "signature"), ("Stripe-Signature", "signature"), ("WEBHOOK-SIGNATURE", "signature"),
        ("webhook.signature", "signature"), ("", "needs a name"), ("X Shop", "no name of a header"), ("X-Shöp", "needs a name"), ("X:Y", "no name of a header"),
        ("X\r\nY", "needs a name"), ("X-" + "a" * 63, "too long"), ("(X)", "no name of a header"),
    ],
)  # fmt: skip
def test_names_that_are_none_or_not_theirs_are_refused(name: str, says: str) -> None:
    with pytest.raises(BadHeader, match=says) as refused:
        check_headers({name: "value"})
    assert refused.value.field == "headers"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "no value"), ("  ", "no value"), ("a\r\nHost: evil", "no header carries"), ("a\nb", "no header carries"), ("a\x00", "no header carries"),
        ("a\tb", "no header carries"), ("café", "no header carries"), ("a" * 501, "too long"), ("\x7f", "no header carries"), ("a\n", "no header carries"),
    ],
)  # fmt: skip
def test_values_that_no_header_carries_are_refused(value: str, says: str) -> None:
    with pytest.raises(BadHeader, match=says):
        check_headers({"X-Shop": value})


def test_the_bounds_are_as_they_are_told() -> None:
    longest = {"X" * 64: "v" * 500} | {f"X-{n}": "!~ ~!" for n in range(9)}
    assert check_headers(longest) == longest
    with pytest.raises(BadHeader, match="10 headers at most"):
        check_headers(longest | {"X-10": "v"})
    with pytest.raises(BadHeader, match="twice"):
        check_headers({"X-Shop": "1", "x_shop": "2"})


def test_lines_are_read_as_people_write_them() -> None:
    assert read_lines("X-Shop: 4711\n\n  Authorization :Basic a:b== \n") == {"X-Shop": "4711", "Authorization": "Basic a:b=="}
    for written, says in (("X-Shop 4711", "Line 1 is no header"), ("X: 1\n: v", "Line 2 is no header"), ("X: 1\nX: 2", "twice")):
        with pytest.raises(BadHeader, match=says):
            read_lines(written)
    with pytest.raises(BadHeader, match="none is kept"):
        filled_in({"X-New": HIDDEN}, OWN, moved=False)
