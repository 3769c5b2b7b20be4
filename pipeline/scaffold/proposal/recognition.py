"""Says what each table is and what its columns mean, by names, values and references.

Every answer has a confidence from 0 to 1 and its evidence in words. Not here: what is
made of it (`project`), and who is asked where it is unsure (`questions`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.profiling import names
from pipeline.profiling.keys import is_named_as_an_id
from pipeline.profiling.tables import MOMENTS, NUMBERS, Column, Profile, Table
from pipeline.scaffold.proposal import presets, vocabulary
from pipeline.scaffold.proposal.vocabulary import Role, Words

# Below this a column's meaning is not taken up, and below the other it is a question.
LEAST_OF_A_COLUMN = 0.51
SURE = 0.75
# Below this a table is left aside, and a second role as close as this is a question.
LEAST_OF_A_TABLE = 0.34
CLOSE = 0.06
# A table whose name is that of a role is of that role, and one whose name tells nothing
# needs more columns for a role that few tables have.
NAMED = 0.85
LEAST_OF_A_RARE_TABLE = 0.42
# The score of a table with a set of columns that is enough, each as sure as this.
ENOUGH = 0.5
LEAST_THAT_IS_ENOUGH = 0.6
# A hash in hexadecimal digits has 64; a text that is longer on average is no key.
LONGEST_ID = 128
_COMMON = {"customers", "products", "orders", "order_lines", "service_tickets"}


@dataclass(frozen=True)
class Meaning:
    """What a column means, how sure that is, and why."""

    column: str
    confidence: float
    evidence: str
    others: Sequence[str] = ()


@dataclass
class Recognised:
    """What a table is.

    Attributes:
        role: A name of `roles.yml`; None for a table that others may look up.
        confidence: How sure the role is.
        meanings: Of that role, meaning → column.
        second: The role that came second, where it is close.
        is_something_else: Its name says that it is of a kind that has no role.
        preset: The known export that the table is, if it is one.
    """

    table: Table
    role: str | None
    confidence: float
    evidence: str
    meanings: dict[str, Meaning] = field(default_factory=dict)
    second: str | None = None
    is_something_else: bool = False
    preset: presets.Preset | None = None

    def column(self, meaning: str) -> Column | None:
        """The column of a meaning, if there is one."""
        found = self.meanings.get(meaning)
        return self.table.columns[found.column] if found else None


def recognise(profile: Profile) -> dict[str, Recognised]:
    """Name → what each table is."""
    shared = _shared_words(profile)
    found = {
        table.name: _recognise(table, shared, profile)
        for table in profile.tables.values()
    }
    _by_those_who_refer(profile, found)
    _by_references(profile, found)
    _by_keys_alone(found)
    _yield(found)
    return found


def _yield(found: Mapping[str, Recognised]) -> None:
    """Leaves aside what says the same once more, such as invoices beside their orders."""
    there = {item.preset.name for item in found.values() if item.preset}
    for item in found.values():
        if item.preset and (before := there & set(item.preset.yields_to)):
            item.role = None
            item.evidence = f"{item.preset.name}: {min(before)} says the same"


def _shared_words(profile: Profile) -> frozenset[str]:
    """Words that stand in the names of most tables, which then tell nothing."""
    counted = Counter(
        word for name in profile.tables for word in set(vocabulary.stems(name))
    )
    least = max(3, len(profile.tables) * 0.6)
    return frozenset(word for word, times in counted.items() if times >= least)


def _recognise(table: Table, shared: frozenset[str], profile: Profile) -> Recognised:
    if preset := presets.of(table):
        return _by_preset(table, preset)
    name = title_words(table)
    context = frozenset({*name, *shared})
    scored: list[tuple[float, str, dict[str, Meaning], float]] = []
    by_name = {
        role: vocabulary.agreement(name, phrases, shared)
        for role, phrases in vocabulary.table_phrases().items()
    }
    for role in vocabulary.roles().values():
        meanings = column_meanings(table, role.name, context)
        named = by_name.get(role.name, 0.0)
        if role.name == "customers":
            _know_by_name(table, meanings, named)
        missing = {column for column in role.needed if column not in meanings}
        if missing and not (named >= NAMED and missing <= set(role.asked)):
            continue
        score = _score(table, role, meanings, named, context)
        rare = role.name not in _COMMON and named < 0.5
        if score >= (LEAST_OF_A_RARE_TABLE if rare else LEAST_OF_A_TABLE):
            scored.append((score, role.name, meanings, named))
    scored.sort(key=lambda item: (item[3] < NAMED, -item[0]))
    if not scored or by_name["none"] > max(0.75, scored[0][3]):
        why = "its name and columns are those of no kind of table that is used here"
        is_else = by_name["none"] > NAMED
        return Recognised(table, None, 1.0, why, is_something_else=is_else)
    score, role_name, meanings, named = scored[0]
    second = next(
        (other for least, other, *_ in scored[1:] if score - least < CLOSE),
        None,
    )
    columns = ", ".join(item.column for item in list(meanings.values())[:4])
    why = f"columns such as {columns} speak for it"
    if named > 0.5:
        why = f"its name and {why}"
    role_name = _header_or_lines(table, role_name, meanings)
    if role_name in {"orders", "order_lines"}:
        meanings = column_meanings(table, "order_lines", context)
        number = _own_number(table)
        if (
            role_name == "orders"
            and number
            and number.column not in {found.column for found in meanings.values()}
        ):
            meanings.setdefault("order_id", number)
    return Recognised(table, role_name, min(1.0, score * 1.4), why, meanings, second)


def _know_by_name(table: Table, meanings: dict[str, Meaning], named: float) -> None:
    """In a list of customers that is kept by hand, the name is what tells them apart."""
    found = meanings.get("customer_name")
    if found is None or "source_customer_id" in meanings:
        return
    phrases = vocabulary.column_phrases("order_lines")["source_customer_id"]
    says_whose = vocabulary.agreement(
        vocabulary.stems(found.column), phrases, frozenset()
    )
    has_number = any(
        column.is_unique and is_named_as_an_id(column.name)
        for column in table.columns.values()
    )
    is_key = table.columns[found.column].is_unique and not has_number
    if is_key and max(named, says_whose) >= NAMED:
        meanings["source_customer_id"] = Meaning(
            found.column, found.confidence * 0.9, "no column is a key: the name is one"
        )


def title_words(table: Table) -> Words:
    """The words of the table's own name: that of its sheet, where it has one."""
    own = table.entity.sheet or ""
    if own and names.is_chinese(own):
        return vocabulary.stems(own.strip("*"))
    title = table.title.partition(", sheet")[0]
    if not title.isascii() and not own:
        return vocabulary.stems(title.split(".")[0])
    return vocabulary.stems(table.name)


def _header_or_lines(table: Table, role: str, meanings: Mapping[str, Meaning]) -> str:
    """Orders are a header where nothing says what was bought, and each stands once."""
    if role not in {"orders", "order_lines"}:
        return role
    lines = column_meanings(table, "order_lines", frozenset(title_words(table)))
    if "source_product_id" in lines or "quantity" in lines:
        return "order_lines"
    order = lines.get("order_id") or _own_number(table)
    if order and table.columns[order.column].is_unique:
        return "orders"
    return role


def _own_number(table: Table) -> Meaning | None:
    """The `id` of a table of orders, which is that of an order."""
    for column in table.columns.values():
        if column.is_unique and vocabulary.stems(column.called) in {
            ("id",),
            ("number",),
        }:
            return Meaning(column.name, 0.9, f"the table's own; {values(column)}")
    return None


def _score(
    table: Table,
    role: Role,
    meanings: Mapping[str, Meaning],
    named: float,
    context: frozenset[str],
) -> float:
    whole = sum(role.evidence_weights.values())
    stated = sum(
        weight * meanings[column].confidence
        for column, weight in role.evidence_weights.items()
        if column in meanings
    )
    score = 0.45 * named + 0.55 * min(1.0, stated / whole * 1.5)
    is_enough = any(
        all(
            column in meanings and meanings[column].confidence >= LEAST_THAT_IS_ENOUGH
            for column in columns
        )
        for columns in role.enough
    )
    if is_enough:
        score = max(score, ENOUGH)
    for place in role.speaks_against:
        other, _, column = place.partition(".")
        if column not in meanings and column in column_meanings(table, other, context):
            score -= 0.12
    if role.key and role.key in meanings:
        key = table.columns[meanings[role.key].column]
        # Who stands in a table many times is not what the table is of.
        is_repeated = not key.is_unique and key.distinct < 0.9 * key.known
        if is_repeated and role.name in {"customers", "products"}:
            score -= 0.3
    return score


def column_meanings(
    table: Table, role: str, context: frozenset[str]
) -> dict[str, Meaning]:
    """Meaning → column, each column once, the surest first."""
    candidates: list[tuple[float, int, str, str]] = []
    for at, column in enumerate(table.columns.values()):
        words = vocabulary.stems(column.called)
        for meaning, phrases in vocabulary.column_phrases(role).items():
            if meaning == "ordered_at" and vocabulary.is_one_of_several(words):
                continue
            agrees = vocabulary.agreement(words, phrases, context)
            if agrees >= LEAST_OF_A_COLUMN:
                sure = agrees * fit(column, vocabulary.kind_of(meaning))
                if sure >= LEAST_OF_A_COLUMN:
                    candidates.append((sure, -at, meaning, column.name))
    candidates.sort(reverse=True)
    found: dict[str, Meaning] = {}
    used: set[str] = set()
    for sure, _, meaning, column_name in candidates:
        if meaning in found or column_name in used:
            continue
        others = [
            other
            for close, _, same, other in candidates
            if same == meaning and other != column_name and sure - close < 0.05
        ]
        found[meaning] = Meaning(
            column_name, sure, f"its name; {values(table.columns[column_name])}", others
        )
        used.add(column_name)
    return found


def values(column: Column) -> str:
    """What the values of a column are, in words."""
    if column.known == 0:
        return "no values"
    filled = "" if column.nulls == 0 else f", {column.known / column.rows:.0%} filled"
    if column.kind in MOMENTS:
        form = f" written {column.formats[0]}" if column.formats else ""
        return f"{column.kind}s{form} from {column.low} to {column.high}{filled}"
    if column.kind in NUMBERS:
        return f"numbers from {column.low} to {column.high}{filled}"
    if column.is_unique:
        return "another value in each row"
    return f"{column.distinct:,} different values{filled}"


def fit(column: Column, kind: str) -> float:
    """How well the values can be of a kind: 0 where they cannot, 1 where they can."""
    if column.known == 0 or column.is_nested:
        return 0.0
    tests: dict[str, Callable[[Column], float]] = {
        "id": _fits_an_id,
        "time": lambda one: one.kind in MOMENTS,
        "money": lambda one: one.kind in NUMBERS,
        "number": lambda one: one.kind in NUMBERS,
        "count": lambda one: one.kind == "integer",
        "flag": lambda one: one.kind == "boolean" or one.distinct <= 2,
        "name": _fits_a_name,
        "text": _fits_a_text,
        "email": lambda one: one.share("email") > 0.8,
        "phone": _fits_a_phone,
        "url": lambda one: one.share("url") > 0.5,
        "currency": _fits_a_currency,
        "code": lambda one: one.kind not in MOMENTS,
    }
    return float(tests[kind](column))


def _fits_an_id(column: Column) -> float:
    if not column.is_whole or column.share("length") > LONGEST_ID:
        return 0.0
    # Of two columns that may say who it was, the one that says it more often.
    return 1 - 0.5 * column.nulls / column.rows


def _fits_a_name(column: Column) -> float:
    # Mr. and Mrs. are titles: names differ.
    is_title = column.distinct <= 12 and column.known > 200
    return column.kind == "text" and column.share("letters") > 0.3 and not is_title


def _fits_a_text(column: Column) -> float:
    if column.kind == "text":
        return 1.0
    return 0.8 if column.is_whole and not is_named_as_an_id(column.name) else 0.0


def _fits_a_phone(column: Column) -> float:
    if column.kind == "integer":
        return column.low is not None and int(column.low) >= 10**6
    return column.share("phone") > 0.5


def _fits_a_currency(column: Column) -> float:
    is_code = column.share("currency") > 0.95
    return is_code or (column.kind == "text" and column.distinct <= 5)


def _by_preset(table: Table, preset: presets.Preset) -> Recognised:
    meanings = {
        meaning: Meaning(
            column,
            1.0,
            f"the preset {preset.name}; {values(table.columns[column])}",
        )
        for meaning in preset.columns
        if (column := preset.column(meaning)) in table.columns
    }
    why = f"its columns are those of the preset {preset.name}"
    role = None if preset.role == "none" else preset.role
    return Recognised(
        table, role, 1.0, why, meanings, is_something_else=role is None, preset=preset
    )


_IDS = {
    "customers": "source_customer_id",
    "products": "source_product_id",
    "orders": "order_id",
}


def _by_those_who_refer(profile: Profile, found: Mapping[str, Recognised]) -> None:
    """A table that is nothing by itself is what others refer to it as.

    So the table to whose key the number of an order refers is that of orders.
    """
    for reference in profile.references:
        own, other = found[reference.table], found[reference.to_table]
        if own.role not in {"order_lines", "orders"} or other.role is not None:
            continue
        for role, meaning in _IDS.items():
            one = own.meanings.get(meaning)
            is_key = other.table.columns[reference.to_column].is_unique
            if one is None or one.column != reference.column or not is_key:
                continue
            if one.confidence < SURE or other.is_something_else:
                continue
            other.role = role
            other.confidence = one.confidence * 0.9
            other.evidence = f"{own.table.name}.{one.column} refers to it"
            other.meanings = column_meanings(
                other.table, role, frozenset(title_words(other.table))
            )
            other.meanings[meaning] = Meaning(
                reference.to_column,
                one.confidence,
                f"{own.table.name}.{one.column} refers to it",
            )


def _by_keys_alone(found: Mapping[str, Recognised]) -> None:
    """Where nothing else names a customer, a table with one row of each lists them."""
    if any(
        item.role == "customers"
        or (item.role and "source_customer_id" in item.meanings)
        for item in found.values()
    ):
        return
    phrases = vocabulary.column_phrases("customers")["source_customer_id"]
    for item in found.values():
        if item.role is not None or item.is_something_else or item.preset:
            continue
        meanings = column_meanings(item.table, "customers", frozenset())
        key = meanings.get("source_customer_id")
        if key is None or not item.table.columns[key.column].is_unique:
            continue
        words = vocabulary.stems(key.column)
        # An `id` alone may be that of anything.
        if words[1:] and vocabulary.agreement(words, phrases, frozenset()) >= NAMED:
            item.role = "customers"
            item.confidence = key.confidence * 0.6
            item.evidence = (
                f"{key.column} is another in each row, and no table says more"
            )
            item.meanings = meanings


def _by_references(profile: Profile, found: Mapping[str, Recognised]) -> None:
    """A column that refers to the key of customers is the key of a customer."""
    for reference in profile.references:
        own, other = found[reference.table], found[reference.to_table]
        if own.role is None or own.preset or other.role not in _IDS:
            continue
        meaning = _IDS[other.role]
        key = other.meanings.get(meaning)
        phrases = vocabulary.column_phrases(own.role)
        if meaning not in phrases or own.role == other.role:
            continue
        if key is not None and key.column != reference.to_column:
            continue
        before = own.meanings.get(meaning)
        if before is not None and before.column == reference.column:
            sure = max(before.confidence, 0.97)
        elif before is not None and before.confidence > 0.9:
            continue
        else:
            sure = 0.9
        for other_meaning, item in list(own.meanings.items()):
            if item.column == reference.column and other_meaning != meaning:
                del own.meanings[other_meaning]
        how = (
            "the database declares it"
            if reference.is_declared
            else (f"{reference.containment:.0%} of its values are there")
        )
        own.meanings[meaning] = Meaning(
            reference.column,
            sure,
            f"refers to {reference.to_table}.{reference.to_column}; {how}",
        )
