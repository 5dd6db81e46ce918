"""The plan simulator: dated wishes in the address, and the year they make: what the card is asked for, every document, and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from flask import Response, request, url_for
from flask_babel import gettext as _

from core.accounts.house import find_details, house
from core.billing.calendar import boundary
from core.billing.forecast import Intention
from core.billing.models import KeptSubscription
from core.billing.price_list import offer_on
from core.billing.renew import Offer
from core.billing.simulate import Simulation, last_day, simulate, simulate_new, today_of
from core.billing.states import CANCELLED
from core.billing.store import Beginning
from core.subscriptions.plan import counts, find_plan
from core.web.filters import day as day_words
from core.web.guard import current, may
from core.web.languages import language, written
from core.web.page import page, see_other
from core.web.sheet import send_sheet, titles_for
from portal.blueprint import portal
from portal.days import today
from portal.forecast_months import asked_with, chart_of, months_of
from portal.forecast_sheet import sheet_of
from portal.plan_view import known_plans
from portal.wish_rows import KINDS, Bounds, WishRow, clean, day_of, errors_of, read_rows

BLANKS = 5  # empty rows that may be asked for at once


@dataclass(frozen=True)
class Setting:
    """Whose future is played: the vendor's own plan, or one it could begin with; `errors` are those of its fields."""

    row: KeptSubscription | None
    offer: Offer
    plan: str
    start: str
    first: date
    errors: dict[str, str]
    trial: bool = False  # who comes for the first time may have some days for nothing

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.first, last_day(self.first), self.offer.terms)

    @property
    def typed(self) -> list[tuple[str, str]]:
        return [] if self.row else [("plan", self.plan), ("start", self.start)]


@portal.get("/portal/plan/simulator")
@may("settings.see")
def plan_simulator() -> Response:
    """Everything stands in the address: it can be kept, sent on and loaded again, and nothing is stored."""
    setting = _setting()
    rows = read_rows(request.args, setting.bounds)
    if "remove" in request.args or "more" in request.args:
        return see_other(_address(setting, _without(rows), blanks=_blanks() + ("more" in request.args)))
    played, errors = _play(setting, rows), [*setting.errors.items(), *errors_of(rows)]
    months = months_of(played) if played else []
    return page(
        "portal/plan/simulator.html",
        fragment="portal/plan/_simulation.html",
        status=422 if errors else 200,
        setting=setting,
        kinds=KINDS,
        rows=[*rows, *(WishRow(len(rows) + n + 1, len(rows) + n) for n in range(_blanks()))],
        errors=errors,
        days=_suggested(setting.bounds),
        played=played,
        months=months,
        charts=[(code, chart_of(months, code)) for code in played.currencies] if played else [],
        asked_with=asked_with,
        known=known_plans(),
        refused=[(_number(rows, each.intention), each.intention.on, written(each.message)) for each in played.wished.refused] if played else [],
        sheet=_address(setting, rows, endpoint=".plan_simulator_sheet"),
    )  # fmt: skip


@portal.get("/portal/plan/simulator.csv")
@may("settings.see")
def plan_simulator_sheet() -> Response:
    """Every line, tax and charge of the year as a file; what is wrong with the wishes is said on the page."""
    setting = _setting()
    rows = read_rows(request.args, setting.bounds)
    played = _play(setting, rows)
    if played is None or errors_of(rows):
        return see_other(_address(setting, rows))
    return send_sheet(sheet_of(played.wished, titles_for(language())), f"plan-{played.first}-{played.last}")


# --- whose future ------------------------------------------------------------------------------------------------------------


def _setting() -> Setting:
    """The vendor's plan if there is one that lives, else the one asked for. A 404 while nothing is sold."""
    me, seller = current(), house()
    row = find_plan(me.vendor, me.mode)
    if row is not None and row.status != CANCELLED:
        first = today_of(row)
        return Setting(row, offer_on(seller.id, me.mode, first), row.tier, "", first, {})
    asked, errors = request.args.get("start", "").strip(), {}
    first, last = day_of(asked) if asked else today(), last_day(today())
    if first is None or not today() <= first <= last:
        errors["start"] = _("Choose a day from %(first)s to %(last)s.", first=day_words(today()), last=day_words(last))
        first = today()
    offer = offer_on(seller.id, me.mode, first)
    plan = request.args.get("plan", offer.terms.tiers[0].code)
    if not offer.terms.lists(plan):
        errors["plan"] = _("Choose a plan from the list.")
    return Setting(None, offer, clean(plan), clean(asked) if asked else first.isoformat(), first, errors, trial=row is None)


def _play(setting: Setting, rows: list[WishRow]) -> Simulation | None:
    """The year, without the rows that are wrong. None when it is not known whose."""
    wishes = [row.intention for row in rows if row.intention is not None]
    if setting.row is not None:
        return simulate(setting.row, wishes)
    if setting.errors:
        return None
    me, seller = current(), house()
    details, (products, branches) = find_details(seller.id), counts(me.vendor, me.mode)
    wish = Beginning(
        setting.plan,
        me.vendor.time_zone,
        trial_days=setting.offer.terms.trial_days if setting.trial else 0,
        tax_bps=details.tax_bps if details else None,
        products=products,
        branches=branches,
    )
    return simulate_new(seller, me.mode, wish, setting.first, wishes)


# --- the address -------------------------------------------------------------------------------------------------------------


def _blanks() -> int:
    text = request.args.get("blanks", "")
    return min(max(int(text), 1), BLANKS) if text.isascii() and text.isdigit() and len(text) < 4 else 1


def _without(rows: list[WishRow]) -> list[WishRow]:
    """All but the one whose button was pressed."""
    return [row for row in rows if str(row.place) != request.args.get("remove")]


def _address(setting: Setting, rows: list[WishRow], *, blanks: int = 1, endpoint: str = ".plan_simulator") -> str:
    said = [*setting.typed, *(pair for row in rows for pair in row.typed), *([("blanks", str(blanks))] if blanks > 1 else [])]
    return url_for(endpoint) + ("?" + urlencode(said) if said else "")


def _suggested(bounds: Bounds) -> list[date]:
    """The first days of the months that can be played."""
    months = [boundary(bounds.first.replace(day=1), n) for n in range(1, 13)]
    return [first for first in months if first <= bounds.last]


def _number(rows: list[WishRow], intention: Intention) -> int:
    return next((row.number for row in rows if row.intention is intention), 0)
