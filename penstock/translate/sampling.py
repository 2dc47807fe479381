"""df.sample with replacement, or without a seed: the same rows for the same input, bounds and seed.

Each row has a number in [0, 1) made of its position and the seed, so that the parts of a randomSplit (which are samples
with adjoining bounds) neither overlap nor leave a row out.  Which rows those are differs from Spark's choice.
"""

from __future__ import annotations

import math
import random

from penstock.plan.nodes import Sample
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import translate, translates
from penstock.translate.pruning import Ids
from penstock.translate.select import Select, plain_columns, render


@translates(Sample)
def sample(node: Sample, needed: Ids, context: TranslateContext) -> Select:
    """A Sample, with or without replacement."""
    ids = sorted(needed)
    seed = node.seed if node.seed is not None else random.getrandbits(63)
    text = render(translate(node.child, needed, context), ids)
    columns = ", ".join(f"c{id_}" for id_ in ids) or "c0"
    numbered = f"(SELECT {columns}, {_number(seed)} AS u FROM ({text}))"
    if node.with_replacement:
        copies = f"unnest(range(len(list_filter({_poisson(node.upper - node.lower)}, lambda t: u >= t))))"
        return Select(
            f"(SELECT {columns} FROM (SELECT {columns}, {copies} AS copy FROM {numbered}))", plain_columns(ids)
        )
    chosen = f"u >= {node.lower!r} AND u < {node.upper!r}"
    return Select(f"(SELECT {columns} FROM {numbered} WHERE {chosen})", plain_columns(ids))


def _number(seed: int) -> str:
    return f"(hash(row_number() OVER (), CAST({seed} AS BIGINT)) / 18446744073709551616e0)"


def _poisson(mean: float) -> str:
    """The thresholds t with P(at least k copies) = P(u >= t[k]), as a list."""
    thresholds, cumulative, term, k = [], 0.0, math.exp(-mean), 0
    while cumulative < 1 - 1e-15 and k < 1000:
        cumulative += term
        thresholds.append(f"{cumulative!r}e0" if "e" not in repr(cumulative) else repr(cumulative))
        k += 1
        term *= mean / k
    return f"[{', '.join(thresholds)}]"
