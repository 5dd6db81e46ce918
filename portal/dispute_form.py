"""The forms of a dispute: its questions by the reason, a file, the last look before it is sent for good, and messages with the platform."""

from __future__ import annotations

import uuid

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import FileField

from core.disputes.evidence import LONG, LONGEST_LINE, file_kinds_of, questions_of
from core.disputes.models import Dispute
from core.disputes.thread import LONGEST_MESSAGE
from core.kernel.checked_file import LARGEST_UPLOAD, Checked
from core.kernel.uploads import check_file
from core.providers.disputes import LONGEST_TEXT
from core.web.dispute_words import FILES, QUESTIONS
from core.web.fields import BooleanField, ChoiceField, Form, FormTokenField, LineField, ParagraphField, options


class AnswerForm(Form):
    """Every question there is: a page shows those that belong to its reason."""


for _name, _words in QUESTIONS.items():
    setattr(AnswerForm, _name, ParagraphField(_words, most=LONGEST_TEXT) if _name in LONG else LineField(_words, most=LONGEST_LINE))


class FileForm(Form):
    kind = ChoiceField(_l("What it shows"), choices=[], words=_l("Choose what the file shows."))
    file = FileField(_l("File"))


class SendForm(Form):
    sure = BooleanField(_l("I know that this answer cannot be changed afterwards"))


class AcceptForm(Form):
    sure = BooleanField(_l("I know that the payer keeps the money"))


class MessageForm(Form):
    form_token = FormTokenField()
    message = ParagraphField(_l("Message"), most=LONGEST_MESSAGE, required=_l("Write something first."))
    enclosure = FileField(_l("File with the message"))

    def sent_file(self) -> tuple[str, Checked] | None:
        """The file that came along, opened and drawn anew; None without one. Raises BadFile."""
        sent = request.files.get("enclosure")
        if sent is None or not sent.filename:
            return None
        return sent.filename, check_file(sent.stream.read(LARGEST_UPLOAD + 1))

    def refuse(self, message: str, field: str | None = None) -> None:
        """What is wrong with the file is said at this form's own field for it."""
        super().refuse(message, "enclosure" if field == "file" else field)


def empty_message() -> MessageForm:
    """Fresh, with a number of its own."""
    return MessageForm(formdata=None, form_token=uuid.uuid4().hex)


def draft_form(dispute: Dispute) -> AnswerForm:
    """As it was kept."""
    return AnswerForm(formdata=None, **dispute.draft)


def file_form(dispute: Dispute, *, filled: bool = False) -> FileForm:
    """With the kinds that help with this reason."""
    form = FileForm() if filled else FileForm(formdata=None)
    form.kind.choices = options((kind, FILES[kind]) for kind in file_kinds_of(dispute))
    return form


def typed(form: AnswerForm, dispute: Dispute) -> dict[str, str]:
    """What was written, by question."""
    return {name: form[name].data or "" for name in questions_of(dispute)}
