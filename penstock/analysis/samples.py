"""df.sample without replacement and df.sampleBy: Spark's choice of rows, which a random number for each row makes."""

from __future__ import annotations

from penstock.analysis.build import Build, literal, requirement_failed
from penstock.analysis.context import AnalysisContext
from penstock.functions.randoms import place
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.nodes import Filter, Node, Sample
from penstock.plan.statistic_nodes import SampleBy
from penstock.plan.types import DOUBLE, LONG

_ROUNDING = 1e-6


def resolve_sample(node: Sample, context: AnalysisContext) -> Node:
    """df.sample and TABLESAMPLE; raises for a fraction that is none."""
    fraction = node.upper - node.lower
    if node.with_replacement and fraction < -_ROUNDING:
        raise requirement_failed(f"Sampling fraction ({fraction}) must be nonnegative with replacement")
    if not node.with_replacement and not -_ROUNDING <= fraction <= 1 + _ROUNDING:
        raise requirement_failed(f"Sampling fraction ({fraction}) must be on interval [0, 1] without replacement")
    return node


def samples_as_filters(plan: Node, context: AnalysisContext) -> Node:
    """The plan with each sample that has a seed as a filter over rand(seed)."""
    if not any(isinstance(node, (Sample, SampleBy)) for node in plan.walk()):
        return plan
    return plan.transform(lambda node: _as_filter(node, Build(context)))


def _as_filter(node: Node, build: Build) -> Node:
    if isinstance(node, SampleBy):
        return Filter(build.call("<", _rand(node.seed), node.column), node.child)
    if not isinstance(node, Sample) or node.with_replacement or node.seed is None:
        return node
    return Filter(_between(_rand(node.seed), node.lower, node.upper, build), node.child)


def _rand(seed: int) -> Expression:
    return FunctionCall("rand", (Literal(seed, LONG), place()), DOUBLE, False, "rand")


def _between(value: Expression, lower: float, upper: float, build: Build) -> Expression:
    below = build.call("<", value, literal(upper))
    return below if lower <= 0 else build.call("and", build.call(">=", value, literal(lower)), below)
