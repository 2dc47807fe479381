"""From an unresolved plan to a resolved one, by Spark's rules."""

from __future__ import annotations

from collections.abc import Callable

from penstock.analysis.checks import check_columns_exist
from penstock.analysis.context import AnalysisContext
from penstock.analysis.input_files import place_input_files
from penstock.analysis.nodes import resolve_node
from penstock.analysis.partitions import place_partitions
from penstock.analysis.row_places import place_rows
from penstock.analysis.samples import samples_as_filters
from penstock.core.recursion import allow_deep_plans
from penstock.functions.literals import SHOWN_ZONE
from penstock.plan.nodes import Node

Rule = Callable[[Node, AnalysisContext], Node]

RULES: tuple[Rule, ...] = (
    resolve_node,  # one pass from the leaves up; nodes.NODE_RULES names the rule of each kind of node
    place_input_files,  # input_file_name() and its kin become columns of scans
    samples_as_filters,  # what a sample takes follows from rand(seed)
    place_partitions,  # spark_partition_id() and its kin become columns
    place_rows,  # so does what random functions with a seed need to know of a row
    check_columns_exist,  # every reference is to a column of an input or of an enclosing query
)


def analyze(plan: Node, context: AnalysisContext) -> Node:
    """`plan` with names, types and column ids resolved.  Raises Spark's AnalysisException."""
    shown = SHOWN_ZONE.set(context.conf.time_zone)
    allow_deep_plans()
    try:
        for rule in RULES:
            plan = rule(plan, context)
    finally:
        SHOWN_ZONE.reset(shown)
    return plan
