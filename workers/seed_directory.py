"""The demo's public directory: nine businesses in seven towns, with hours, products and pictures that look like somebody's own."""

from __future__ import annotations

import io
import random
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from PIL import Image, ImageDraw, ImageFilter
from sqlalchemy import select

from core.accounts.models import User, Vendor
from core.accounts.queries import find_employer, find_user
from core.accounts.sign_up import Registration, sign_up
from core.directory.branches import BranchTerms, add_branch
from core.directory.hours import read_day
from core.directory.images import add_image
from core.directory.listings import ListingTerms, create_listing, publish_listing
from core.directory.models import Listing
from core.directory.picture import draw_picture
from core.directory.products import ProductTerms, add_product
from core.kernel.clock import frozen, now
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.payments.queries import list_links
from workers.runner import drain

Week = tuple[str, str, str]  # Monday to Friday, Saturday, Sunday
Place = tuple[str, str, str, str, str, tuple[int, int], Week]  # name, street, postcode, town, zone, position, hours
Thing = tuple[str, str, str | None, dict[str, Any]]


@dataclass(frozen=True)
class Stall:
    """One listing: whose it is, what it says, where it is, what it offers, and the colours of its picture."""

    email: str
    business: str
    country: str
    currency: str
    category: str
    summary: str
    text: str
    places: tuple[Place, ...]
    things: tuple[Thing, ...]
    colours: tuple[str, str, str]
    alt: str
    phone: str = ""


STALLS = (
    Stall("mo@harbour-bakery.example", "Harbour Street Bakery", "GB", "GBP", "bakery", "Sourdough from a stone oven, warm from six in the morning.",
        "We mill on Mondays and bake every night. The starter is older than our youngest baker; the flour comes from three farms in Somerset.\n\nOrders for the weekend until Thursday noon.",
        (("Harbour Street", "14 Harbour Street", "BS1 4RB", "Bristol", "Europe/London", (51_451_900, -2_598_400), ("06:30-17:00", "07:00-15:00", "")),
         ("Gloucester Road", "201 Gloucester Road", "BS7 8BG", "Bristol", "Europe/London", (51_477_300, -2_591_200), ("07:00-15:00", "07:30-14:00", "08:00-12:00"))),
        (("Sourdough loaf, 800 g", "Wheat and a little rye, twenty hours in the cool.", "4.50", {"flour": "mixed", "weight": "800", "vegan": "yes", "contains": ["wheat"]}),
         ("Rye with caraway", "Dense, dark, keeps for a week.", "5.20", {"flour": "rye", "weight": "1000", "vegan": "yes"}),
         ("Four cardamom buns", "Knotted by hand.", "9.60", {"flour": "wheat", "vegan": "no", "contains": ["wheat", "milk", "egg"]}),
         ("Buckwheat loaf", "Baked first, before any wheat is in the room.", "6.80", {"gluten_free": "yes", "vegan": "yes", "weight": "500"})),
        ("#f3d9b1", "#b5672d", "#5d3216"), "Loaves cooling on a board in the morning light", "+44 117 496 0123"),
    Stall("aoife@lumen-yoga.example", "Lumen Yoga Studio", "IE", "EUR", "fitness", "Small classes above the canal, from first steps to a slow flow.",
        "Twelve mats, warm floor, tea afterwards. Come ten minutes early to your first class: we show you where everything is.",
        (("Portobello", "8 Canal View", "D08 X2A1", "Dublin", "Europe/Dublin", (53_330_900, -6_264_800), ("07:00-10:00, 17:00-21:30", "09:00-13:00", "10:00-12:00")),),
        (("Ten-class pass", "Valid for six months from the first class.", "120.00", {"level": "beginner", "minutes": "60", "places": "12"}),
         ("Slow flow, Thursday evening", "With music.", "14.00", {"level": "middle", "minutes": "75", "places": "12"}),
         ("Breathing for beginners, online", "Live, with the camera on or off.", "9.00", {"level": "beginner", "minutes": "45", "online": "yes"})),
        ("#e7d8f2", "#9a6cc0", "#4b2a6b"), "An empty studio with mats and evening light", "+353 1 496 0000"),
    Stall("ren@kobo-ceramics.example", "Kobo Ceramics", "JP", "JPY", "crafts", "器は毎日使うもの。Ash-glazed stoneware for every day, thrown by hand in Kyoto.",
        "Everything is thrown on a kick wheel and fired twice in a wood kiln. Small differences are how you know it was somebody’s hands.\n\n陶芸教室は毎週土曜日。",
        (("五条工房", "Gojozaka 4-12", "605-0846", "京都", "Asia/Tokyo", (34_995_400, 135_776_300), ("10:00-18:00", "10:00-17:00", "")),),
        (("Tea bowl, ash glaze", "About 350 ml.", "8800", {"material": "Stoneware", "height": "8.5", "colour": "green", "handmade": "yes"}),
         ("Plate, iron white", "For bread or a small meal.", "6400", {"material": "Stoneware", "height": "2.5", "colour": "white", "handmade": "yes", "dishwasher": "yes"})),
        ("#dfe8dc", "#7d9a86", "#34493d"), "Green-glazed bowls on a wooden shelf"),
    Stall("kontakt@cafe-morgenrot.example", "Café Morgenrot", "DE", "EUR", "cafe", "Frühstück bis drei, Kuchen bis sechs, und der Kaffee wird im Hof geröstet.",
        "Unsere Bohnen kommen von zwei Kooperativen in Honduras und Äthiopien. Der Kuchen wechselt täglich; der Käsekuchen bleibt.",
        (("Prenzlauer Berg", "Kastanienallee 85", "10435", "Berlin", "Europe/Berlin", (52_538_300, 13_409_700), ("08:00-18:00", "09:00-18:00", "09:00-18:00")),),
        (("Filterkaffee", "Aus der Kanne, mit einmal Nachschenken.", "3.80", {"roast": "light", "vegan": "yes", "takeaway": "yes"}),
         ("Käsekuchen, ein Stück", "Nach Omas Rezept.", "4.60", {"takeaway": "yes", "contains": ["wheat", "milk", "egg"]})),
        ("#f6c9a8", "#d9744c", "#6b2f2a"), "Ein Kaffeetisch am Fenster bei Sonnenaufgang", "+49 30 5550 0140"),
    Stall("bonjour@creperie-gaelle.example", "Crêperie Chez Gaëlle", "FR", "EUR", "restaurant", "Galettes de blé noir et cidre fermier, au pied de la Croix-Rousse.",
        "La pâte repose une nuit, le beurre est salé, le cidre vient de Cornouaille. Le midi, formule en semaine.",
        (("Croix-Rousse", "12 rue des Tables Claudiennes", "69001", "Lyon", "Europe/Paris", (45_769_900, 4_831_700), ("12:00-14:00, 19:00-22:30", "12:00-23:30", "")),),
        (("Galette complète", "Jambon, œuf, emmental.", "11.50", {"course": "main", "gluten_free": "yes", "takeaway": "yes", "contains": ["egg", "milk"]}),
         ("Crêpe au caramel au beurre salé", "Maison.", "6.90", {"course": "dessert", "contains": ["wheat", "milk", "egg"]})),
        ("#fbe8c6", "#c98b3a", "#3d4a63"), "Une galette sur une table en bois"),
    Stall("hola@casa-azul.example", "Casa Azul", "ES", "EUR", "stays", "Cinco habitaciones alrededor de un patio con naranjos, en Triana.",
        "Una casa de 1890 con azulejos, techos altos y desayuno en el patio. La catedral está a veinte minutos a pie, cruzando el puente.",
        (("Triana", "Calle Pureza 61", "41010", "Sevilla", "Europe/Madrid", (37_383_200, -6_002_900), ("08:00-22:00", "08:00-22:00", "08:00-22:00")),),
        (("Habitación del patio", "Cama doble, ventana al patio.", "92.00", {"guests": "2", "area": "18", "breakfast": "yes"}),
         ("Ático con terraza", "Vistas al río.", "138.00", {"guests": "3", "area": "31", "breakfast": "yes", "pets": "yes"})),
        ("#cfe4f3", "#3c7fb1", "#173a5e"), "Un patio con azulejos azules y naranjos", "+34 955 550 142"),
    Stall("bar@pierogi-wawel.example", "Pierogi pod Wawelem", "PL", "PLN", "restaurant", "Pierogi lepione na oczach gości; bar otwarty do późnej nocy.",
        "Ruskie, z kapustą i grzybami, ze szpinakiem, a latem z jagodami. W piątki i soboty gotujemy do drugiej.",
        (("Kazimierz", "ulica Józefa 22", "31-056", "Kraków", "Europe/Warsaw", (50_050_800, 19_944_300), ("12:00-22:00", "12:00-02:00", "12:00-21:00")),),
        (("Pierogi ruskie, 10 sztuk", "Z cebulką.", "29.00", {"course": "main", "takeaway": "yes", "contains": ["wheat", "milk"]}),
         ("Pierogi ze szpinakiem", "Bez nabiału.", "31.00", {"course": "main", "vegan": "yes", "takeaway": "yes", "contains": ["wheat"]})),
        ("#f1e2cf", "#b44b3a", "#4a2430"), "Talerz pierogów na kraciastym obrusie"),
    Stall("hello@thistle-thread.example", "Thistle & Thread Repairs", "GB", "GBP", "repairs", "Coats, shoes and bags mended while the kettle boils, or within a week.",
        "Bring it as it is. We say what it costs before we begin, and we say so if it is not worth it.",
        (("Bath, Walcot Street", "91 Walcot Street", "BA1 5BG", "Bath", "Europe/London", (51_386_600, -2_359_900), ("09:30-17:30", "10:00-16:00", "")),),
        (("New soles", "Rubber or leather.", "48.00", {"thing": ["shoes"], "days": "5", "guarantee": "yes"}),
         ("Zip replaced", "In a jacket or a bag.", "22.00", {"thing": ["clothes"], "days": "3", "guarantee": "yes"})),
        ("#e3e6ef", "#6e7ba6", "#2b3152"), "Spools of thread on a workbench", "+44 1225 496 014"),
    Stall("learn@tide-and-timber.example", "Tide & Timber Workshop", "GB", "GBP", "courses", "Weekend courses in green woodworking: a stool, a spoon, a boat.",
        "Six benches, sharp tools, lunch from the stove. You need no experience, only old clothes.",
        (("Boat shed", "Underfall Yard", "BS1 6XG", "Bristol", "Europe/London", (51_447_300, -2_617_400), ("", "09:00-17:00", "09:00-17:00")),),
        (("Carve a spoon", "Saturday morning.", "45.00", {"level": "beginner", "minutes": "180", "language": ["en"], "starts_on": "2027-01-16"}),
         ("Three-legged stool", "A whole weekend; you take it home.", "190.00", {"level": "middle", "minutes": "720", "language": ["en"], "starts_on": "2027-02-06"})),
        ("#efe4cf", "#8a7a4f", "#2f4a45"), "Shavings around a shaving horse"),
)  # fmt: skip


def fill_directory() -> int:
    """Make the listings that are not there yet; answers how many."""
    return sum(_open(stall, number) for number, stall in enumerate(STALLS))


def _open(stall: Stall, number: int) -> bool:
    with unit_of_work():
        owner, vendor = _people(stall)
        there = select(Listing.id).where(Listing.vendor_id == vendor.id, Listing.mode == "live").limit(1)
        if db.session.scalar(there) is not None:
            return False
    for mode in ("live", "test"):
        with frozen(now() - timedelta(days=30 - 2 * number)), unit_of_work():
            _listing(stall, owner, vendor, mode, number)
        drain("papers")
    return True


def _people(stall: Stall) -> tuple[User, Vendor]:
    """Whose listing it is: one of the demo's vendors, or somebody who only stands in the directory and never signs in."""
    owner = find_user(stall.email)
    if owner is None:
        wish = Registration(stall.business, stall.country, stall.currency, stall.email, secrets.token_urlsafe(24), stall.business)
        if sign_up(wish) is None:
            raise RuntimeError(f"{stall.email} is taken")
        owner = find_user(stall.email)
    vendor = find_employer(owner) if owner else None
    if owner is None or vendor is None:
        raise RuntimeError(f"{stall.email} works for nobody")
    owner.email_verified_at = owner.email_verified_at or now()
    return owner, vendor


def _listing(stall: Stall, owner: User, vendor: Vendor, mode: str, number: int) -> None:
    by = owner.public_id
    links = list_links(vendor, mode, state="active", limit=1).rows
    terms = ListingTerms(
        stall.business,
        stall.category,
        stall.summary,
        stall.text,
        email=stall.email,
        phone=stall.phone,
        link=links[0].public_id if links else "",
    )
    listing = create_listing(vendor, mode=mode, by=by, terms=terms)
    db.session.flush()
    add_image(listing, draw_picture(_picture(stall.colours, number)), by=by, alt=stall.alt)
    for name, street, postcode, town, zone, (lat, lon), (week, saturday, sunday) in stall.places:
        hours = {str(day): read_day(text, field="") for day, text in enumerate((week,) * 5 + (saturday, sunday)) if text}
        exceptions = {f"{now().year}-12-25": [], f"{now().year}-12-24": [[540, 780]]}
        add_branch(
            listing, by=by,
            terms=BranchTerms(name, town, stall.country, zone, street, postcode, lat, lon, hours=hours, exceptions=exceptions),
        )  # fmt: skip
    for name, text, price, attributes in stall.things:
        minor = Money.of(price, stall.currency).minor if price else None
        add_product(listing, by=by, terms=ProductTerms(name, stall.currency, text, minor, attributes), publish=True)
    publish_listing(listing, by=owner)


def _picture(colours: tuple[str, str, str], number: int) -> bytes:
    """A quiet landscape in the colours of the business: light, a round sun, and hills before each other."""
    dice, (width, height) = random.Random(number), (1600, 1000)
    sky, middle, near = (Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for colour in colours)
    picture = Image.new("RGB", (width, height), sky)
    draw = ImageDraw.Draw(picture)
    x, y, size = dice.randrange(300, 1300), dice.randrange(180, 360), dice.randrange(110, 200)
    draw.ellipse((x - size, y - size, x + size, y + size), fill=_mixed(sky, (255, 255, 255), 6))
    for step in range(5):
        colour = _mixed(middle, near, 2 * step) if step > 1 else _mixed(sky, middle, 4 + 3 * step)
        heights = [height * (4 + step) // 10 + dice.randrange(-90, 90) for _ in range(9)]
        points = [(width * n // 8, at) for n, at in enumerate(heights)]
        draw.polygon([*points, (width, height), (0, height)], fill=colour)
        picture = picture.filter(ImageFilter.GaussianBlur(6 - step))
        draw = ImageDraw.Draw(picture)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=88)
    return made.getvalue()


def _mixed(one: Any, other: Any, tenths: int) -> tuple[int, ...]:
    return tuple((a * (10 - tenths) + b * tenths) // 10 for a, b in zip(one, other, strict=True))
