"""A vendor's colours as a style of our pages, and where its logo is to be had."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path

from markupsafe import Markup

from core.accounts.branding import colours_of
from core.accounts.colours import Shades, shades_of
from core.accounts.models import Vendor

TOKENS = Path(__file__).resolve().parents[2] / "static/css/tokens.css"
Colours = tuple[str | None, str | None]  # on light pages, on dark ones
DARK, START = "@media (prefers-color-scheme: dark)", ":root {"


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture at an address of ours, in the size it is shown: a third of its own points."""

    src: str
    width: int
    height: int
    says_name: bool


def logo_of(vendor: Vendor) -> Logo | None:
    if not vendor.logo_digest:
        return None
    return Logo(logo_path(vendor), vendor.logo_width // 3, vendor.logo_height // 3, vendor.logo_says_name)


def logo_path(vendor: Vendor) -> str:
    """Named by its content, so a browser may keep it for ever."""
    return f"/logo/{vendor.public_id}/{vendor.logo_digest}.png"


def style_of(accent: str | None, accent_dark: str | None, scheme: str | None = None) -> str:
    """The style sheet, for an element that carries the nonce: it comes with the page, not after it. `scheme` forces light or dark."""
    return _style(accent, accent_dark, scheme)


@lru_cache(2048)
def _style(accent: str | None, accent_dark: str | None, scheme: str | None) -> str:
    colours = colours_of(accent, accent_dark)
    blocks = {name: _named(colour, name) for name, colour in colours.items()}
    if scheme:
        forced = f":root{{{theme(scheme)}{blocks.get(scheme, '')}}}"
        return f"@media screen{{{forced}}}" if scheme == "dark" else forced  # on paper it is light all the same
    return f":root{{{blocks['light']}}}@media screen{{{DARK}{{:root{{{blocks['dark']}}}}}}}" if blocks else ""


OURS = {"light": ("#0a5560", "#ffffff"), "dark": ("#7ed3df", "#04252b")}  # as the tokens have them; a test compares


def button_look(vendor: Vendor, colours: tuple[str, str | None] | None = None, scheme: str | None = None) -> str:
    """A button and its words, light and dark, for the frame of a processor that takes such wishes: four colours with dots between.

    `scheme` forces the frame as it does the page around it.
    """
    chosen = colours_of(*(colours or (vendor.accent, vendor.accent_dark)))
    mine = {scheme: shades_of(colour, scheme) for scheme, colour in chosen.items()}
    pairs = [(mine[scheme].brand, mine[scheme].on_brand) if mine else OURS[scheme] for scheme in ("light", "dark")]
    if scheme:
        pairs = [pairs[scheme == "dark"]] * 2
    look = ".".join(colour.removeprefix("#") for pair in pairs for colour in pair)
    return f"{look}&scheme={scheme}" if scheme else look


def paper_style(vendor: Vendor, typed: Colours | None = None) -> str:
    """The same for a paper, which is always light. `typed` stand in the place of what is kept, for a picture of what could be."""
    colours = colours_of(*(typed or (vendor.accent, vendor.accent_dark)))
    return f":root{{{_named(colours['light'], 'light')}}}" if colours else ""


def carried(png: bytes) -> Markup:
    """A picture inside the page itself: the press fetches nothing, and a letter's reader asks nobody."""
    return Markup(f"data:image/png;base64,{b64encode(png).decode()}")


@dataclass(frozen=True, slots=True)
class LetterLook:
    """What a letter in a vendor's name shows of it: colours for mail programs that read a style sheet, and the logo that travels along."""

    light: Shades | None
    dark: Shades | None
    logo: Logo | None


def letter_look(vendor: Vendor, *, carries_logo: bool, typed: Colours | None = None) -> LetterLook:
    chosen = colours_of(*(typed or (vendor.accent, vendor.accent_dark)))
    shades = {scheme: shades_of(colour, scheme) for scheme, colour in chosen.items()}
    return LetterLook(shades.get("light"), shades.get("dark"), logo_of(vendor) if carries_logo else None)


def _named(colour: str, scheme: str) -> str:
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in asdict(shades_of(colour, scheme)).items())


@cache
def theme(scheme: str) -> str:
    """Every value of our design in one scheme, whatever the reader's own is: for a page that shows both."""
    light, _, dark = TOKENS.read_text().partition(DARK)
    return f"color-scheme:{scheme};" + _values(light.rpartition(START)[2]) + (_values(dark.partition(START)[2]) if scheme == "dark" else "")


def _values(part: str) -> str:
    """The custom properties of a part of the tokens; those with a text in quotes (the typefaces) are the same everywhere."""
    lines = [line.strip() for line in part.partition("}")[0].splitlines()]
    return "".join(line for line in lines if line.startswith("--") and '"' not in line)
