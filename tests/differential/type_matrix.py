"""Expressions over every pair of types; a golden row holds the result types of one operator and one left side."""

from __future__ import annotations

#: Columns of the view `typed`, one of each type.
COLUMNS = (
    "b", "ti", "si", "i", "l", "f", "d", "dec5_2", "dec38_0", "s", "bin", "dt", "ts", "ntz", "dti", "ymi", "n",
    "arr", "st", "mp",
)  # fmt: skip
#: Those that stand on both sides of an operator.
OPERANDS = ("b", "si", "i", "l", "f", "d", "dec5_2", "s", "bin", "dt", "ts", "ntz", "dti", "ymi", "n", "arr")
OPERATORS = {
    "+": "{} + {}", "-": "{} - {}", "*": "{} * {}", "/": "{} / {}", "%": "{} % {}", "div": "{} div {}",
    "=": "{} = {}", "<": "{} < {}", "<=>": "{} <=> {}", "&": "{} & {}", "||": "{} || {}", "and": "{} AND {}",
    "case": "CASE WHEN b THEN {} ELSE {} END", "coalesce": "coalesce({}, {})", "array": "array({}, {})",
    "in": "{} IN ({})", "between": "{} BETWEEN {} AND l", "least": "least({}, {})", "map": "map({}, {})",
    "nullif": "nullif({}, {})", "like": "{} LIKE {}", "pow": "pow({}, {})", "pmod": "pmod({}, {})",
    "concat": "concat({}, {})",
}  # fmt: skip
CAST_TARGETS = (
    "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(5,2)", "string", "binary", "date",
    "timestamp", "timestamp_ntz", "interval day to second", "interval year to month", "array<int>", "map<int,int>",
    "struct<a:int>", "char(3)", "varchar(3)",
)  # fmt: skip
SINGLE = (
    "-{}", "+{}", "NOT {}", "~{}", "abs({})", "sum({})", "avg({})", "min({})", "max({})", "count({})", "stddev({})",
    "first({})", "collect_list({})", "median({})", "round({})", "ceil({})", "floor({})", "sqrt({})", "length({})",
    "upper({})", "year({})", "hour({})", "date_add({}, 1)", "hex({})", "md5({})", "size({})", "isnan({})",
    "{} IS NULL", "explode({})", "array_max({})", "sort_array({})", "to_json({})", "hash({})", "{}[0]", "{}.a",
    "sum({}) OVER (ORDER BY i)", "lag({}) OVER (ORDER BY i)", "typeof({})", "string({})", "if({}, 1, 2)", "every({})",
    "sequence({}, {})", "date_trunc('day', {})", "extract(year FROM {})", "approx_count_distinct({})",
)  # fmt: skip


def rows() -> dict[str, list[str]]:
    """{name of a row: its expressions}"""
    binary = {
        f"{left} {name} *": [form.format(left, right) for right in OPERANDS]
        for name, form in OPERATORS.items()
        for left in OPERANDS
    }
    casts = {
        f"{kind} {left}": [f"{kind}({left} AS {target})" for target in CAST_TARGETS]
        for kind in ("cast", "try_cast")
        for left in COLUMNS
    }
    single = {form: [form.replace("{}", column) for column in COLUMNS] for form in SINGLE}
    return {**binary, **casts, **single}
