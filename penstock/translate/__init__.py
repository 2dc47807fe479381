"""Resolved plans and expressions as DuckDB SQL."""

from penstock.translate.context import TranslateContext
from penstock.translate.expressions import expression_sql
from penstock.translate.nodes import Input
from penstock.translate.plan import to_sql

__all__ = ["Input", "TranslateContext", "expression_sql", "to_sql"]
