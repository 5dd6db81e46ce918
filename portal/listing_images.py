"""The pictures of a listing: sending one, its words, its place in the row, taking it away; and showing them to their own vendor."""

from __future__ import annotations

from flask import Response, flash, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FileField

from core.directory.images import add_image, check_alt, describe_image, find_file, get_image, move_image, read_width, remove_image
from core.directory.picture import LARGEST_FILE, draw_picture
from core.kernel.errors import Conflict, NotFound
from core.web.fields import Form, LineField
from core.web.guard import current, may, takes_files
from core.web.languages import written
from core.web.page import see_other
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.listings import find_own, show

MOST_BYTES = 24_000_000  # a photograph off a telephone: refused at its field, and not by a page that has lost the form


class ImageForm(Form):
    picture = FileField(_l("Picture"))
    alt = LineField(_l("What is to be seen"), most=200)


class WordsForm(Form):
    alt = LineField(_l("What is to be seen"), most=200)


@portal.post("/portal/listings/<public_id>/images")
@may("listings.edit")
@takes_files(MOST_BYTES)
@by_address("120 per 10 minutes", scope="pictures")
def send_image(public_id: str) -> Response:
    """What was sent is drawn anew before anything is locked; one byte more than may be is read, to know that it is too much."""
    listing, form = find_own(public_id), ImageForm()
    sent = request.files.get("picture")
    if form.validate():
        with form.refusals():
            check_alt(form.alt.data or "")
            drawn = draw_picture(sent.stream.read(LARGEST_FILE + 1) if sent else b"")
            add_image(listing, drawn, by=current().user.public_id, alt=form.alt.data or "")
            flash(_("The picture is added."), "good")
            return see_other(url_for(".listing", public_id=public_id, _anchor="pictures"))
    return show(listing, form, image_form=form)


@portal.post("/portal/listings/<public_id>/images/<image>/words")
@may("listings.edit")
def describe(public_id: str, image: str) -> Response:
    listing, form = find_own(public_id), WordsForm()
    found = get_image(listing, image)
    if form.validate():
        with form.refusals():
            describe_image(listing, found, by=current().user.public_id, alt=form.alt.data or "")
            flash(_("Saved."), "good")
            return see_other(url_for(".listing", public_id=public_id, _anchor="pictures"))
    return show(listing, form, words_form=(image, form))


@portal.post("/portal/listings/<public_id>/images/<image>/do/<act>")
@may("listings.edit")
def act_on_image(public_id: str, image: str, act: str) -> Response:
    listing, by = find_own(public_id), current().user.public_id
    found = get_image(listing, image)
    if act not in ("up", "down", "remove"):
        raise NotFound
    try:
        if act == "remove":
            remove_image(listing, found, by=by)
            flash(_("The picture is gone for good."), "good")
        else:
            move_image(listing, found, by=by, up=act == "up")
    except Conflict as no:
        flash(written(no.message), "bad")
    return see_other(url_for(".listing", public_id=public_id, _anchor="pictures"))


@portal.get("/portal/listings/<public_id>/images/<image>-<width>.webp")
@may("listings.see")
def own_picture(public_id: str, image: str, width: str) -> Response:
    """For the vendor's own eyes: drafts and test listings too."""
    found = get_image(find_own(public_id), image)
    data = find_file(found.public_id, read_width(width))
    if data is None:
        raise NotFound
    answer = make_response(data)
    answer.content_type = "image/webp"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer
