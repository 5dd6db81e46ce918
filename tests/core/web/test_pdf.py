"""The press prints what it is given, reaches nothing but our own fonts, and gives up on what is too much."""

from __future__ import annotations

import base64
import http.server
import io
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from core.web import pdf
from core.web.pdf import PaperNotPrinted, render_pdf
from core.web.press import STATIC, carried_picture, vendored_file

SECRET = "the-contents-of-a-private-file"


def words(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


class Listener:
    """A real web server that counts who knocks; /away redirects to /inside."""

    def __init__(self) -> None:
        knocks = self.knocks = []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                knocks.append(self.path)
                self.send_response(302 if self.path == "/away" else 200)
                self.send_header("Location", "/inside")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()


REFERENCES = [
    '<img src="{}">',
    '<link rel="stylesheet" href="{}">',
    '<link rel="attachment" href="{}">',
    '<a rel="attachment" href="{}">x</a>',
    "<style>@import url({});</style>",
    "<style>@font-face {{ font-family: F; src: url({}) }} p {{ font-family: F }}</style><p>x</p>",
    '<p style="background: url({})">x</p>',
    '<ul style="list-style-image: url({})"><li>x</li></ul>',
    "<style>p::before {{ content: url({}) }}</style><p>x</p>",
    '<p style="border-image-source: url({}); border: 1px solid">x</p>',
    '<object data="{}">x</object>',
    '<embed src="{}">',
    '<iframe src="{}"></iframe>',
    '<svg><image href="{}" width="9" height="9"/><use href="{}#a"/></svg>',
    '<base href="{}"><img src="x">',
    '<meta http-equiv="refresh" content="0; url={}">',
    "<style>@page {{ background: url({}) }}</style>",
    "<style>@color-profile --c {{ src: url({}) }} p {{ color: color(--c 1 0 0) }}</style><p>x</p>",
]


def wanting(reference: str, address: str) -> str:
    """A paper that wants to have this address."""
    return "<title>t</title>" + reference.replace("{}", address).replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize("reference", REFERENCES)
def test_nothing_in_a_paper_can_make_the_press_call_anybody(listener: Listener, reference: str) -> None:
    for path in ("/picture", "/away", "/static/css/paper.css"):
        with suppress(PaperNotPrinted):  # one kind (a colour profile) stops the paper instead of being left out
            render_pdf(wanting(reference, listener.address + path))
    assert listener.knocks == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_no_file_of_this_machine_gets_into_a_paper(tmp_path, reference: str) -> None:
    private = tmp_path / "private.txt"
    private.write_text(SECRET)
    for address in (private.as_uri(), "file:///etc/passwd", f"/static/../{private}", f"/static/css/..%2f..%2f{private}"):
        try:
            printed = render_pdf(wanting(reference, address))
        except PaperNotPrinted:
            continue
        reader = PdfReader(io.BytesIO(printed.data))
        assert "/EmbeddedFiles" not in reader.trailer["/Root"].get("/Names", {})
        kept = printed.data + b"".join(
            item.get_data() for n in range(1, len(reader.xref[0]) + 1) if hasattr(item := reader.get_object(n), "get_data")
        )
        assert SECRET.encode() not in kept and b"root:x:0" not in kept


@pytest.mark.parametrize(
    "address",
    [
        "https://house.invalid/static/css/../../core/kernel/config.py",
        "https://house.invalid/static/css/%2e%2e/paper.css",
        "https://house.invalid/static/js/htmx-2.0.11.min.js",
        "https://house.invalid/static/css/paper.css/",
        "https://house.invalid/static/css/.paper.css",
        "https://house.invalid:443/static/css/paper.css",
        "https://someone@house.invalid/static/css/paper.css",
        "http://house.invalid/static/css/paper.css",
        "https://house.invalid.example/static/css/paper.css",
        "//house.invalid/static/css/paper.css",
        "file:///static/css/paper.css",
        "data:text/css,p{}",
        "ftp://house.invalid/static/css/paper.css",
        "",
    ],
)
def test_only_the_style_sheets_and_fonts_of_the_house_are_offered(address: str) -> None:
    with pytest.raises(ValueError, match=r"house"):
        vendored_file(address)


def test_our_own_sheet_is_used_with_or_without_a_version_in_its_address() -> None:
    assert vendored_file("https://house.invalid/static/css/paper.css?v=abc") == STATIC / "css" / "paper.css"
    assert render_pdf('<link rel="stylesheet" href="/static/css/paper.css"><p>x').refused == []


def test_what_a_paper_was_refused_is_told() -> None:
    assert render_pdf('<img src="file:///etc/hostname">').refused == ["file:///etc/hostname"]


def test_the_same_paper_is_printed_the_same_by_another_press() -> None:
    html = '<title>t</title><link rel="stylesheet" href="/static/css/paper.css"><p>£12.34 Žluťoučký Ελλάδα Київ'
    first = render_pdf(html).data
    pdf._retire()
    assert render_pdf(html).data == first


def test_alphabets_that_read_from_the_right_and_pictures_of_faces_can_be_printed() -> None:
    assert "12.34" in words(render_pdf("<p>شكراً שלום 😀 12.34").data)


def test_a_paper_that_takes_too_long_is_given_up_and_the_next_one_is_printed() -> None:
    with pytest.raises(PaperNotPrinted, match="longer"):
        render_pdf("<p>" + "x <b>y</b>" * 100_000, seconds=1)
    assert "hello" in words(render_pdf("<p>hello").data)


def test_a_paper_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(PaperNotPrinted, match="too long"):
        render_pdf("x" * 2_000_001)


def test_a_press_that_dies_is_replaced() -> None:
    render_pdf("<p>hello")
    os.kill(pdf._press.process.pid, signal.SIGKILL)
    pdf._press.process.wait()
    assert "again" in words(render_pdf("<p>again").data)


def test_a_press_leaves_no_files_behind_however_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf._retire()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    render_pdf('<link rel="stylesheet" href="/static/css/paper.css"><p>hello')
    assert [path for path in tmp_path.rglob("*") if path.is_file()], "its fonts lie here while it runs"
    pdf._retire()
    assert list(tmp_path.iterdir()) == []
    render_pdf("<p>hello")
    os.kill(pdf._press.process.pid, signal.SIGKILL)
    pdf._press.process.wait()
    with pytest.raises(PaperNotPrinted, match="longer"):
        render_pdf("<p>" + "x <b>y</b>" * 100_000, seconds=1)
    assert list(tmp_path.iterdir()) == []
    render_pdf("<p>hello")
    pdf._press.process.stdin.close()  # what it sees of a worker that was killed
    pdf._press.process.wait(timeout=20)
    assert list(tmp_path.iterdir()) == []


def test_a_press_whose_fonts_were_swept_away_is_replaced_and_the_paper_is_printed_all_the_same() -> None:
    paper = '<link rel="stylesheet" href="/static/css/paper.css"><p>Žluťoučký '
    first = [render_pdf(f"{paper}{number}") for number in range(2)]
    shutil.rmtree(pdf._press.folder)
    assert "Žluťoučký" in words(render_pdf(f"{paper}again").data) and first


def test_the_press_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@nowhere/db")
    pdf._retire()
    render_pdf("<p>x")
    with open(f"/proc/{pdf._press.process.pid}/environ") as environment:
        assert "password" not in environment.read()


def end_of(child: int, patience: float = 60) -> int:
    """How it ended. One that stands still, on a lock that a thread of ours held when it was forked, ends here and not with the whole run."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            return how
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def test_a_forked_child_starts_a_press_of_its_own() -> None:
    render_pdf("<p>x")
    child = os.fork()
    if child == 0:
        try:
            ok = render_pdf("<p>y").pages == 1 and pdf._press.owner == os.getpid()
            pdf._retire()
        except BaseException:
            ok = False
        os._exit(0 if ok else 1)
    assert end_of(child) == 0
    assert render_pdf("<p>x").pages == 1


def test_a_paper_carries_small_pictures_in_png_and_nothing_else_in_its_addresses() -> None:
    made = io.BytesIO()
    Image.new("RGB", (30, 10), (180, 35, 90)).save(made, "PNG")
    good = f"data:image/png;base64,{base64.b64encode(made.getvalue()).decode()}"
    assert carried_picture(good) == made.getvalue()
    printed = render_pdf(f'<p>Hello</p><img src="{good}" alt="">')
    assert printed.refused == [] and len(PdfReader(io.BytesIO(printed.data)).pages[0].images) == 1
    heavy = base64.b64encode(made.getvalue() + b"x" * 400_000).decode()
    for wrong in (
        "data:image/png;base64,PHN2Zy8+",
        f"data:image/png;base64,{heavy}",
        "data:image/svg+xml,%3Csvg/%3E",
        "data:image/png;base64,***",
    ):
        assert len(render_pdf(f'<p>Hello</p><img src="{wrong}" alt="">').refused) == 1, wrong[:60]
