"""What the codes in a table mean, in both languages, from the release's own label tables.

Not here: which values really occur; a code that a policy knows and nobody has is one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from pipeline.common import sql

LABELS = "code_labels"
# The kind of the table's own title among the labels.
TITLES = "marts"


@dataclass(frozen=True)
class Code:
    """One code; a label is None where the release has no word for it."""

    code: str
    label_en: str | None
    label_zh: str | None


@dataclass(frozen=True)
class _Defined:
    """A table of `meta` that defines codes: its columns for code and both labels."""

    table: str
    code: str
    label_en: str
    label_zh: str


_TIERS: Final = _Defined("tiers", "tier_code", "tier_name_en", "tier_name_zh")
_FACTORS: Final = _Defined(
    "score_factors", "factor", "factor_name_en", "factor_name_zh"
)
_HEALTH: Final = _Defined(
    "health_factors", "factor", "factor_name_en", "factor_name_zh"
)
# A column, with its table where other tables have one of the name, → who defines it.
_COLUMNS: Final[Mapping[str, _Defined]] = {
    **dict.fromkeys(
        (
            "tier_code",
            "previous_tier_code",
            "earned_tier_code",
            "next_tier_code",
            "current_tier_code",
            "tier_at_opening",
            "from_tier",
            "to_tier",
        ),
        _TIERS,
    ),
    "rfm_segment": _Defined(
        "rfm_segments", "rfm_segment", "rfm_segment", "rfm_segment_zh"
    ),
    "weakest_health_factor": _HEALTH,
    "customer_health_factors.factor": _HEALTH,
    "customer_score_factors.factor": _FACTORS,
    "next_tier_factor": _FACTORS,
    "lead_score_factors.factor": _Defined(
        "lead_factors", "factor", "factor_name_en", "factor_name_zh"
    ),
    "account_matrix_factors.factor": _Defined(
        "matrix_factors", "factor", "name_en", "name_zh"
    ),
    "strategy_code": _Defined(
        "matrix_strategies", "strategy_code", "strategy_en", "strategy_zh"
    ),
    **dict.fromkeys(
        ("customer_actions.action", "next_action"),
        _Defined("action_rules", "action_code", "name_en", "name_zh"),
    ),
    "relationship_level": _Defined(
        "relationship_levels", "relationship_level", "name_en", "name_zh"
    ),
    "verdict": _Defined("verdicts", "verdict", "name_en", "name_zh"),
    "verdict_evidence.fact": _Defined("verdict_facts", "fact", "text_en", "text_zh"),
    "rule_code": _Defined("service_alarms", "rule_code", "rule_en", "rule_zh"),
}
# Columns that hold the codes of another one.
_SAME_AS: Final[Mapping[str, str]] = {
    "abc_class_12m": "abc_class",
    "account_matrix.attractiveness_trend": "account_matrix.trend",
    "account_matrix.strength_trend": "account_matrix.trend",
}


class Codes:
    """The codes of a release.

    Args:
        connection: To its `warehouse.duckdb`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._labels: dict[str, list[Code]] = {}
        self._defined: dict[_Defined, list[Code]] = {}
        self._columns = {
            (table, column)
            for table, column in connection.execute(
                "select table_name, column_name from duckdb_columns() "
                "where database_name = current_database() and schema_name = 'meta'"
            ).fetchall()
        }
        if (LABELS, "code") in self._columns:
            for kind, code, english, chinese in connection.execute(
                f"select code_kind, code, label_en, label_zh from meta.{LABELS}"
            ).fetchall():
                self._labels.setdefault(kind, []).append(Code(code, english, chinese))

    def of(self, table: str, column: str) -> list[Code]:
        """The codes that a column may hold; none where it holds no codes."""
        names = [f"{table}.{column}", column]
        names = [_SAME_AS.get(name, name) for name in names]
        found: dict[str, Code] = {}
        for name in names:
            if (defined := _COLUMNS.get(name)) is not None:
                found.update({code.code: code for code in self._of(defined)})
                break
        for name in dict.fromkeys(names):
            for code in self._labels.get(name, []):
                found.setdefault(code.code, code)
        return list(found.values())

    def title(self, table: str) -> Code | None:
        """What a mart is called."""
        return next(
            (code for code in self._labels.get(TITLES, []) if code.code == table), None
        )

    def _of(self, defined: _Defined) -> list[Code]:
        if defined not in self._defined:
            columns = (defined.code, defined.label_en, defined.label_zh)
            there = all((defined.table, column) in self._columns for column in columns)
            chosen = ", ".join(map(sql.quoted, columns))
            self._defined[defined] = (
                [
                    Code(str(code), english, chinese)
                    for code, english, chinese in self._connection.execute(
                        f"select distinct {chosen} from meta.{sql.quoted(defined.table)} "
                        f"where {sql.quoted(defined.code)} is not null "
                        f"order by {chosen}"
                    ).fetchall()
                ]
                if there
                else []
            )
        return self._defined[defined]
