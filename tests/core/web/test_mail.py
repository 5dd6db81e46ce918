"""A letter keeps its words whatever they are, nothing in it can break out of its place, and the mail server's answer is understood."""

from __future__ import annotations

import email
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, LoginPassword

from core.web.mail import Enclosure, Letter, MailDelayed, MailRefused, deliver, one_line, seal, sender_address, wire_address

AT = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
PLAIN = Letter("Hello", "Good morning.\n", "<p>Good morning.</p>")


def sealed(letter: Letter = PLAIN, **differently: object) -> EmailMessage:
    settings = {
        "to": "ada@example.com", "sender": "Portal <pay@portal.example>", "sender_name": "Portal", "reply_to": None,
        "message_id": "msg_1", "at": AT,
    }  # fmt: skip
    return seal(letter, **(settings | differently))


def read(mail: EmailMessage) -> EmailMessage:
    """What arrives, parsed again from the bytes that travel."""
    return email.message_from_bytes(mail.as_bytes(), policy=policy.default)


HOSTILE = [
    "Ada\r\nBcc: thief@example.com",
    "Ada\nBcc: thief@example.com",
    "Ada\rBcc: thief@example.com",
    "Ada\x0b\x0cBcc: thief@example.com",
    "Ada\u2028Bcc: thief@example.com",
    "Ada\u0085Bcc: thief@example.com",
    "Ada\x00",
    "=?utf-8?q?Ada=0ABcc:_thief@example.com?=",
    'Ada" <thief@example.com>, "',
    "Ada, Bob; Carol: (comment) <x>",
    "\ud800Ada",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_or_subject_can_start_another_header(name: str) -> None:
    mail = read(sealed(Letter(name, "words\n", "<p>words</p>"), sender_name=name))
    assert mail["Bcc"] is None
    assert [a.addr_spec for a in mail["From"].addresses] == ["pay@portal.example"]
    assert [a.addr_spec for a in mail["To"].addresses] == ["ada@example.com"]
    assert len(mail.get_all("Subject")) == 1 and "\n" not in mail["Subject"]


@pytest.mark.parametrize("name", ["Žluťoučký kůň", "東京自転車", "شكراً جزيلاً", "תודה רבה", "Ada 👩‍🚀 & 🚲", "O’Brien “Söhne”", "x" * 300])
def test_every_alphabet_survives_the_journey(name: str) -> None:
    mail = read(sealed(Letter(name, f"{name}\n", f"<p>{name}</p>"), sender_name=name))
    assert mail["Subject"] == name
    assert mail["From"].addresses[0].display_name == name[:100]
    assert mail.get_body(("plain",)).get_content().strip() == name
    assert mail.get_body(("html",)).get_content().strip() == f"<p>{name}</p>"
    assert all(len(line) <= 998 and line.isascii() for line in sealed(Letter(name, name, name)).as_bytes().decode("ascii").splitlines())


def test_text_that_would_read_backwards_is_straightened() -> None:
    assert one_line("invoice\u202egnp.exe") == "invoicegnp.exe"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "ada@example.com\nBcc: x@y.example",
        "ada@ex\x00ample",
        "a@b@c.example",
        "a,b@c.example",
        "ada@c d",
        "ada@\ud800",
        "\ud800@c.example",
        "ada@-",
        "<ada@c.example>",
        "ada@c.example,bob@c.example",
    ],
)
def test_an_address_that_cannot_be_written_is_refused_and_not_a_crash(address: str) -> None:
    with pytest.raises(MailRefused):
        sealed(to=address)


def test_a_bad_reply_address_does_not_cost_the_customer_the_letter() -> None:
    assert sealed(reply_to="not an address")["Reply-To"] is None
    assert sealed(reply_to="help@shop.example")["Reply-To"] == "help@shop.example"


def test_a_domain_in_another_alphabet_travels_in_its_ascii_form() -> None:
    assert wire_address("ada@München.example").addr_spec == "ada@xn--mnchen-3ya.example"
    assert sender_address("Zahlungen <post@münchen.example>").addr_spec == "post@xn--mnchen-3ya.example"


def test_the_same_message_has_the_same_identity_each_time() -> None:
    assert sealed()["Message-ID"] == sealed()["Message-ID"] == "<msg_1@portal.example>"
    assert sealed()["Auto-Submitted"] == "auto-generated"
    assert read(sealed())["Date"].datetime == AT


def test_a_receipt_travels_as_a_pdf() -> None:
    mail = read(sealed(enclosures=[Enclosure("receipt-7K3F9\r\n-QX2MA.pdf", "application/pdf", b"%PDF-1.7")]))
    (item,) = mail.iter_attachments()
    assert (item.get_content_type(), item.get_filename(), item.get_content()) == (
        "application/pdf",
        "receipt-7K3F9 -QX2MA.pdf",
        b"%PDF-1.7",
    )


# --- the mail server ---------------------------------------------------------------------------------------------------------


class Inbox:
    """A real mail server. `rcpt` and `data` answer instead of "250 OK" when they are set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.rcpt = self.data = ""

    async def handle_RCPT(self, server: object, session: object, envelope: object, address: str, options: list[str]) -> str:
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        if self.data:
            return self.data
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


class AnyPort(Controller):
    """On a port the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def inbox() -> Iterator[Callable[..., tuple[Inbox, str]]]:
    running: list[Controller] = []

    def start(**options: object) -> tuple[Inbox, str]:
        inbox = Inbox()
        controller = AnyPort(inbox, hostname="127.0.0.1", port=0, **options)
        controller.start()
        running.append(controller)
        return inbox, f"smtp://127.0.0.1:{controller.port}"

    yield start
    for controller in running:
        controller.stop()


def test_a_letter_arrives(inbox: Callable[..., tuple[Inbox, str]]) -> None:
    box, url = inbox()
    deliver(url, sealed(Letter("東京 🚲", "こんにちは\n", "<p>こんにちは</p>")))
    assert [(m["Subject"], m["Message-ID"]) for m in box.mails] == [("東京 🚲", "<msg_1@portal.example>")]


@pytest.mark.parametrize(
    ("step", "answer", "fate"),
    [
        ("rcpt", "550 No such user", MailRefused),
        ("rcpt", "450 Mailbox busy", MailDelayed),
        ("data", "554 Rejected", MailRefused),
        ("data", "451 Try again", MailDelayed),
    ],
)
def test_a_no_for_good_is_told_from_a_not_now(
    inbox: Callable[..., tuple[Inbox, str]], step: str, answer: str, fate: type[Exception]
) -> None:
    box, url = inbox()
    setattr(box, step, answer)
    with pytest.raises(fate, match=answer[:3]):
        deliver(url, sealed())
    assert box.mails == []


def test_a_server_that_is_away_is_tried_again_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(MailDelayed, match="could not be reached"):
            deliver(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", sealed())


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_a_job_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.web.mail.SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MailDelayed):
        deliver(f"smtp://127.0.0.1:{silent.getsockname()[1]}", sealed())


def test_a_server_that_hangs_up_after_the_letter_leaves_it_open_whether_it_arrived() -> None:
    def hang_up(server: socket.socket) -> None:
        server.settimeout(30)
        line, _ = server.accept()
        with line:
            line.sendall(b"220 hello\r\n")
            for answer in (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
                line.recv(65536)
                line.sendall(answer)
            line.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(MailDelayed):
            deliver(f"smtp://127.0.0.1:{server.getsockname()[1]}", sealed())
        thread.join(5)


def test_a_password_is_never_sent_without_tls(inbox: Callable[..., tuple[Inbox, str]]) -> None:
    _, url = inbox()
    with pytest.raises(MailDelayed, match="asks for no TLS"):
        deliver(url.replace("smtp://", "smtp://me:secret@"), sealed())


def test_tls_that_was_asked_for_is_not_done_without(inbox: Callable[..., tuple[Inbox, str]]) -> None:
    box, url = inbox()
    for scheme in ("smtps", "smtp+starttls"):
        with pytest.raises((MailDelayed, MailRefused)):
            deliver(url.replace("smtp", scheme), sealed())
    assert box.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody trusts yet, and a server's context with it."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    named = [
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(folder / "key"),
        "-out",
        str(folder / "cert"),
    ]
    subprocess.run(made + named, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return str(folder / "cert"), context


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the server does not see the TLS around it
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_over_tls_we_sign_in_to_a_server_we_trust_and_to_no_other(
    inbox: Callable[..., tuple[Inbox, str]], certificate: tuple[str, ssl.SSLContext], scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(server: object, session: object, envelope: object, mechanism: str, who: LoginPassword) -> AuthResult:
        return AuthResult(success=(who.login, who.password) == (b"me@shop", b"p@ss/word"), handled=False)

    trusted, context = certificate
    tls = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    box, url = inbox(authenticator=check, auth_required=True, auth_require_tls=scheme != "smtps", **tls)
    url = url.replace("smtp://", f"{scheme}://me%40shop:p%40ss%2Fword@")
    with pytest.raises(MailDelayed, match="certificate"):
        deliver(url, sealed())
    monkeypatch.setenv("SSL_CERT_FILE", trusted)
    deliver(url, sealed())
    assert len(box.mails) == 1
    with pytest.raises(MailDelayed, match="535"):
        deliver(url.replace("word", "sword"), sealed())


@pytest.mark.parametrize("url", ["", "localhost:25", "http://localhost", "smtp://", "smtp://host:port"])
def test_a_mail_server_that_is_written_wrongly_loses_no_mail(url: str) -> None:
    with pytest.raises(MailDelayed):
        deliver(url, sealed())


def test_an_address_in_another_alphabet_goes_to_a_server_that_can_write_it(inbox: Callable[..., tuple[Inbox, str]]) -> None:
    box, url = inbox(enable_SMTPUTF8=True)
    deliver(url, sealed(to="用户@example.com"))
    assert box.mails[0]["To"] == "用户@example.com"


def test_an_address_in_another_alphabet_is_refused_by_a_server_that_cannot(inbox: Callable[..., tuple[Inbox, str]]) -> None:
    class Old(Server):
        async def smtp_EHLO(self, hostname: str) -> None:
            self.session.host_name = hostname
            self.session.extended_smtp = True
            await self.push(f"250 {self.hostname}")

    class OldController(AnyPort):
        def factory(self) -> Server:
            return Old(self.handler)

    box = Inbox()
    controller = OldController(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        with pytest.raises(MailRefused, match="letters"):
            deliver(f"smtp://127.0.0.1:{controller.port}", sealed(to="用户@example.com"))
    finally:
        controller.stop()
    assert box.mails == []
