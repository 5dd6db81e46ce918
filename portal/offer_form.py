"""The part of a link's form that says what it sells and what it asks: rows of things and of questions, as many as are filled in and a few more."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms.validators import StopValidation

from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.percent import BadPercent, parse_percent, percent_text
from core.payments.basket import offer_of
from core.payments.link_terms import LinkTerms
from core.payments.models import PaymentLink
from core.payments.offer import ASKED, MOST_EACH, MOST_ITEMS, MOST_QUESTIONS, QUESTION_KINDS, Item, Offer, Question, Terms, Tips
from core.payments.offer_check import slug_of
from core.payments.tax import list_rates, rates_named
from core.web.fields import BooleanField, ChoiceField, CountField, FormTokenField, LineField, MoneyField, ParagraphField, options
from core.web.guard import current
from core.web.languages import written
from core.web.percent_field import PercentField
from portal.link_form import LinkForm, filled_from

ITEM_PARTS, QUESTION_PARTS = ("id", "title", "price", "least", "most", "rate"), ("slug", "label", "kind", "required", "options")
KIND_WORDS = {"text": _l("Text"), "number": _l("Number"), "date": _l("Day"), "checkbox": _l("Box to tick"), "select": _l("One of a list")}
ASKED_WORDS = {"off": _l("Do not ask"), "optional": _l("Optional"), "required": _l("Required")}
SPARE_ITEMS, SPARE_QUESTIONS = 3, 2


class PercentsField(LineField):
    """Up to a few percentages beside each other, `5, 10, 15`; `points` holds what was read, in basis points."""

    points: tuple[int, ...] = ()

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        try:
            self.points = tuple(parse_percent(text[:20]) for text in (self.data or "").replace(",", " ").split())
        except BadPercent as refusal:
            raise StopValidation(written(refusal.message)) from None


class OfferForm(LinkForm):
    """A link's form with its selling and asking parts; the rows are added by `_made`."""

    rows = questions_shown = 0
    rate = ChoiceField(_l("Tax"), choices=[], default="", words=_l("Choose a tax rate from the list."))
    tip_presets = PercentsField(_l("Tips, in percent"), most=60)
    tip_usual = PercentField(_l("Chosen to begin with"))
    tip_taxed = BooleanField(_l("Tips are taxed too"))
    discounts = BooleanField(_l("Payers may enter a discount code"))
    business = BooleanField(_l("Payers may say that they buy as a business"))
    email = ChoiceField(_l("E-mail address"), choices=options((mode, ASKED_WORDS[mode]) for mode in ASKED), default="required")
    phone = ChoiceField(_l("Telephone"), choices=options((mode, ASKED_WORDS[mode]) for mode in ASKED), default="off")
    billing = ChoiceField(_l("Billing address"), choices=options((mode, ASKED_WORDS[mode]) for mode in ASKED), default="off")
    shipping = ChoiceField(_l("Delivery address"), choices=options((mode, ASKED_WORDS[mode]) for mode in ASKED), default="off")
    terms_label = LineField(_l("What stands beside the box"), most=200)
    terms_text = ParagraphField(_l("Terms to agree to"), most=20_000)
    success_url = LineField(_l("After paying, back to"), most=500)
    cancel_url = LineField(_l("Without paying, back to"), most=500)
    form_token = FormTokenField(default=lambda: secrets.token_urlsafe(18))

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        if self.sells_items and not self.items:
            self.refuse(_("Write down at least one thing with its price."), "item_0_title")
        for n in self._filled("item", self.rows, ("title", "price")) if self.sells_items else ():
            if not self[f"item_{n}_title"].data and not self[f"item_{n}_title"].errors:
                self.refuse(_("Say what it is."), f"item_{n}_title")
            if self[f"item_{n}_price"].data is None and not self[f"item_{n}_price"].errors:
                self.refuse(_("Enter its price."), f"item_{n}_price")
        return good and not self.errors

    @property
    def questions_open(self) -> bool:
        """Whether the part that asks is used, or has something to correct: then it stands open."""
        used = self.business.data or self.terms_text.data or {self.phone.data, self.billing.data, self.shipping.data} != {"off"}
        used = used or self.email.data != "required"
        asks = any(field.errors or (name.endswith("_label") and field.data) for name, field in self._fields.items() if name.startswith(("question_", "terms_")))  # fmt: skip
        return bool(used or asks)

    @property
    def sells_items(self) -> bool:
        return bool(self.amount_kind.data == "items")

    def _filled(self, kind: str, count: int, parts: tuple[str, ...]) -> list[int]:
        """The rows in which somebody wrote something."""
        return [n for n in range(count) if any((self[f"{kind}_{n}_{part}"].raw_data or [""])[0].strip() for part in parts)]

    @property
    def items(self) -> list[Item]:
        found = []
        for n in self._filled("item", self.rows, ("title", "price")):
            price, least, most = self[f"item_{n}_price"].data, self[f"item_{n}_least"].data, self[f"item_{n}_most"].data
            least = 1 if least is None else least
            most = max(least, 1) if most is None else most
            known = self[f"item_{n}_id"].data
            found.append(
                Item(
                    known or public_id("itm"),
                    self[f"item_{n}_title"].data or "",
                    price.minor if price else 0,
                    least,
                    most,
                    self[f"item_{n}_rate"].data,
                )
            )
        return found

    @property
    def asked(self) -> list[Question]:
        found: list[Question] = []
        for n in self._filled("question", self.questions_shown, ("label",)):
            label, kind = self[f"question_{n}_label"].data or "", self[f"question_{n}_kind"].data
            slug = self[f"question_{n}_slug"].data or slug_of(label, {q.slug for q in found})
            texts = [text.strip() for text in (self[f"question_{n}_options"].data or "").split(",")]
            found.append(
                Question(
                    slug, label, kind, bool(self[f"question_{n}_required"].data), tuple(t for t in texts if t) if kind == "select" else ()
                )
            )
        return found

    def terms(self, *, paused_message: str = "") -> LinkTerms:
        plain = super().terms(paused_message=paused_message)
        presets = self.tip_presets.points
        words = self.terms_text.data or ""
        offer = Offer(
            items=tuple(self.items) if self.sells_items else (),
            rate=self.rate.data or "",
            tips=Tips(presets, self.tip_usual.data, bool(self.tip_taxed.data)) if presets else None,
            discounts=bool(self.discounts.data),
            business=bool(self.business.data),
            questions=tuple(self.asked),
            terms=Terms(self.terms_label.data or _("I agree to the terms"), words) if words else None,
            email=self.email.data, phone=self.phone.data, billing=self.billing.data, shipping=self.shipping.data,
            success_url=self.success_url.data or "", cancel_url=self.cancel_url.data or "",
        )  # fmt: skip
        sums: dict[str, Any] = {
            "amount_minor": None,
            "minimum_minor": None,
            "maximum_minor": None,
            "step_minor": None,
            "suggestions_minor": [],
        }
        return replace(plain, offer=offer, **(sums if self.sells_items else {}))


def empty_form() -> OfferForm:
    """The form of a link that does not exist yet."""
    return _class(SPARE_ITEMS, SPARE_QUESTIONS)(formdata=None, currency=current().vendor.currency)


def posted_form(link: PaymentLink | None = None) -> OfferForm:
    """What was sent, with the rows that were left empty closed up."""
    sent = _closed_up(
        _closed_up(request.form, "item", ITEM_PARTS, MOST_ITEMS, "title", "price"), "question", QUESTION_PARTS, MOST_QUESTIONS, "label"
    )
    more = request.form.get("more", "")
    items = _count(sent, "item", MOST_ITEMS) + (5 if more == "items" else SPARE_ITEMS)
    questions = _count(sent, "question", MOST_QUESTIONS) + (4 if more == "questions" else SPARE_QUESTIONS)
    return _class(min(items, MOST_ITEMS), min(questions, MOST_QUESTIONS), link)(formdata=sent)


def form_of(link: PaymentLink) -> OfferForm:
    """The form as it looks when somebody opens an existing link for editing."""
    offer = offer_of(link)
    items, questions = min(len(offer.items) + SPARE_ITEMS, MOST_ITEMS), min(len(offer.questions) + SPARE_QUESTIONS, MOST_QUESTIONS)
    values: dict[str, Any] = {name: getattr(offer, name) for name in ("rate", "discounts", "business", "email", "phone", "billing", "shipping", "success_url", "cancel_url")}  # fmt: skip
    if offer.items:
        values["amount_kind"] = "items"
    for n, item in enumerate(offer.items):
        row = {
            "id": item.id,
            "title": item.title,
            "price": Money(item.unit_minor, link.currency),
            "least": item.least,
            "most": item.most,
            "rate": item.rate,
        }
        values |= {f"item_{n}_{part}": value for part, value in row.items()}
    for n, question in enumerate(offer.questions):
        row = {"slug": question.slug, "label": question.label, "kind": question.kind, "required": question.required, "options": ", ".join(question.options)}  # fmt: skip
        values |= {f"question_{n}_{part}": value for part, value in row.items()}
    if offer.tips:
        values |= {
            "tip_presets": ", ".join(map(percent_text, offer.tips.presets)),
            "tip_usual": offer.tips.usual,
            "tip_taxed": offer.tips.taxed,
        }
    if offer.terms:
        values |= {"terms_label": offer.terms.label, "terms_text": offer.terms.text}
    return filled_from(link, _class(items, questions, link), **values)  # type: ignore[return-value]


def _class(items: int, questions: int, link: PaymentLink | None = None) -> type[OfferForm]:
    """The form with so many rows, and the rates to choose from: those in use, and those the link carries already."""
    me = current()
    offer = offer_of(link) if link else Offer()
    kept = rates_named(me.vendor, me.mode, {rate for rate in (offer.rate, *(item.rate for item in offer.items)) if rate})
    rates = {row.public_id: row.rate for row in list_rates(me.vendor, me.mode)} | kept
    words = tuple(
        (rate.id, f"{rate.name} {percent_text(rate.bps)}% {_('within') if rate.inclusive else _('added')}") for rate in rates.values()
    )
    return _made(items, questions, (("", _("No tax")), *words))


@lru_cache(maxsize=128)
def _made(items: int, questions: int, rates: tuple[tuple[str, str], ...]) -> type[OfferForm]:
    fields: dict[str, Any] = {"rows": items, "questions_shown": questions}
    no_rate = _l("Choose a tax rate from the list.")
    fields["rate"] = ChoiceField(_l("Tax"), choices=options(rates), default="", words=no_rate)
    for n in range(items):
        fields[f"item_{n}_id"] = LineField("", most=40)
        fields[f"item_{n}_title"] = LineField(_l("What it is"), most=120)
        fields[f"item_{n}_price"] = MoneyField(_l("Price each"))
        fields[f"item_{n}_least"] = CountField(_l("At least"), least=0, most=MOST_EACH, default=1)
        fields[f"item_{n}_most"] = CountField(_l("At most"), least=1, most=MOST_EACH, default=1)
        fields[f"item_{n}_rate"] = ChoiceField(_l("Tax"), choices=options(rates), default="", words=no_rate)
    for n in range(questions):
        fields[f"question_{n}_slug"] = LineField("", most=40)
        fields[f"question_{n}_label"] = LineField(_l("Question"), most=120)
        fields[f"question_{n}_kind"] = ChoiceField(
            _l("Answer"), choices=options((kind, KIND_WORDS[kind]) for kind in QUESTION_KINDS), default="text"
        )
        fields[f"question_{n}_required"] = BooleanField(_l("Must be answered"))
        fields[f"question_{n}_options"] = LineField(_l("Answers to choose from"), most=1800)
    return type("OfferForm", (OfferForm,), fields)


def _count(sent: MultiDict[str, str], kind: str, most: int) -> int:
    """How many rows of a kind were filled in, after closing up."""
    return next((n for n in range(most) if f"{kind}_{n}_{'title' if kind == 'item' else 'label'}" not in sent), most)


def _closed_up(sent: Any, kind: str, parts: tuple[str, ...], most: int, *written: str) -> MultiDict[str, str]:
    """The same data with the empty rows of one kind taken out and the others moved up."""
    found: MultiDict[str, str] = MultiDict(
        (name, value) for name, value in sent.items(multi=True) if not name.startswith(f"{kind}_") or name.count("_") < 2
    )
    place = 0
    for n in range(most):
        if any(sent.get(f"{kind}_{n}_{part}", "").strip() for part in written):
            for part in parts:
                for value in sent.getlist(f"{kind}_{n}_{part}"):
                    found.add(f"{kind}_{place}_{part}", value)
            place += 1
    return found
