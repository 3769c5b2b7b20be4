"""Normal forms of what identifies a customer, so that equal values compare as equal.

Each form is a pure function of the record, so that it may be kept from refresh to
refresh. Null where a value says nothing: a phone `000`, a registration number `n/a`.
Columns come and go as Arrow; each distinct value is worked on once.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.identity import person_names
from pipeline.identity.company_names import company
from pipeline.identity.scripts import (
    CJK,
    NOT_WORD,
    PLACE_WORD,
    folded,
    known,
    spoken,
    text,
)
from pipeline.identity.vocabulary import Vocabulary

# Text columns of a record that a normal form is made of.
INPUTS: Final = (
    "customer_type",
    "customer_name",
    "given_name",
    "family_name",
    "gender",
    "country",
    "region",
    "city",
    "postal_code",
    "street",
    "email",
    "phone",
    "website",
    "registration_number",
)

FORMS: Final = pa.schema(
    [
        ("registration_key", pa.string()),
        ("registration_checked", pa.bool_()),
        ("email_key", pa.string()),
        ("domain_key", pa.string()),
        ("phone_key", pa.string()),
        ("name_key", pa.string()),
        ("name_core", pa.string()),
        ("name_place", pa.string()),
        ("name_branch", pa.string()),
        ("name_sound", pa.string()),
        ("name_words", pa.string()),
        ("name_known", pa.string()),
        ("name_numbers", pa.string()),
        ("name_initials", pa.string()),
        ("name_parts", pa.string()),
        ("given_key", pa.string()),
        ("family_key", pa.string()),
        ("generation_key", pa.string()),
        ("gender_key", pa.string()),
        ("country_key", pa.string()),
        ("city_key", pa.string()),
        ("postal_key", pa.string()),
        ("street_key", pa.string()),
        ("street_number", pa.string()),
    ]
)

_DIGITS = re.compile(r"\d+")
_STREET_WORDS: Final = {
    "street": "st", "str": "st", "strasse": "st", "straße": "st", "avenue": "ave",
    "av": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd",
    "place": "pl", "court": "ct", "crescent": "cres", "circuit": "cct", "close": "cl",
    "square": "sq", "highway": "hwy", "terrace": "tce", "parade": "pde",
    "north": "n", "south": "s", "east": "e", "west": "w", "suite": "ste",
    "building": "bldg", "floor": "fl", "apartment": "apt",
}  # fmt: skip
MIN_REGISTRATION: Final = 5
MIN_PHONE_DIGITS: Final = 6


def registration(value: str, placeholders: Container[str] = ()) -> str | None:
    """A tax or registration number: letters and digits only; null for a placeholder."""
    found = NOT_WORD.sub("", unicodedata.normalize("NFKC", value)).upper()
    if len(found) < MIN_REGISTRATION or len(set(found)) < 3 or found in placeholders:
        return None
    return found if any(character.isdigit() for character in found) else None


_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_BIRTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_CITIZEN_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))


def is_checked_registration(key: str) -> bool:
    """Whether a number proves itself by its check character.

    A company's 统一社会信用代码 (GB 32100-2015: 17 characters weighted with 3^i mod 31) or
    a person's 公民身份号码 (GB 11643-1999: 17 digits with the birth date, ISO 7064 MOD
    11-2). Either notices any single wrong character.
    """
    if len(key) != 18:
        return False
    if key[:17].isdecimal() and _BIRTH.fullmatch(key[6:14]):
        total = sum(
            w * int(digit) for w, digit in zip(_CITIZEN_WEIGHTS, key, strict=False)
        )
        if key[17] == "10X98765432"[total % 11]:
            return True
    if any(character not in _USCC_ALPHABET for character in key):
        return False
    values = [_USCC_ALPHABET.index(character) for character in key]
    total = sum(w * v for w, v in zip(_USCC_WEIGHTS, values, strict=False))
    return values[17] == (31 - total % 31) % 31


def email(value: str) -> str | None:
    """An e-mail address in lower case, without a tag behind `+`."""
    found = unicodedata.normalize("NFKC", value).strip().lower()
    found = found.removeprefix("mailto:")
    local, at, domain = found.rpartition("@")
    if not at or not local or "." not in domain or any(c.isspace() for c in found):
        return None
    return f"{local.partition('+')[0] or local}@{domain}"


def domain(value: str) -> str | None:
    """The domain of a web address or of an e-mail address, without `www.`."""
    found = value.strip().lower()
    found = found.rpartition("@")[2] if "@" in found else found
    found = found.partition("://")[2] or found
    found = re.split(r"[/?#:]", found, maxsplit=1)[0].removeprefix("www.").strip(".")
    return found if "." in found and " " not in found else None


_EXTENSION = re.compile(r"(?:ext|x|#|转|分机|доб)\W*\d+\W*$", re.IGNORECASE)
PHONE_DIGITS: Final = 9


# The last digits of a number all alike, or counted through: nobody's.
_ALIKE = re.compile(r"(\d)\1{6}$")


def phone(
    value: str, country: str | None, placeholders: Container[str] = ()
) -> str | None:
    """A telephone number: the last digits of its national significant number.

    Read as one of the country where it has no prefix. Without a country code, because
    half of the systems leave it out and nobody knows which country was meant; nine
    digits tell subscribers apart, and a name has to agree besides. An extension is
    dropped: it names a desk, not the customer. A number that cannot be one is null.
    """
    plain = unicodedata.normalize("NFKC", value).strip()
    digits = "".join(_DIGITS.findall(plain))
    if len(digits) < MIN_PHONE_DIGITS or len(set(digits)) < 2:
        return None
    if digits in placeholders or _ALIKE.search(digits):
        return None
    if plain.startswith("00"):  # the international prefix of most countries
        plain = "+" + plain[2:]
    try:
        parsed = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        if country is not None:
            return None
        plain = _EXTENSION.sub("", plain)
        national = "".join(_DIGITS.findall(plain)).lstrip("0")
    else:
        if not phonenumbers.is_possible_number(parsed):
            return None
        national = str(parsed.national_number)
    return national[-PHONE_DIGITS:] if len(national) >= MIN_PHONE_DIGITS else None


@functools.cache
def _countries() -> Mapping[str, str]:
    """English and Chinese names of countries, and their codes → ISO 3166 alpha-2."""
    from babel import Locale

    found: dict[str, str] = {}
    for language in ("en", "zh"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                found.setdefault(text(name), code)
                found[code.lower()] = code
    found |= {
        "usa": "US", "united states of america": "US", "u s a": "US", "uk": "GB",
        "great britain": "GB", "england": "GB", "prc": "CN", "p r china": "CN",
        "peoples republic of china": "CN", "中华人民共和国": "CN", "deutschland": "DE",
    }  # fmt: skip
    return found


def country(value: str) -> str | None:
    """The country's ISO 3166 code, from its English or Chinese name or its code."""
    return _countries().get(text(value))


def street(value: str) -> tuple[str | None, str | None]:
    """A street with its usual words shortened, and the first number in it."""
    plain = text(value)
    number = _DIGITS.search(plain)
    words = [
        _STREET_WORDS.get(word, word)
        for word in plain.split()
        if not (number and word == number.group())
    ]
    return known(" ".join(words)), number.group() if number else None


def forms(records: pa.Table, vocabulary: Vocabulary) -> pa.Table:
    """The normal forms of records.

    Args:
        records: At least the text columns `INPUTS`; n rows.
        vocabulary: The seeds.

    Returns:
        The columns of `FORMS`, n rows in the same order; null where a record says
        nothing.
    """
    kinds = records.column("customer_type")
    is_company = pc.fill_null(pc.equal(kinds, "company"), False)
    countries = _each(records.column("country"), country)
    names = _each_of(
        pc.if_else(is_company, records.column("customer_name"), None),
        lambda value: company(value, vocabulary),
        10,
        lambda name: name,
    )
    streets = _each_of(records.column("street"), street, 2, lambda pair: pair)
    emails = _each(
        records.column("email"),
        lambda value: known(email(value), vocabulary.placeholders.get("email", ())),
    )
    sites = _each(records.column("website"), domain)
    at_mail = _each(emails, domain)
    private = pa.array(sorted(vocabulary.free_mail), pa.string())
    domains = [
        pc.if_else(pc.is_in(column, value_set=private), None, column)
        for column in (sites, at_mail)
    ]
    numbers = _each(
        records.column("registration_number"),
        lambda value: registration(
            value, vocabulary.placeholders.get("registration_number", ())
        ),
    )
    (checked,) = _each_of(
        numbers, is_checked_registration, 1, lambda flag: (flag,), pa.bool_()
    )
    return pa.Table.from_arrays(
        [
            numbers,
            checked,
            pc.if_else(is_company, emails, _without_roles(emails, vocabulary)),
            pc.if_else(is_company, pc.coalesce(*domains), None),
            _phones(records.column("phone"), countries, vocabulary),
            *names,
            *_persons(records, is_company),
            countries,
            _each(records.column("city"), _city),
            _each(records.column("postal_code"), _postal),
            *streets,
        ],
        schema=FORMS,
    )


def _city(value: str) -> str | None:
    # As it is spoken: one system says 徐州市, the other Xuzhou.
    plain = PLACE_WORD.sub(r"\1", text(value).replace(" ", ""))
    return known(folded(spoken(plain) if CJK.search(plain) else plain))


def _postal(value: str) -> str | None:
    found = NOT_WORD.sub("", unicodedata.normalize("NFKC", value)).upper()
    return found if found and set(found) != {"0"} else None


def _each(
    column: pa.ChunkedArray | pa.Array, form: Callable[[str], str | None]
) -> pa.Array:
    """The form of each value; every distinct value is worked on once."""
    (found,) = _each_of(column, form, 1, lambda value: (value,))
    return found


def _each_of(
    column: pa.ChunkedArray | pa.Array,
    form: Callable[[str], Any],
    width: int,
    parts: Callable[[Any], Iterable[Any]],
    kind: pa.DataType = pa.string(),  # noqa: B008
) -> list[pa.Array]:
    encoded = _combined(column).dictionary_encode()
    rows = [tuple(parts(form(value))) for value in encoded.dictionary.to_pylist()]
    return [
        pa.array([row[place] for row in rows], kind).take(encoded.indices)
        for place in range(width)
    ]


def _without_roles(emails: pa.Array, vocabulary: Vocabulary) -> pa.Array:
    """Mailboxes without those of a role, which are nobody's own."""

    def own(value: str) -> str | None:
        local = value.partition("@")[0]
        return None if local in vocabulary.role_mailboxes else value

    return _each(emails, own)


def _persons(records: pa.Table, is_company: pa.Array) -> list[pa.Array]:
    """Given and family name, generation and gender of each person."""
    whole, given, family = (
        pc.replace_substring(
            pc.fill_null(_combined(records.column(name)), ""), "\x1f", " "
        )
        for name in ("customer_name", "given_name", "family_name")
    )
    joined = pc.binary_join_element_wise(whole, given, family, "\x1f")
    *names, titles = _each_of(
        pc.if_else(is_company, None, joined),
        lambda value: person_names.person(*value.split("\x1f")),
        4,
        lambda name: (name.given, name.family, name.generation, name.gender),
    )
    recorded = _each(records.column("gender"), person_names.gender)
    return [*names, pc.coalesce(pc.if_else(is_company, None, recorded), titles)]


def _phones(
    numbers: pa.ChunkedArray | pa.Array, countries: pa.Array, vocabulary: Vocabulary
) -> pa.Array:
    # Distinct by number and country: "+" never stands in a country's code.
    both = pc.binary_join_element_wise(
        pc.fill_null(countries, ""), _combined(numbers), "\x1f"
    )

    def read(value: str) -> str | None:
        place, _, number = value.partition("\x1f")
        return phone(number, place or None, vocabulary.placeholders.get("phone", ()))

    return _each(both, read)


def _combined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.cast(pa.string())
