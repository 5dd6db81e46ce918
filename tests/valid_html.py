"""Whether a page is valid HTML: the parse errors of the WHATWG's parser, and the rules about what may stand where that it does not know.

The parser is WeasyPrint's own (pinned with it); the rules are those of the HTML standard that our templates could break.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tinyhtml5.parser import HTMLParser


def words(text: str) -> set[str]:
    return set(text.split())


PHRASING = words(
    "a abbr b bdi bdo br button cite code data datalist dfn em i iframe img input kbd label mark meter noscript output picture progress q "
    "s samp script select small span strong sub sup svg template textarea time u var wbr meta link"
)
FLOW = PHRASING | words(
    "address article aside blockquote details dialog div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol "
    "p pre search section style table ul"
)
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
ONLY_PHRASING = words(
    "p h1 h2 h3 h4 h5 h6 pre span strong em b i u s small sub sup abbr cite code kbd samp var q time data label button bdi bdo dfn mark "
    "output progress meter"
)
CHILDREN = {
    "ul": {"li", "script", "template"}, "ol": {"li", "script", "template"}, "dl": {"dt", "dd", "div", "script", "template"},
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot", "tr"}, "thead": {"tr"}, "tbody": {"tr"}, "tfoot": {"tr"}, "tr": {"td", "th"},
    "select": {"option", "optgroup", "hr"}, "optgroup": {"option"},
    "html": {"head", "body"}, "head": {"title", "meta", "link", "style", "script", "base", "noscript", "template"},
}  # fmt: skip
INTERACTIVE = {"a", "button", "details", "embed", "iframe", "label", "select", "textarea", "input"}
LABELABLE = {"button", "input", "meter", "output", "progress", "select", "textarea"}
OBSOLETE = words("acronym applet basefont big center dir font frame frameset isindex marquee nobr noframes strike tt xmp blink")
GLOBAL = words(
    "accesskey autocapitalize autocorrect autofocus class contenteditable dir draggable enterkeyhint hidden id inert inputmode is itemid itemprop "
    "itemref itemscope itemtype lang nonce popover role slot spellcheck style tabindex title translate"
)
OWN = {
    "a": "href target download ping rel hreflang type referrerpolicy", "button": "disabled form formaction formenctype formmethod formnovalidate formtarget name popovertarget popovertargetaction type value",
    "details": "name open", "fieldset": "disabled form name", "form": "accept-charset action autocomplete enctype method name novalidate target rel",
    "html": "", "iframe": "src srcdoc name sandbox allow allowfullscreen width height referrerpolicy loading",
    "img": "alt src srcset sizes crossorigin usemap ismap width height referrerpolicy decoding loading fetchpriority",
    "input": "accept alt autocomplete checked dirname disabled form formaction formenctype formmethod formnovalidate formtarget height list max maxlength min minlength multiple name pattern placeholder readonly required size src step type value width",
    "label": "for", "li": "value", "link": "href crossorigin rel media integrity hreflang type referrerpolicy sizes imagesrcset imagesizes as blocking color disabled fetchpriority",
    "meta": "name http-equiv content charset media property", "meter": "value min max low high optimum", "ol": "reversed start type", "optgroup": "disabled label",
    "option": "disabled label selected value", "output": "for form name", "progress": "value max", "script": "src type nomodule async defer crossorigin integrity referrerpolicy",
    "select": "autocomplete disabled form multiple name required size", "style": "media", "td": "colspan rowspan headers", "th": "colspan rowspan headers scope abbr",
    "col": "span", "colgroup": "span", "textarea": "autocomplete cols dirname disabled form maxlength minlength name placeholder readonly required rows wrap",
    "time": "datetime", "data": "value", "blockquote": "cite", "q": "cite",
}  # fmt: skip
TYPED = {  # attributes of an input that only some of its types have
    "maxlength": {"text", "search", "url", "tel", "email", "password"}, "placeholder": {"text", "search", "url", "tel", "email", "password", "number"},
    "pattern": {"text", "search", "url", "tel", "email", "password"}, "checked": {"checkbox", "radio"}, "accept": {"file"},
    "min": {"date", "month", "week", "time", "datetime-local", "number", "range"}, "max": {"date", "month", "week", "time", "datetime-local", "number", "range"},
    "step": {"date", "month", "week", "time", "datetime-local", "number", "range"}, "size": {"text", "search", "url", "tel", "email", "password"},
}  # fmt: skip
REFERENCES = (
    "for",
    "form",
    "list",
    "headers",
    "aria-labelledby",
    "aria-describedby",
    "aria-controls",
    "aria-owns",
    "aria-details",
    "aria-errormessage",
)
ARIA = words(
    "activedescendant atomic autocomplete busy checked colcount colindex colspan controls current describedby description details disabled errormessage "
    "expanded flowto haspopup hidden invalid keyshortcuts label labelledby level live modal multiline multiselectable orientation owns placeholder posinset "
    "pressed readonly relevant required roledescription rowcount rowindex rowspan selected setsize sort valuemax valuemin valuenow valuetext"
)
ROLES = words(
    "alert alertdialog application article banner button cell checkbox columnheader combobox complementary contentinfo definition dialog document feed figure "
    "form generic grid gridcell group heading img link list listbox listitem log main marquee math menu menubar menuitem meter navigation none note option "
    "presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status switch tab table "
    "tablist tabpanel term textbox timer toolbar tooltip tree treegrid treeitem"
)
PARTS_OF_DAY = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?)?|\d\d:\d\d(:\d\d)?")
# What the parser calls an error and the standard does not: a self-closing slash on SVG's own elements is how XML is written.
NO_ERRORS = {"non-void-element-with-trailing-solidus"}


def problems_of_html(html: str) -> list[str]:
    """Everything that makes this page invalid, as sentences; [] for a valid page."""
    parser = HTMLParser(namespace_html_elements=False)
    root = parser.parse(html)
    found = [f"line {at[0]}: {code} {values or ''}".strip() for at, code, values in parser.errors if code not in NO_ERRORS]
    if not html.lstrip().lower().startswith("<!doctype html>"):
        found.append("no doctype")
    ids = Counter(e.get("id") for e, _ in _elements(root) if e.get("id") is not None)
    found += [f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1]
    found += [f"id {name!r} is empty or has a blank in it" for name in ids if not name or re.search(r"\s", name)]
    labelable = {e.get("id") for e, _ in _elements(root) if e.tag in LABELABLE}
    for element, parents in _elements(root):
        found += _place(element, parents) + _nesting(element, parents) + _attributes(element) + _references(element, set(ids), labelable)
    return found


def _elements(root: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Every HTML element with what it stands in; the inside of a drawing is SVG's own."""
    waiting: list[tuple[Any, list[Any]]] = [(root, [])]
    while waiting:
        element, parents = waiting.pop()
        if not isinstance(element.tag, str) or element.tag.startswith("{"):
            continue
        yield element, parents
        if element.tag != "svg":
            waiting += [(child, [*parents, element]) for child in reversed(list(element))]


def _place(element: Any, parents: list[Any]) -> list[str]:
    name, above = element.tag, [parent.tag for parent in parents]
    parent, found = above[-1] if above else "", []
    if name in OBSOLETE or (
        name not in FLOW
        and parent in FLOW
        and parent not in CHILDREN
        and name not in {"li", "dt", "dd", "legend", "summary", "figcaption", "caption", "option", "optgroup"}
    ):
        found.append(f"<{name}> in <{parent}>: no such element there")
    if parent in CHILDREN and name not in CHILDREN[parent]:
        found.append(f"<{name}> may not stand in <{parent}>")
    blocks = next((a for a in reversed(above) if a in ONLY_PHRASING), None)
    if blocks and name in FLOW - PHRASING:
        found.append(f"<{name}> may not stand in <{blocks}>")
    if parent == "summary" and name in FLOW - PHRASING - HEADINGS:
        found.append(f"<{name}> may not stand in <summary>")
    if parent == "legend" and name in FLOW - PHRASING - HEADINGS:
        found.append(f"<{name}> may not stand in <legend>")
    if name == "div" and parent == "dl" and {child.tag for child in element} - {"dt", "dd", "script", "template"}:
        found.append("a <div> in a <dl> holds more than <dt> and <dd>")
    if name in HEADINGS and not "".join(element.itertext()).strip() and not element.findall(".//img"):
        found.append(f"an empty <{name}>")
    if name in ("legend", "summary", "figcaption", "caption"):
        holder = {"legend": "fieldset", "summary": "details", "figcaption": "figure", "caption": "table"}[name]
        if parent != holder:
            found.append(f"<{name}> stands in <{parent}>, not in <{holder}>")
    return found


def _nesting(element: Any, parents: list[Any]) -> list[str]:
    """What may not stand anywhere inside something, and how a list of facts is put together."""
    name, above = element.tag, {parent.tag for parent in parents}
    found = []
    if name in INTERACTIVE and not (name == "input" and element.get("type") == "hidden") and ({"a", "button"} & above):
        found.append(f"<{name}> may not stand in <a> or <button>")
    if name in ("form", "label") and name in above:
        found.append(f"<{name}> in <{name}>")
    if name == "main" and above - {"html", "body", "div", "form"}:
        found.append("<main> deep inside")
    if (
        name == "dl"
        and not all(child.tag in ("div", "script", "template") for child in element)
        and any(child.tag == "div" for child in element)
    ):
        found.append("a <dl> mixes <div> with bare <dt> and <dd>")
    return found


def _attributes(element: Any) -> list[str]:
    name, found = element.tag, []
    if name == "svg":
        return found
    own = set(OWN.get(name, "").split())
    for attribute, value in element.attrib.items():
        if attribute.startswith(("data-", "hx-")) or (attribute.startswith("aria-") and attribute[5:] in ARIA):
            continue
        if attribute not in GLOBAL | own:
            found.append(f"<{name}> has no attribute {attribute}")
        if name == "input" and attribute in TYPED and element.get("type", "text") not in TYPED[attribute]:
            found.append(f"an <input> of type {element.get('type', 'text')} has no attribute {attribute}")
        if attribute == "role" and not set(value.split()) <= ROLES:
            found.append(f"there is no role {value!r}")
        if value == "" and attribute in ("href", "src", "for", "id", "name", "action", "aria-label", "aria-labelledby", "aria-describedby"):
            found.append(f"<{name}> has an empty {attribute}") if attribute != "href" else None
    needed = {
        "img": ("src", "alt"),
        "iframe": ("title", "srcdoc" if "srcdoc" in element.attrib else "src"),
        "label": (),
        "th": (),
        "meta": (),
        "option": (),
    }.get(name, ())
    found += [f"<{name}> lacks {attribute}" for attribute in needed if attribute not in element.attrib]
    if name == "time" and not PARTS_OF_DAY.fullmatch(element.get("datetime") or "".join(element.itertext()).strip()):
        found.append(f"<time> holds no time: {element.get('datetime')!r}")
    if name == "script" and element.get("src") and (element.text or "").strip():
        found.append("a <script> with an address and a text")
    return found


def _references(element: Any, ids: set[str], labelable: set[str]) -> list[str]:
    found = []
    for attribute in REFERENCES:
        value = element.get(attribute)
        if value is None or (attribute == "for" and element.tag == "output"):
            continue
        for target in value.split():
            if target not in ids:
                found.append(f"{attribute} of <{element.tag}> names {target!r}, which is not there")
            elif attribute == "for" and element.tag == "label" and target not in labelable:
                found.append(f"a <label> is for {target!r}, which takes no label")
    href = element.get("href", "")
    if element.tag == "a" and len(href) > 1 and href.startswith("#") and href[1:] not in ids:
        found.append(f"a link leads to {href}, which is not there")
    return found
