"""input_file_name() and its kin over files: columns of the scan, carried up to where they are asked for."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.carrying import KEEPING, calls, carried, is_call, with_calls_replaced
from penstock.analysis.context import AnalysisContext
from penstock.core.errors import unsupported
from penstock.plan.expressions import Attribute, Expression, FunctionCall, fresh_id
from penstock.plan.nodes import Node, Read
from penstock.plan.types import LONG, STRING, DataType

_METADATA = "$file_metadata"
_NAMES = frozenset((_METADATA, "input_file_name", "input_file_block_start", "input_file_block_length"))


def file_metadata(plans: tuple[Node, ...]) -> Expression | None:
    """The hidden column `_metadata` of the files that a plan reads; None where there are none."""
    from penstock.sources.files.file_columns import METADATA_TYPE  # only programs that read files need it

    reads = [node for plan in plans for node in plan.walk() if isinstance(node, Read)]
    if not reads or not all(hasattr(read.relation, "scan_files") for read in reads):
        return None
    return FunctionCall(_METADATA, (), METADATA_TYPE, False, "_metadata")


def place_input_files(plan: Node, context: AnalysisContext) -> Node:
    """The plan with calls of the functions over files replaced by columns of the scans."""
    if not any(isinstance(node, Read) for node in plan.walk()) or not any(calls(node, _NAMES) for node in plan.walk()):
        return plan
    return plan.transform(_placed)


def _placed(node: Node) -> Node:
    if not calls(node, _NAMES) or not any(isinstance(below, Read) for below in node.walk()):
        return node
    if len(node.children) != 1:
        raise unsupported("input_file_name in the condition of a join")
    columns: dict[str, Attribute] = {}
    below = node.children[0]
    for name in sorted(_NAMES):
        if calls(node, frozenset((name,))):
            below, columns[name] = _offered(below, name)

    def column(e: Expression) -> Expression:
        return columns[e.name] if isinstance(e, FunctionCall) and is_call(e, _NAMES) else e

    return with_calls_replaced(node, below, column)


def _offered(node: Node, name: str) -> tuple[Node, Attribute]:
    """The node with the column `name` of its only scan."""
    if isinstance(node, Read) and hasattr(node.relation, "scan_files"):
        column = Attribute(name, _type(name), False, fresh_id())
        return replace(node, columns=(*node.columns, column)), column
    if not isinstance(node, KEEPING):
        raise unsupported(f"{name} over {type(node).__name__}", "Call it right above the data source.")
    below, column = _offered(node.children[0], name)
    return carried(node, below, column), column


def _type(name: str) -> DataType:
    from penstock.sources.files.file_columns import METADATA_TYPE

    return {"input_file_name": STRING, _METADATA: METADATA_TYPE}.get(name, LONG)
