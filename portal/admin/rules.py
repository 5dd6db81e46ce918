"""The house's rules about payments: read, written as a draft, tried on what was, and published; and every version there ever was."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.staff import staff_names
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.payments.try_rules import try_rules
from core.risk.rule_models import LONGEST_REASON, RuleSet
from core.risk.rule_sets import (
    KEPT_SECONDS,
    draft,
    drop_draft,
    get_version,
    keep_trial,
    list_versions,
    publish,
    published,
    write_draft,
)
from core.risk.rules import COUNTED as COUNTED_OF
from core.risk.rules import LONGEST_NAME, MOST_COUNT, MOST_HOURS, Condition, Rule, make_rule, read_rules
from core.web.fields import BooleanField, ChoiceField, CountField, CurrencyField, Form, LineField, MoneyField, RadioField, options
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.rule_words import ACTION_TONES, ACTIONS, COUNTED, UNKNOWN, condition_words
from portal.confirm import confirmed

WORLDS = ("live", "test")


class RuleForm(Form):
    name = LineField(later("Name"), most=LONGEST_NAME, required=later("Give the rule a name: it is what you read as the reason later."))
    over = MoneyField(later("The amount is over"), above_zero=False)
    currency = CurrencyField(later("Currency"))
    often_of = ChoiceField(
        later("Payments with"), choices=options([("", later("Do not count")), *((of, COUNTED[of]) for of in COUNTED_OF)])
    )
    often_most = CountField(later("More than"), most=MOST_COUNT)
    often_hours = CountField(later("Within so many hours"), most=MOST_HOURS)
    country = BooleanField(later("The card comes from another country than the payer says"))
    new_payer = BooleanField(later("Nothing was paid to the seller with this e-mail address before"))
    watched = BooleanField(later("Something of it is on the watch list"))
    action = RadioField(later("Then"), choices=options(ACTIONS.items()), default="review")

    def conditions(self) -> list[Condition]:
        found = []
        if self.over.data is not None:
            found.append(Condition("amount", currency=self.over.data.currency, minor=self.over.data.minor))
        if self.often_of.data:
            found.append(Condition("often", of=self.often_of.data, most=self.often_most.data or 0, hours=self.often_hours.data or 0))
        return found + [Condition(what) for what in ("country", "new_payer", "watched") if self[what].data]


class PublishForm(Form):
    reason = LineField(later("Why"), most=LONGEST_REASON, required=later("Say why, so that whoever looks later knows."))


@staff_door.get("/staff/risk/<world>")
@staff_may("risk.see")
def rules(world: str) -> Response:
    return _page(_world(world))


@staff_door.post("/staff/risk/<world>/rules")
@staff_may("risk.rules")
def add_rule(world: str) -> Response:
    world, form = _world(world), RuleForm()
    if form.validate():
        with form.refusals():
            rule = make_rule(form.name.data or "", form.conditions(), form.action.data)
            write_draft(world, [*_written(world), rule], revision=_revision(), by=staff().public_id)
            flash(_("It stands in the draft. Nothing of it counts yet."), "good")
            return _back(world)
    return _page(world, form=form)


@staff_door.post("/staff/risk/<world>/rules/<place>/removal")
@staff_may("risk.rules")
def remove_rule(world: str, place: str) -> Response:
    return _change(world, place, up=False)


@staff_door.post("/staff/risk/<world>/rules/<place>/up")
@staff_may("risk.rules")
def move_rule(world: str, place: str) -> Response:
    return _change(world, place, up=True)


def _change(world: str, place: str, *, up: bool) -> Response:
    world = _world(world)
    written = list(_written(world))
    at = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else len(written)
    if at >= len(written) or (up and at == 0):
        raise NotFound("There is no such rule.")
    rule = written.pop(at)
    if up:
        written.insert(at - 1, rule)
    write_draft(world, written, revision=_revision(), by=staff().public_id)
    return _back(world)


@staff_door.post("/staff/risk/<world>/trial")
@staff_may("risk.rules")
def try_draft(world: str) -> Response:
    """What the draft would have done with the last thirty days. It reads, and keeps the figures beside the draft."""
    world = _world(world)
    row, present = draft(world), published(world)
    if row is None:
        raise NotFound("There is no draft.")
    trial = try_rules(world, read_rules(row.rules), read_rules(present.rules) if present else ())
    keep_trial(world, _revision(), trial)
    return see_other(url_for(".rules", world=world) + "#trial")


@staff_door.post("/staff/risk/<world>/publication")
@staff_may("risk.rules")
@confirmed
def publish_rules(world: str) -> Response:
    world, form = _world(world), PublishForm()
    if form.validate():
        with form.refusals():
            row = publish(world, revision=_revision(), reason=form.reason.data or "", by=staff().public_id)
            flash(
                _("Version %(version)s counts from now on, everywhere within %(num)s seconds.", version=row.version, num=KEPT_SECONDS),
                "good",
            )
            return _back(world)
    return _page(world, publishing=form)


@staff_door.post("/staff/risk/<world>/draft/removal")
@staff_may("risk.rules")
def drop_rules(world: str) -> Response:
    world = _world(world)
    drop_draft(world, revision=_revision())
    flash(_("The draft is gone. What counts has not changed."), "good")
    return _back(world)


@staff_door.get("/staff/risk/<world>/versions/<version>")
@staff_may("risk.see")
def rules_version(world: str, version: str) -> Response:
    if not (version.isascii() and version.isdigit() and len(version) < 8):
        raise NotFound("There is no such version.")
    row = get_version(_world(world), int(version))
    if row.published_at is None:
        raise NotFound("There is no such version.")
    return page("portal/admin/risk/version.html", world=world, row=row, rules=told(row), people=staff_names(), **_words())


def told(row: RuleSet | None) -> list[tuple[Rule, list[str]]]:
    """Each rule with its conditions in words."""
    return [(rule, [condition_words(one) for one in rule.conditions]) for rule in (read_rules(row.rules) if row else ())]


def _words() -> dict[str, object]:
    return {"actions": ACTIONS, "tones": ACTION_TONES}


def _world(world: str) -> str:
    if world not in WORLDS:
        raise NotFound("That page does not exist.")
    return world


def _revision() -> int:
    """Of the draft that the page showed; 0 where there was none."""
    said = request.form.get("revision", "0")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else -1


def _written(world: str) -> tuple[Rule, ...]:
    """The draft's rules; where there is none it begins as what counts."""
    row = draft(world) or published(world)
    return read_rules(row.rules) if row else ()


def _back(world: str) -> Response:
    return see_other(url_for(".rules", world=world))


def _page(world: str, *, form: RuleForm | None = None, publishing: PublishForm | None = None) -> Response:
    row, present = draft(world), published(world)
    wrong, publishing = form or publishing, publishing or PublishForm(formdata=None)
    for one in publishing:
        one.id = f"publish-{one.name}"  # there are two forms on the page
    return page(
        "portal/admin/risk/rules.html",
        status=wrong.status if wrong else 200,
        world=world,
        draft=row,
        draft_rules=told(row),
        present=present,
        present_rules=told(present),
        trial=row.trial if row else None,
        versions=list_versions(world),
        people=staff_names(),
        form=form or RuleForm(formdata=None, currency="EUR"),
        publishing=publishing,
        wrong=wrong,
        unknown=[str(UNKNOWN[what]) for what in (row.trial["unknown"] if row and row.trial else ())],
        sums=[[Money(minor, code) for code, minor in one["sums"].items()] for one in (row.trial["rules"] if row and row.trial else ())],
        may=staff().may("risk.rules"),
        **_words(),
    )
