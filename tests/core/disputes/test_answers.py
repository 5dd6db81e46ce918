"""The one answer: a draft for the whole team, files that are really opened, a worker that sends it once, and what the provider refuses."""

from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from core.disputes.answer import NothingToSay, begin_sending, record_not_sent, request_acceptance, request_answer
from core.disputes.evidence import FILES as FILES_BY_REASON
from core.disputes.evidence import QUESTIONS, NotAnswerable, file_kinds_of, questions_of, save_draft, texts_to_send
from core.disputes.files import add_file, get_file, keep_pack, list_files, remove_file
from core.disputes.queries import history_of
from core.kernel.checked_file import BadFile, Checked
from core.kernel.errors import NotFound, Refusal
from core.kernel.uploads import check_file
from core.payments.models import Payment
from core.providers.contract import ProviderRefused
from core.providers.disputes import FILES, REASONS, TEXTS
from tests.core.disputes.cases import Case, case_of
from tests.core.payments.conftest import another_shop
from tests.core.payouts.sellers import Seller
from tests.factories import unit


@pytest.fixture
def case(seller: Seller, released: Payment) -> Case:
    made = case_of(seller, released)
    made.tell()
    return made


def pdf(pages: int = 1, **kept: str) -> bytes:
    written = PdfWriter()
    for _ in range(pages):
        written.add_blank_page(200, 200)
    if kept.get("script"):
        script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject(kept["script"])}
        written.root_object[NameObject("/OpenAction")] = DictionaryObject(script)
    if kept.get("note"):
        written.add_annotation(0, FreeText(text=kept["note"], rect=(10, 10, 90, 90)))
    if kept.get("password"):
        written.encrypt(kept["password"])
    made = io.BytesIO()
    written.write(made)
    return made.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (10, 90, 70)).save(made, kind)
    return made.getvalue()


def draft(case: Case, **texts: str) -> None:
    with unit(case.seller.shop.app):
        save_draft(case.here, texts)


def answer(case: Case) -> None:
    with unit(case.seller.shop.app):
        request_answer(case.seller.shop.vendor, case.here, by="usr_owner")


def add(case: Case, kind: str, checked: Checked, name: str = "scan.png") -> None:
    with unit(case.seller.shop.app):
        add_file(case.here, kind, name, checked, by="usr_owner")


def test_every_reason_has_questions_and_files_that_the_contract_knows() -> None:
    assert set(QUESTIONS) == set(FILES_BY_REASON) == set(REASONS)
    assert {name for names in QUESTIONS.values() for name in names} <= set(TEXTS)
    assert {kind for kinds in FILES_BY_REASON.values() for kind in kinds} < set(FILES)


def test_a_draft_is_kept_and_only_what_belongs_to_the_reason(case: Case) -> None:
    draft(case, shipping_carrier=" Royal Mail ", cancellation_rebuttal="of another reason", uncategorized_text="a\r\nb\0")
    assert case.here.draft == {"shipping_carrier": "Royal Mail", "uncategorized_text": "a\nb"}
    assert set(case.here.draft) < set(questions_of(case.here)) and case.here.state == "needs_response"


@pytest.mark.parametrize(("name", "length"), [("shipping_carrier", 201), ("uncategorized_text", 20_001)])
def test_what_is_too_long_is_refused_at_its_field(case: Case, name: str, length: int) -> None:
    with pytest.raises(Refusal) as refused:
        draft(case, **{name: "x" * length})
    assert refused.value.field == name and case.here.draft == {}


def test_an_answer_of_nothing_is_refused(case: Case) -> None:
    with pytest.raises(NothingToSay):
        answer(case)


def test_sent_off_nothing_can_be_changed(case: Case) -> None:
    draft(case, uncategorized_text="They came.")
    for _twice in range(2):
        answer(case)
    for act in (lambda: draft(case, uncategorized_text="Or not"), lambda: add(case, "receipt", check_file(picture()))):
        with pytest.raises(NotAnswerable):
            act()
    with unit(case.seller.shop.app), pytest.raises(NotAnswerable):
        request_acceptance(case.seller.shop.vendor, case.here, by="usr_owner")
    with unit(case.seller.shop.app):
        assert [event.kind for event in history_of(case.seller.shop.vendor, case.here)] == [
            "dispute.needs_response",
            "dispute.answered_asked",
        ]


def test_what_is_sent_is_the_draft_with_what_we_know_and_every_file(case: Case) -> None:
    draft(case, uncategorized_text="They came.", product_description="A loaf")
    add(case, "shipping_documentation", check_file(pdf(2)), "note.pdf")
    answer(case)
    with unit(case.seller.shop.app):
        keep_pack(case.here, Checked(pdf(), "application/pdf", 1))
        sending = begin_sending(case.seller.shop.vendor, case.here, case.payment)
        assert sending is not None and sending.reference == f"{case.here.public_id}-answer-1"
        assert {file.kind: file.content[:5] for file in sending.files} == {"shipping_documentation": b"%PDF-", "evidence_pack": b"%PDF-"}
        assert sending.texts == texts_to_send(case.seller.shop.vendor, case.payment, case.here)
        assert (sending.texts["product_description"], sending.texts["customer_email_address"]) == ("A loaf", "ada@example.com")


def test_refused_by_the_provider_it_is_a_draft_again(case: Case) -> None:
    draft(case, uncategorized_text="They came.")
    answer(case)
    with unit(case.seller.shop.app):
        record_not_sent(case.here, ProviderRefused("resource_invalid_state", "Evidence is not taken any more."))
    assert case.here.wish is None and case.here.draft
    with unit(case.seller.shop.app):
        last = history_of(case.seller.shop.vendor, case.here)[-1]
    assert (last.kind, last.detail["said"]) == ("dispute.not_sent", "Evidence is not taken any more.")


def test_given_in_and_lost_is_accepted(case: Case) -> None:
    with unit(case.seller.shop.app):
        request_acceptance(case.seller.shop.vendor, case.here, by="usr_owner")
    case.now("lost").tell()
    assert case.here.state == "accepted" and case.seller.books_are_whole()


def test_a_second_cycle_is_answered_anew(case: Case) -> None:
    draft(case, uncategorized_text="They came.")
    add(case, "receipt", check_file(picture()))
    answer(case)
    case.now("under_review", submissions=1).tell()
    case.won().tell()
    case.again().tell()
    here = case.here
    assert (here.wish, here.draft, here.answered_at) == (None, {}, None)
    with unit(case.seller.shop.app):
        assert list_files(here) == [] and len(list_files(here, cycle=1)) == 1
    draft(case, uncategorized_text="They came, really.")
    answer(case)
    assert case.here.wish == "answer"


# --- files -------------------------------------------------------------------------------------------------------------


def test_pictures_are_drawn_anew() -> None:
    noisy = picture("JPEG", (5000, 1200)) + b"<script>alert(1)</script>"
    made = check_file(noisy)
    assert made.media_type == "image/jpeg" and b"script" not in made.data and made.data[:2] == b"\xff\xd8"
    with Image.open(io.BytesIO(made.data)) as drawn:
        assert max(drawn.size) == 2000
    assert check_file(picture("PNG")).media_type == "image/jpeg"


def test_of_a_pdf_only_its_pages_are_kept() -> None:
    given = pdf(3, script="app.alert(1)", note="secret")
    made = check_file(given)
    read = PdfReader(io.BytesIO(made.data))
    assert (made.pages, len(read.pages)) == (3, 3)
    assert b"/JavaScript" not in made.data and b"app.alert" not in made.data and b"/JavaScript" in given and b"secret" not in made.data
    assert "/Names" not in read.trailer["/Root"] and "/OpenAction" not in read.trailer["/Root"] and "/Annots" not in read.pages[0]


def bomb() -> bytes:
    """A PNG that says it is 60,000 points square."""
    head = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7 and nothing", picture("GIF"), picture(size=(10, 10)), bomb(),
        pdf(21), pdf(password="x"), b"x" * 5_000_001, picture()[:80], pdf()[:200],
    ],
)  # fmt: skip
def test_what_is_no_paper_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(BadFile) as refused:
        check_file(data)
    assert refused.value.field == "file" and str(refused.value.message)


def test_one_file_of_a_kind_and_a_name_without_tricks(case: Case) -> None:
    add(case, "receipt", check_file(picture()), "../../etc/\x00pass\u202ewd.png")
    add(case, "receipt", check_file(pdf(2)), "new.pdf")
    with unit(case.seller.shop.app):
        (kept,) = list_files(case.here)
        assert (kept.name, kept.pages, kept.media_type) == ("new.pdf", 2, "application/pdf")
        stranger = another_shop(case.seller.shop)
        with pytest.raises(NotFound):
            get_file(stranger.vendor, case.here, kept.public_id)
        remove_file(case.here, kept.public_id)
        assert list_files(case.here) == []


def test_a_kind_that_does_not_belong_and_too_much_in_all_are_refused(case: Case) -> None:
    with pytest.raises(Refusal) as refused:
        add(case, "evidence_pack", check_file(picture()))
    assert refused.value.field == "kind"
    big = Checked(b"x" * 2_000_000, "application/pdf", 1)
    add(case, "receipt", big)
    with pytest.raises(BadFile, match="All files together"):
        add(case, "customer_communication", big)
    assert set(file_kinds_of(case.here)) < set(FILES)
