"""The colours that a product can have: few enough to be searched by, each with the sign it is shown by and its name in every language."""

from __future__ import annotations

from collections.abc import Mapping

COLOURS: dict[str, tuple[str, Mapping[str, str]]] = {
    "white": ("#ffffff", {"en": "White", "de": "Weiß", "fr": "Blanc", "es": "Blanco", "pl": "Biały", "ar": "أبيض", "ja": "白"}),
    "grey": ("#808890", {"en": "Grey", "de": "Grau", "fr": "Gris", "es": "Gris", "pl": "Szary", "ar": "رمادي", "ja": "灰"}),
    "black": ("#16181d", {"en": "Black", "de": "Schwarz", "fr": "Noir", "es": "Negro", "pl": "Czarny", "ar": "أسود", "ja": "黒"}),
    "brown": ("#7a4a24", {"en": "Brown", "de": "Braun", "fr": "Brun", "es": "Marrón", "pl": "Brązowy", "ar": "بني", "ja": "茶"}),
    "beige": ("#e3d3b4", {"en": "Beige", "de": "Beige", "fr": "Beige", "es": "Beige", "pl": "Beżowy", "ar": "بيج", "ja": "ベージュ"}),
    "red": ("#c62828", {"en": "Red", "de": "Rot", "fr": "Rouge", "es": "Rojo", "pl": "Czerwony", "ar": "أحمر", "ja": "赤"}),
    "orange": ("#e8710a", {"en": "Orange", "de": "Orange", "fr": "Orange", "es": "Naranja", "pl": "Pomarańczowy", "ar": "برتقالي", "ja": "橙"}),
    "yellow": ("#f2c400", {"en": "Yellow", "de": "Gelb", "fr": "Jaune", "es": "Amarillo", "pl": "Żółty", "ar": "أصفر", "ja": "黄"}),
    "green": ("#2e7d32", {"en": "Green", "de": "Grün", "fr": "Vert", "es": "Verde", "pl": "Zielony", "ar": "أخضر", "ja": "緑"}),
    "blue": ("#1f5fbf", {"en": "Blue", "de": "Blau", "fr": "Bleu", "es": "Azul", "pl": "Niebieski", "ar": "أزرق", "ja": "青"}),
    "purple": ("#7b3fa0", {"en": "Purple", "de": "Lila", "fr": "Violet", "es": "Morado", "pl": "Fioletowy", "ar": "بنفسجي", "ja": "紫"}),
    "pink": ("#e573a5", {"en": "Pink", "de": "Rosa", "fr": "Rose", "es": "Rosa", "pl": "Różowy", "ar": "وردي", "ja": "ピンク"}),
    "gold": ("#c9a227", {"en": "Gold", "de": "Gold", "fr": "Doré", "es": "Dorado", "pl": "Złoty", "ar": "ذهبي", "ja": "金"}),
    "silver": ("#c3c8ce", {"en": "Silver", "de": "Silber", "fr": "Argenté", "es": "Plateado", "pl": "Srebrny", "ar": "فضي", "ja": "銀"}),
}  # fmt: skip
