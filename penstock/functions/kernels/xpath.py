"""XPath 1.0 over small documents: location paths, predicates, and the functions that Spark's examples use.

Documents are ElementTree elements under a root node of their own.  What is not understood raises `ValueError`; the
functions refuse such a path by name when they are resolved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree


@dataclass
class NodeOf:
    """An element, attribute, text or the document (kind `root`)."""

    kind: str
    name: str = ""
    value: str = ""
    parent: NodeOf | None = None
    children: list[NodeOf] = field(default_factory=list)
    attributes: list[NodeOf] = field(default_factory=list)

    def text(self) -> str:
        """The string value."""
        return self.value if self.kind in ("text", "attribute") else "".join(child.text() for child in self.children)

    def descendants(self) -> Iterator[NodeOf]:
        yield self
        for child in self.children:
            yield from child.descendants()


def document(text: str) -> NodeOf:
    """A parsed document; `ElementTree.ParseError` when it is no XML."""
    root = NodeOf("root")
    root.children.append(_element(ElementTree.fromstring(text), root))
    return root


def _element(element: Any, parent: NodeOf) -> NodeOf:
    node = NodeOf("element", element.tag, "", parent)
    node.attributes = [NodeOf("attribute", key, value, node) for key, value in element.attrib.items()]
    if element.text:
        node.children.append(NodeOf("text", "", element.text, node))
    for child in element:
        node.children.append(_element(child, node))
        if child.tail:
            node.children.append(NodeOf("text", "", child.tail, node))
    return node


# ---------------------------------------------------------------- the grammar

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<text>\"[^\"]*\"|'[^']*')|(?P<op>//|\.\.|::|!=|<=|>=|[/.@()\[\],|+\-=<>*])"
    r"|(?P<name>[A-Za-z_][\w.\-]*))"
)


def _tokens(path: str) -> list[str]:
    found, at = [], 0
    path = path.strip()
    while at < len(path):
        match = _TOKEN.match(path, at)
        if match is None:
            raise ValueError(f"no XPath at {path[at:]!r}")
        found.append(match[0].strip())
        at = match.end()
    return found


class _Parser:
    """Recursive descent to nested tuples."""

    _LEVELS = (("or",), ("and",), ("=", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "div", "mod"))

    def __init__(self, path: str) -> None:
        self.tokens, self.at = _tokens(path), 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise ValueError(f"expected {expected!r}, found {token!r}")
        self.at += 1
        return token

    def whole(self) -> Any:
        tree = self.binary(0)
        if self.peek():
            raise ValueError(f"unexpected {self.peek()!r}")
        return tree

    def binary(self, level: int) -> Any:
        if level == len(self._LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in self._LEVELS[level]:
            left = ("binary", self.take(), left, self.binary(level + 1))
        return left

    def unary(self) -> Any:
        if self.peek() == "-":
            self.take()
            return ("binary", "-", ("number", 0.0), self.unary())
        left = self.primary()
        while self.peek() == "|":
            self.take()
            left = ("union", left, self.primary())
        return left

    def primary(self) -> Any:
        token = self.peek()
        if token[:1] in "\"'" and token:
            return ("text", self.take()[1:-1])
        if token[:1].isdigit():
            return ("number", float(self.take()))
        if token == "(":
            self.take()
            inner = self.binary(0)
            self.take(")")
            return inner
        if self.peek(1) == "(" and token not in ("text", "node"):
            return self.call()
        return self.path()

    def call(self) -> Any:
        name, args = self.take(), []
        if name not in _FUNCTIONS:
            raise ValueError(f"no function {name}")
        self.take("(")
        while self.peek() != ")":
            args.append(self.binary(0))
            if self.peek() == ",":
                self.take()
        self.take(")")
        return ("call", name, tuple(args))

    def path(self) -> Any:
        absolute, steps = False, []
        if self.peek() in ("/", "//"):
            absolute = True
            if self.take() == "//":
                steps.append(("descendants", "*", ()))
            elif not self.peek():
                return ("path", True, ())
        steps.append(self.step())
        while self.peek() in ("/", "//"):
            if self.take() == "//":
                steps.append(("descendants", "*", ()))
            steps.append(self.step())
        return ("path", absolute, tuple(steps))

    def step(self) -> Any:
        token = self.take()
        if token in (".", ".."):
            return ("self" if token == "." else "parent", "*", ())
        axis = "child"
        if token == "@":
            axis, token = "attribute", self.take()
        if token in ("text", "node") and self.peek() == "(":
            self.take()
            self.take(")")
            token += "()"
        elif token != "*" and not re.match(r"[A-Za-z_]", token):
            raise ValueError(f"unexpected {token!r}")
        if self.peek() == "::":
            raise ValueError("no axes")
        return (axis, token, self.predicates())

    def predicates(self) -> tuple[Any, ...]:
        found = []
        while self.peek() == "[":
            self.take()
            found.append(self.binary(0))
            self.take("]")
        return tuple(found)


@lru_cache(maxsize=256)
def parse(path: str) -> Any:
    """The path as nested tuples; ValueError when it is not understood."""
    return _Parser(path).whole()


# ---------------------------------------------------------------- evaluation


def evaluate(tree: Any, node: NodeOf, position: int = 1, size: int = 1) -> Any:
    """A list of nodes, a float, a string or a bool."""
    kind = tree[0]
    if kind in ("number", "text"):
        return tree[1]
    if kind == "path":
        return _path(tree, node)
    if kind == "union":
        left, right = evaluate(tree[1], node), evaluate(tree[2], node)
        return [n for n in _root(node).descendants() if any(n is m for m in (*left, *right))]
    if kind == "call":
        return _FUNCTIONS[tree[1]](node, position, size, *(evaluate(a, node, position, size) for a in tree[2]))
    left, right = evaluate(tree[2], node, position, size), evaluate(tree[3], node, position, size)
    return _binary(tree[1], left, right)


def _root(node: NodeOf) -> NodeOf:
    while node.parent is not None:
        node = node.parent
    return node


def _path(tree: Any, node: NodeOf) -> list[NodeOf]:
    nodes = [_root(node) if tree[1] else node]
    for axis, name, predicates in tree[2]:
        found: list[NodeOf] = []
        for start in nodes:
            matches = [n for n in _axis(start, axis) if _named(n, axis, name)]
            for predicate in predicates:
                size = len(matches)
                matches = [n for i, n in enumerate(matches, 1) if _holds(evaluate(predicate, n, i, size), i)]
            found += [n for n in matches if not any(n is other for other in found)]
        nodes = found
    return nodes


def _axis(node: NodeOf, axis: str) -> list[NodeOf]:
    if axis == "child":
        return node.children
    if axis == "attribute":
        return node.attributes
    if axis == "descendants":
        return list(node.descendants())
    return [node] if axis == "self" else [node.parent] if node.parent is not None else []


def _named(node: NodeOf, axis: str, name: str) -> bool:
    if axis in ("self", "parent", "descendants") or name == "node()":
        return True
    if name == "text()":
        return node.kind == "text"
    return node.kind in ("element", "attribute") and name in ("*", node.name)


def _holds(value: Any, position: int) -> bool:
    return value == position if isinstance(value, float) else boolean(value)


def number(value: Any) -> float:
    """A value as a number; NaN when it is none."""
    if isinstance(value, list):
        value = string(value)
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"\s*-?(\d+(\.\d*)?|\.\d+)\s*", value) else math.nan
    return float(value)


def string(value: Any) -> str:
    """A value as text: of a node set, its first node's."""
    if isinstance(value, list):
        return value[0].text() if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def boolean(value: Any) -> bool:
    """A value as a boolean."""
    return value != 0 and value == value if isinstance(value, float) else bool(value)


_COMPARE = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def _binary(op: str, left: Any, right: Any) -> Any:
    if op in ("or", "and"):
        return boolean(left) or boolean(right) if op == "or" else boolean(left) and boolean(right)
    if op in _COMPARE:
        return _compared(op, left, right)
    a, b = number(left), number(right)
    if op in ("div", "mod"):
        if b == 0:
            return math.nan if op == "mod" or a == 0 or a != a else math.copysign(math.inf, a)
        return a / b if op == "div" else math.fmod(a, b)
    return a + b if op == "+" else a - b if op == "-" else a * b


def _compared(op: str, left: Any, right: Any) -> bool:
    """A node set compares when any of its nodes does."""
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(_COMPARE[op](boolean(left), boolean(right)))
    for a in [n.text() for n in left] if isinstance(left, list) else [left]:
        for b in [n.text() for n in right] if isinstance(right, list) else [right]:
            numeric = op not in ("=", "!=") or isinstance(a, float) or isinstance(b, float)
            if _COMPARE[op](number(a), number(b)) if numeric else _COMPARE[op](a, b):
                return True
    return False


_FUNCTIONS: dict[str, Any] = {
    "sum": lambda node, i, n, nodes: float(sum(number(m.text()) for m in nodes)),
    "count": lambda node, i, n, nodes: float(len(nodes)),
    "position": lambda node, i, n: float(i),
    "last": lambda node, i, n: float(n),
    "string": lambda node, i, n, value=None: string([node] if value is None else value),
    "number": lambda node, i, n, value=None: number([node] if value is None else value),
    "boolean": lambda node, i, n, value: boolean(value),
    "not": lambda node, i, n, value: not boolean(value),
    "true": lambda node, i, n: True,
    "false": lambda node, i, n: False,
    "contains": lambda node, i, n, text, part: string(part) in string(text),
    "starts-with": lambda node, i, n, text, part: string(text).startswith(string(part)),
    "string-length": lambda node, i, n, text: float(len(string(text))),
    "concat": lambda node, i, n, *texts: "".join(string(t) for t in texts),
    "normalize-space": lambda node, i, n, text: " ".join(string(text).split()),
    "floor": lambda node, i, n, value: float(math.floor(number(value))),
    "ceiling": lambda node, i, n, value: float(math.ceil(number(value))),
    "name": lambda node, i, n, nodes=None: (nodes or [node])[0].name,
}
