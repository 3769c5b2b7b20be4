"""Normal forms of what identifies a customer, so that equal values compare as equal.

Each form is a pure function of the record, so that it may be kept from refresh to
refresh. Null where a value says nothing: a phone `000`, a registration number `n/a`.
Columns come and go as Arrow; each distinct value is worked on once.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

# Text columns of a record that a normal form is made of.
INPUTS: Final = (
    "customer_type",
    "customer_name",
    "given_name",
    "family_name",
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
        ("name_sound", pa.string()),
        ("given_key", pa.string()),
        ("family_key", pa.string()),
        ("country_key", pa.string()),
        ("city_key", pa.string()),
        ("postal_key", pa.string()),
        ("street_key", pa.string()),
        ("street_number", pa.string()),
    ]
)

_CJK = re.compile(r"[\u3400-\u9fff]")
_NOT_WORD = re.compile(r"[\W_]+")
_SPACES = re.compile(r"\s+")
_BRACKETS = re.compile(r"[(\[【〔（]([^)\]】〕）]*)[)\]】〕）]")
_DIGITS = re.compile(r"\d+")
# "北京市", "广东省": the word for the kind of place says nothing that the name does not.
_PLACE_WORD = re.compile(r"^([\u4e00-\u9fff]{2,3})(?:省|市|自治区)")
_MISSING = frozenset(
    {"", "na", "n a", "none", "null", "nil", "unknown", "tbd", "test", "无", "未知", "暂无"}
)
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


@dataclass(frozen=True)
class Vocabulary:
    """What a business may add to: the seeds behind the normal forms.

    Attributes:
        legal_forms: Words for the legal form of a company, in normal form.
        places: Chinese names of places that stand before a company's own name.
        free_mail: Domains at which anybody has an address.
    """

    legal_forms: frozenset[str]
    places: frozenset[str]
    free_mail: frozenset[str]


class _Simplified(dict[int, str]):
    """Character → its simplified form, by OpenCC; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if _CJK.match(character):
            character = _converter().convert(character)
        self[code] = character
        return character


class _Sounds(dict[int, str]):
    """Character → its most usual reading in pinyin, without tones, and a blank."""

    def __missing__(self, code: int) -> str:
        import pypinyin

        character = chr(code)
        if _CJK.match(character):
            character = pypinyin.lazy_pinyin(character)[0]
        self[code] = character
        return character


@functools.cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


_SIMPLIFIED: Final = _Simplified()
_SOUNDS: Final = _Sounds()


def text(value: str) -> str:
    """The value in one width, script and case, without accents and punctuation.

    Full width becomes half width (NFKC), traditional characters become simplified ones,
    `&` becomes `and`.
    """
    if value.isascii():
        plain = value
    else:
        plain = unicodedata.normalize("NFKC", value).translate(_SIMPLIFIED)
        plain = "".join(
            character
            for character in unicodedata.normalize("NFKD", plain)
            if not unicodedata.combining(character)
        )
    plain = plain.casefold().replace("&", " and ").replace("'", "")
    return _SPACES.sub(" ", _NOT_WORD.sub(" ", plain)).strip()


def _known(value: str) -> str | None:
    return None if value in _MISSING else value


def registration(value: str) -> str | None:
    """A tax or registration number: letters and digits only; null for a placeholder."""
    found = _NOT_WORD.sub("", unicodedata.normalize("NFKC", value)).upper()
    if len(found) < MIN_REGISTRATION or len(set(found)) < 3:
        return None
    return found if any(character.isdigit() for character in found) else None


_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_CITIZEN_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))


def is_checked_registration(key: str) -> bool:
    """Whether a number proves itself by its check character.

    A company's 统一社会信用代码 (GB 32100-2015: 17 characters weighted with 3^i mod 31) or
    a person's 公民身份号码 (GB 11643-1999: 17 digits, ISO 7064 MOD 11-2). Either notices any
    single wrong character.
    """
    if len(key) != 18:
        return False
    if key[:17].isdecimal():
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


def phone(value: str, country: str | None) -> str | None:
    """A telephone number in E.164, read as one of the country where it has no prefix.

    An extension is dropped: it names a desk, not the customer. A number that cannot be
    one (`12345`) is null.
    """
    digits = "".join(_DIGITS.findall(unicodedata.normalize("NFKC", value)))
    if len(digits) < MIN_PHONE_DIGITS or len(set(digits)) < 2:
        return None
    if value.lstrip().startswith("00"):  # the international prefix of most countries
        value = "+" + value.lstrip()[2:]
    try:
        parsed = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        # Without a country its digits are still worth comparing with their like.
        return f"?{digits.lstrip('0')}" if country is None else None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return f"+{parsed.country_code}{parsed.national_number}"


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
    return _known(" ".join(words)), number.group() if number else None


def person(value: str) -> str | None:
    """A given or family name."""
    return _known(text(value).replace(" ", ""))


@dataclass(frozen=True)
class CompanyName:
    """A company's name in parts.

    Attributes:
        key: The whole name without its legal form.
        core: The key without the place in front of it or in brackets.
        place: That place.
        sound: The core as it is spoken: pinyin for Chinese, letters only.
    """

    key: str | None
    core: str | None
    place: str | None
    sound: str | None


def company(value: str, vocabulary: Vocabulary) -> CompanyName:
    """The parts of a company's name, English or Chinese."""
    bracketed = _BRACKETS.findall(unicodedata.normalize("NFKC", value))
    place = None
    if _CJK.search(value):
        plain = text(value).replace(" ", "")
        inside = [text(part).replace(" ", "") for part in bracketed]
        for part in inside:
            bare = _PLACE_WORD.sub(r"\1", part)
            if bare in vocabulary.places:
                plain, place = plain.replace(part, "", 1), bare
        plain = _without_forms(plain, vocabulary.legal_forms)
        previous = None
        while previous != plain:  # a province, then a city
            previous = plain
            plain = _PLACE_WORD.sub(r"\1", plain)
            for length in (4, 3, 2):
                head = plain[:length]
                if head in vocabulary.places and len(plain) > length + 1:
                    place, plain = head, plain[length:]
                    break
        core = plain
        key = (place or "") + core
    else:
        words = text(_BRACKETS.sub(" ", value)).split()
        if words[:1] == ["the"]:
            words = words[1:]
        core = " ".join(_without_form_words(words, vocabulary.legal_forms))
        key = core
    if not _known(core):
        return CompanyName(None, None, None, None)
    sound = core.translate(_SOUNDS).replace(" ", "")
    return CompanyName(key, core, place, sound)


def _without_forms(plain: str, forms: frozenset[str]) -> str:
    shorter = True
    while shorter:
        shorter = False
        for length in range(min(7, len(plain) - 2), 1, -1):
            if plain[-length:] in forms:
                plain, shorter = plain[:-length], True
                break
    return plain


def _without_form_words(words: Sequence[str], forms: frozenset[str]) -> Sequence[str]:
    while len(words) > 1:
        for length in (4, 3, 2, 1):
            if len(words) > length and (
                " ".join(words[-length:]) in forms or "".join(words[-length:]) in forms
            ):
                words = words[:-length]
                break
        else:
            break
    if words[-1:] == ["and"] and len(words) > 1:  # "Smith & Co."
        words = words[:-1]
    return words


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
        4,
        lambda name: (name.key, name.core, name.place, name.sound),
    )
    streets = _each_of(records.column("street"), street, 2, lambda pair: pair)
    emails = _each(records.column("email"), email)
    sites = _each(records.column("website"), domain)
    at_mail = _each(emails, domain)
    private = pa.array(sorted(vocabulary.free_mail), pa.string())
    domains = [
        pc.if_else(pc.is_in(column, value_set=private), None, column)
        for column in (sites, at_mail)
    ]
    numbers = _each(records.column("registration_number"), registration)
    (checked,) = _each_of(
        numbers, is_checked_registration, 1, lambda flag: (flag,), pa.bool_()
    )
    return pa.Table.from_arrays(
        [
            numbers,
            checked,
            emails,
            pc.if_else(is_company, pc.coalesce(*domains), None),
            _phones(records.column("phone"), countries),
            *names,
            _each(records.column("given_name"), person),
            _each(records.column("family_name"), person),
            countries,
            _each(records.column("city"), _city),
            _each(records.column("postal_code"), _postal),
            *streets,
        ],
        schema=FORMS,
    )


def _city(value: str) -> str | None:
    return _known(_PLACE_WORD.sub(r"\1", text(value).replace(" ", "")))


def _postal(value: str) -> str | None:
    found = _NOT_WORD.sub("", unicodedata.normalize("NFKC", value)).upper()
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


def _phones(numbers: pa.ChunkedArray | pa.Array, countries: pa.Array) -> pa.Array:
    # Distinct by number and country: "+" never stands in a country's code.
    both = pc.binary_join_element_wise(
        pc.fill_null(countries, ""), _combined(numbers), "\x1f"
    )

    def read(value: str) -> str | None:
        place, _, number = value.partition("\x1f")
        return phone(number, place or None)

    return _each(both, read)


def _combined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.cast(pa.string())
