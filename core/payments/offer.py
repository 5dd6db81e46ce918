"""What a link sells and what it asks: things, tax, tips, questions, consent, addresses. Kept as one document beside the link."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import Any

MOST_ITEMS, MOST_QUESTIONS, MOST_EACH = 20, 10, 999
QUESTION_KINDS = ("text", "number", "date", "checkbox", "select")
ASKED = ("off", "optional", "required")


@dataclass(frozen=True)
class Item:
    """One thing on a link: a title and a unit price in minor units. The payer may take `least` to `most` of it."""

    id: str
    title: str
    unit_minor: int
    least: int = 1
    most: int = 1
    rate: str = ""  # the public id of a tax rate

    @property
    def adjustable(self) -> bool:
        return self.most > self.least


@dataclass(frozen=True)
class Tips:
    """Percentages to choose from, in basis points; `usual` is chosen to begin with. `taxed`: at the link's own rate."""

    presets: tuple[int, ...] = ()
    usual: int | None = None
    taxed: bool = False


@dataclass(frozen=True)
class Question:
    """One thing the vendor wants to know of each payer. `slug` names the answer, also when the label is changed."""

    slug: str
    label: str
    kind: str = "text"
    required: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """What a payer must agree to, word for word. The version is made from the words, so other words are another version."""

    label: str
    text: str

    @property
    def version(self) -> str:
        return hashlib.sha256(f"{self.label}\n{self.text}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Offer:
    """All of it. An offer that says nothing is no offer: the link is then what it always was, an amount and a title."""

    items: tuple[Item, ...] = ()
    rate: str = ""  # on the link's own amount, and on tips
    tips: Tips | None = None
    discounts: bool = False
    business: bool = False  # "I'm buying as a business": company, tax id, address
    questions: tuple[Question, ...] = ()
    terms: Terms | None = None
    email: str = "required"  # without one nobody is written to, and nobody is known as a customer
    phone: str = "off"
    billing: str = "off"
    shipping: str = "off"
    success_url: str = ""
    cancel_url: str = ""

    @property
    def sells(self) -> bool:
        """Whether the amount is a cart's total rather than one plain sum."""
        return bool(self.items or self.rate or self.tips or self.discounts)

    @property
    def asks(self) -> bool:
        """Whether the payer is asked for more than an e-mail address and a name."""
        return bool(self.business or self.questions or self.terms) or {self.phone, self.billing, self.shipping} != {"off"}

    def document(self) -> dict[str, Any] | None:
        """As it is kept; None when it says nothing."""
        return None if self == NOTHING else asdict(self)


NOTHING = Offer()  # one sum and no questions: what nearly every link offers


def read_offer(document: dict[str, Any] | None) -> Offer:
    """The offer of a link, from its document. A key we do not know is a bug and stops here."""
    if not document:
        return NOTHING
    known = {field.name for field in fields(Offer)}
    if unknown := set(document) - known:
        raise ValueError(f"an offer knows no {sorted(unknown)}")
    parts = dict(document)
    parts["items"] = tuple(Item(**item) for item in parts.get("items", ()))
    parts["questions"] = tuple(Question(**{**q, "options": tuple(q.get("options", ()))}) for q in parts.get("questions", ()))
    tips, terms = parts.get("tips"), parts.get("terms")
    parts["tips"] = Tips(**{**tips, "presets": tuple(tips["presets"])}) if tips else None
    parts["terms"] = Terms(**terms) if terms else None
    return Offer(**parts)
