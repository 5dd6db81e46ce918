"""The part of a link's form about handing it out: its readable address, labels, the vendor's own columns, and what the payer is asked for."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import StopValidation

from core.accounts.models import Vendor
from core.directory.queries import branch_by_row
from core.payments.models import PaymentLink
from core.payments.sharing import Sharing, labels_of, set_sharing
from core.payments.slug import link_slug, set_link_slug
from core.web.fields import BooleanField, ChoiceField, Form, LineField, ParagraphField, options
from portal.branch_choices import branches_to_choose


class PairsField(ParagraphField):
    """`name = value`, one pair a line; `pairs` holds what was read."""

    pairs: dict[str, str]

    def pre_validate(self, form: Any) -> None:
        self.pairs = {}
        for number, line in enumerate((self.data or "").splitlines(), 1):
            if not line.strip():
                continue
            key, equals, value = line.partition("=")
            if not equals:
                raise StopValidation(_("Line %(number)s has no “=”. Write: name = value", number=number))
            if key.strip() in self.pairs:
                raise StopValidation(_("“%(name)s” stands there twice.", name=key.strip()[:40]))
            self.pairs[key.strip()] = value.strip()


class SharingFields(Form):
    branch = ChoiceField(_l("Branch"), choices=(), words=_l("Choose a branch from the list."), default="")
    slug = LineField(_l("Readable address"), most=80)
    labels = LineField(_l("Labels"), most=320)
    reference_label = LineField(_l("Ask the payer for"), most=40)
    reference_hint = LineField(_l("Hint for the payer"), most=120)
    reference_pattern = LineField(_l("Pattern"), most=80)
    reference_required = BooleanField(_l("The payer must answer"))
    key_values = PairsField(_l("Your own columns"), most=4000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.branch.data or ""
        self.branch.choices = options(branches_to_choose(blank=_("The whole business"), gone=False, kept=kept, must=True))

    def sharing(self) -> Sharing:
        """What was typed, as the payments room wants it."""
        return Sharing(
            labels=(self.labels.data or "").replace(";", ",").split(","),
            key_values=self.key_values.pairs,
            reference_label=self.reference_label.data or "",
            reference_pattern=self.reference_pattern.data or "",
            reference_hint=self.reference_hint.data or "",
            reference_required=bool(self.reference_required.data),
            branch=self.branch.data or "",
        )

    def share(self, vendor: Vendor, link: PaymentLink, *, by: str) -> None:
        """Write it all down, after the link's terms and in the same unit of work."""
        set_sharing(link, by=by, sharing=self.sharing())
        set_link_slug(vendor, link, by=by, text=self.slug.data or "")


def sharing_values(link: PaymentLink) -> dict[str, Any]:
    """What the form shows of an existing link."""
    branch = branch_by_row(link.vendor_id, link.mode, link.branch_id)
    return {
        "branch": branch.public_id if branch else "",
        "slug": link_slug(link) or "",
        "labels": ", ".join(labels_of(link)),
        "reference_label": link.reference_label,
        "reference_hint": link.reference_hint,
        "reference_pattern": link.reference_pattern,
        "reference_required": link.reference_required,
        "key_values": "\n".join(f"{key} = {value}" for key, value in link.key_values.items()),
    }
