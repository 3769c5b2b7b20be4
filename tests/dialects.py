"""What Spark would not understand of a compiled model, found without Spark.

sqlglot reads more than Spark does: it knows every engine's functions and types. So the
words are looked at one by one, as they stand. Not here: what both engines understand, and
reckon differently, such as the width of a quotient; `test_spark` finds that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

# Every function of Spark, as `show functions` says; test_spark holds the list to it.
FUNCTIONS_FILE = Path(__file__).parent / "data" / "spark_functions.txt"
FUNCTIONS = frozenset(FUNCTIONS_FILE.read_text(encoding="utf-8").split())


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words of the grammar that may stand before a bracket.
GRAMMAR = _listed(
    """
    all and any as by case cast else except exists explain extract filter from group
    having if in intersect interval is join like not null on or over select set some
    table then try_cast union using values when where with within
    """
)

# The types that both engines have by one name: `varchar` needs a length in Spark, and
# integers without a sign, 128 bits wide, or lists of DuckDB's spelling are not there.
TYPES = _listed(
    """
    bigint boolean date decimal double float int integer smallint string timestamp tinyint
    """
)

# Parts of SQL that one of the two lacks; sqlglot's name → what they are.
LACKING = {
    exp.IntDiv: "//",
    exp.Lambda: "a lambda",
    exp.Struct: "a struct",
    exp.Bracket: "an element of a list",
    exp.Pivot: "pivot",
}
_ARITHMETIC = {TokenType.DASH, TokenType.PLUS, TokenType.STAR, TokenType.SLASH}
_NAMES = {TokenType.VAR, TokenType.IDENTIFIER}


def problems(sql: str) -> list[str]:
    """What Spark would not understand, each once, in the order of the text."""
    try:
        tokens = sqlglot.tokenize(sql, dialect="spark")
        tree = sqlglot.parse_one(sql, dialect="spark")
    except SqlglotError as error:
        return [str(error).splitlines()[0]]
    found = [*_words(tokens, sql), *_parts(tree)]
    return list(dict.fromkeys(found))


def _words(tokens: list[Token], sql: str) -> Iterator[str]:
    """Words that Spark does not have, or reads as something else."""
    places = _types(tokens)
    for place, (token, following) in enumerate(pairwise(tokens)):
        word = token.text.lower()
        if sql[token.start] == '"':
            yield f'"{token.text}": what stands in double quotes is text'
        elif word == "asof":
            yield "asof: read as the name of a table; Spark joins by other means"
        elif place in places:
            if word not in TYPES:
                yield f"{word}: no type that both engines call so"
        elif following.token_type is TokenType.L_PAREN and word.isidentifier():
            if word not in FUNCTIONS | GRAMMAR and not _is_named(tokens, place):
                yield f"{word}(): no function of Spark"
        elif (
            token.token_type is TokenType.OVER
            and following.token_type in _NAMES
            and place + 2 < len(tokens)
            and tokens[place + 2].token_type in _ARITHMETIC
        ):
            yield (
                f"over {following.text} {tokens[place + 2].text}: the sign is read as "
                "part of the window's name; put brackets round what is before it"
            )


def _types(tokens: list[Token]) -> set[int]:
    """Where types stand: the word after the `as` of each `cast`."""
    found: set[int] = set()
    open_casts: list[bool] = []
    for place, token in enumerate(tokens):
        if token.token_type is TokenType.L_PAREN:
            before = tokens[place - 1].text.lower() if place else ""
            open_casts.append(before in ("cast", "try_cast"))
        elif token.token_type is TokenType.R_PAREN and open_casts:
            open_casts.pop()
        elif token.token_type is TokenType.DCOLON or (
            token.token_type is TokenType.ALIAS and open_casts and open_casts[-1]
        ):
            found.add(place + 1)
    return found


def _is_named(tokens: list[Token], place: int) -> bool:
    """Whether a word before a bracket is a name that the query gives: of a CTE's columns."""
    before = tokens[place - 1].token_type if place else None
    return before in (TokenType.WITH, TokenType.ALIAS)


def _parts(tree: exp.Expr) -> Iterator[str]:
    for kind, name in LACKING.items():
        if tree.find(kind):
            yield f"{name}: not in both engines"
