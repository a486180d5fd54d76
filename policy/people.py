"""Whether two names mean one person: where two people have to agree, another spelling of one is not a second.

Names are compared by their letters and digits alone: capitals, spaces, marks, accents and invisible characters do not
matter, and neither does by which of Unicode's letters that look alike an Urdu name is typed. A letter of another
alphabet than these two, English and Urdu, may look like one of them and be none: such a name is nobody's.
"""

import unicodedata

_ALIKE = str.maketrans("\u064a\u0649\u0643\u0647\u06c3\u0629", "\u06cc\u06cc\u06a9\u06c1\u06c1\u06c1")
"""Arabic letters to those that an Urdu keyboard writes: yeh, alef maksura, kaf, heh, teh marbuta twice."""


def person(name: str) -> str:
    """What is the same for every spelling of one name; empty when the name is nobody's."""
    found = []
    for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold()).translate(_ALIKE):
        if (digit := unicodedata.digit(char, None)) is not None:
            found.append(str(digit))
        elif char.isalpha():
            if not (char.isascii() or unicodedata.name(char, "").startswith("ARABIC LETTER")):
                return ""
            found.append(char)
    return "".join(found)
