"""String and binary functions (regular expressions are in `regex`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import data_diff_types, wrong_input
from penstock.functions.literals import constant_value
from penstock.functions.markers import raise_sql, raise_with_values
from penstock.functions.resolve import coerce_inputs
from penstock.functions.rows import as_text, row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    INTEGER,
    STRING,
    ArrayType,
    BinaryType,
    DataType,
    MapType,
    NullType,
    StructType,
    VariantType,
)  # fmt: skip


def is_binary(call: FunctionCall, index: int = 0) -> bool:
    """Whether an argument is BINARY."""
    return isinstance(call.args[index].type, BinaryType)


def text_function(names: str, takes: str, sql: Any, **extra: Any) -> Function:
    """A function whose result is a STRING."""
    return row(names, takes, STRING, sql, **extra)


def _string_or_binary(args: Args) -> DataType:
    return BINARY if isinstance(args[0].type, BinaryType) else STRING


# ---------------------------------------------------------------- substrings


def _substring(args: list[str], call: FunctionCall, context: Any) -> str:
    """Position 0 means 1; a negative one counts from the end, and what lies before the start eats up length."""
    text, start = args[0], args[1]
    count = args[2] if len(args) > 2 else "2147483647"
    size = f"octet_length({text})" if is_binary(call) else f"length({text})"
    first = f"CAST(CASE WHEN {start} > 0 THEN {start} - 1 WHEN {start} < 0 THEN {size} + {start} ELSE 0 END AS BIGINT)"
    last = f"least(CAST({size} AS BIGINT), {first} + CAST({count} AS BIGINT))"
    position = constant_value(call.args[1])
    if isinstance(position, int) and position >= 0 and not is_binary(call):
        first_character = max(position, 1)
        if len(args) < 3 or constant_value(call.args[2]) == 2147483647:
            return f"substring({text}, {first_character})"
        return f"substring({text}, {first_character}, greatest(CAST({count} AS BIGINT), 0))"
    begin, length = f"greatest({first}, 0)", f"greatest({last} - greatest({first}, 0), 0)"
    if is_binary(call):
        return f"unhex(substring(hex({text}), {begin} * 2 + 1, {length} * 2))"
    return f"substring({text}, {begin} + 1, {length})"


def _left(args: list[str], call: FunctionCall, context: Any) -> str:
    if is_binary(call):
        return f"unhex(substring(hex({args[0]}), 1, greatest({args[1]}, 0) * 2))"
    return f"left({args[0]}, greatest({args[1]}, 0))"


def _right(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CASE WHEN {args[1]} <= 0 THEN '' || left({args[0]}, 0) ELSE right({args[0]}, {args[1]}) END"


def _substring_index(args: list[str], call: FunctionCall, context: Any) -> str:
    text, mark, count = args
    parts = f"string_split({text}, {mark})"
    first = f"array_to_string({parts}[:{count}], {mark})"
    last = f"array_to_string({parts}[greatest(len({parts}) + {count} + 1, 1):], {mark})"
    return (
        f"CASE WHEN {text} IS NULL OR {mark} IS NULL OR {count} IS NULL THEN NULL "
        f"WHEN {count} = 0 OR {mark} = '' THEN '' WHEN {count} > 0 THEN {first} ELSE {last} END"
    )


_ZERO_INDEX = raise_sql(
    "INVALID_INDEX_OF_ZERO", "The index 0 is invalid: an index is at least 1, or at most -1 to count from the end.",
    sqlstate="22003", kind="runtime",
)  # fmt: skip


def _split_part(args: list[str], call: FunctionCall, context: Any) -> str:
    text, mark, part = args
    parts = f"CASE WHEN {mark} = '' THEN [{text}] ELSE string_split({text}, {mark}) END"
    value = f"coalesce(({parts})[{part}], '')"
    null = f"{text} IS NULL OR {mark} IS NULL OR {part} IS NULL"
    return f"CASE WHEN {null} THEN NULL WHEN {part} = 0 THEN {_ZERO_INDEX} ELSE {value} END"


def _locate(args: list[str], call: FunctionCall, context: Any) -> str:
    part, text, start = args
    begin = constant_value(call.args[2])
    if begin == 1:
        return f"CAST(instr({text}, {part}) AS INTEGER)"
    rest = f"instr(substring({text}, {start}), {part})"
    found = f"CASE WHEN {start} < 1 OR {rest} = 0 THEN 0 ELSE {rest} + {start} - 1 END"
    null = f"{part} IS NULL OR {text} IS NULL"
    return f"CASE WHEN {null} THEN NULL WHEN {start} IS NULL THEN 0 ELSE CAST({found} AS INTEGER) END"


# ---------------------------------------------------------------- padding and trimming


def _pad_input(args: Args, request: Request) -> Args:
    binary = isinstance(args[0].type, BinaryType)
    if len(args) == 2:
        args = (*args, Literal(b"\x00", BINARY) if binary else Literal(" ", STRING))
    if binary and isinstance(args[2].type, BinaryType):
        return args[0], cast_if_needed(args[1], INTEGER, request.conf), args[2]
    return (cast_if_needed(args[0], STRING, request.conf), cast_if_needed(args[1], INTEGER, request.conf),
            cast_if_needed(args[2], STRING, request.conf))  # fmt: skip


def _pad(name: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        text, width, filler = args
        if is_binary(call):
            return f"unhex({_pad_text(name, f'hex({text})', f'({width} * 2)', f'hex({filler})')})"
        return _pad_text(name, text, width, filler)

    return sql


def _pad_text(name: str, text: str, width: str, filler: str) -> str:
    full = f"{name}({text}, CAST(greatest({width}, 0) AS INTEGER), CASE WHEN {filler} = '' THEN ' ' ELSE {filler} END)"
    return f"CASE WHEN {filler} = '' THEN left({text}, greatest({width}, 0)) ELSE {full} END"


def _trim(name: str, function: str) -> Function:
    """trim(text) or trim(characters, text); btrim has the text first."""
    text_at = 0 if name == "btrim" else -1

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        characters = args[1 + text_at] if len(args) > 1 else "' '"
        return f"{function}({args[text_at]}, {characters})"

    word = {"trim": "BOTH", "btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[name]

    def show(call: FunctionCall, texts: Sequence[str]) -> str:
        if len(texts) == 1 or name == "btrim":
            return f"{name}({', '.join(texts)})"
        return f"TRIM({word} {texts[0]} FROM {texts[1]})"

    return row(name, "string string?", STRING, sql, display=show)


# ---------------------------------------------------------------- concatenation


def _concat_input(args: Args, request: Request) -> Args:
    if args and all(isinstance(arg.type, ArrayType) for arg in args):
        from penstock.functions.rows import same_types

        return same_types(args, request)
    for i, arg in enumerate(args):
        if isinstance(arg.type, (MapType, StructType, VariantType)):
            raise wrong_input(request.name, args, i, '("STRING" or "BINARY" or "ARRAY")')
    if any(isinstance(arg.type, ArrayType) for arg in args):
        raise data_diff_types(request.name, [_text_or_array(arg, request) for arg in args])
    if args and all(isinstance(arg.type, BinaryType) for arg in args):
        return args
    return tuple(cast_if_needed(arg, STRING, request.conf) for arg in args)


def _text_or_array(e: Expression, request: Request) -> Expression:
    return e if isinstance(e.type, ArrayType) else cast_if_needed(e, STRING, request.conf)


def _concat_type(args: Args) -> DataType:
    if not args:
        return STRING
    t = args[0].type
    if isinstance(t, ArrayType):
        holds_null = any(arg.type.containsNull for arg in args if isinstance(arg.type, ArrayType))
        return ArrayType(t.elementType, holds_null)
    return t


def _concat(args: list[str], call: FunctionCall, context: Any) -> str:
    if not args:
        return "''"
    if isinstance(call.type, ArrayType):
        null = " OR ".join(f"{arg} IS NULL" for arg in args)
        joined = args[0] if len(args) == 1 else f"list_concat({', '.join(args)})"
        return f"CASE WHEN {null} THEN NULL ELSE {joined} END"
    return f"({' || '.join(args)})" if len(args) > 1 else args[0]


def _concat_ws_input(args: Args, request: Request) -> Args:
    def text(i: int) -> Expression:
        if i > 0 and isinstance(args[i].type, ArrayType):
            return cast_if_needed(args[i], ArrayType(STRING, True), request.conf)
        return as_text(args, i, request)

    return tuple(text(i) for i in range(len(args)))


def _concat_ws(args: list[str], call: FunctionCall, context: Any) -> str:
    if len(args) == 1:
        return f"CASE WHEN {args[0]} IS NOT NULL THEN '' END"
    mark, parts = args[0], []
    for sql, arg in zip(args[1:], call.args[1:], strict=True):
        parts.append(f"array_to_string({sql}, {mark})" if isinstance(arg.type, ArrayType) else sql)
        if isinstance(arg.type, ArrayType):
            parts[-1] = f"CASE WHEN len(list_filter({sql}, lambda w: w IS NOT NULL)) > 0 THEN {parts[-1]} END"
    return f"concat_ws({mark}, {', '.join(parts)})"


def _elt(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"([{', '.join(args[1:])}])[{args[0]}]" if args[1:] else "NULL"


def _elt_range(index: str, size: int) -> str:
    return raise_with_values(
        "INVALID_ARRAY_INDEX", f"The index {{indexValue}} is out of bounds: there are {size} values.",
        {"indexValue": index}, sqlstate="22003", kind="array_index", arraySize=size,
    )  # fmt: skip


def _elt_checked(args: list[str], call: FunctionCall, context: Any) -> str:
    n = len(args) - 1
    if not context.conf.ansi:
        return f"CASE WHEN {args[0]} BETWEEN 1 AND {n} THEN {_elt(args, call, context)} END"
    return (
        f"CASE WHEN {args[0]} < 1 OR {args[0]} > {n} THEN {_elt_range(args[0], n)} ELSE {_elt(args, call, context)} END"
    )


def _elt_input(args: Args, request: Request) -> Args:
    values = args[1:]
    kind = BINARY if all(isinstance(v.type, BinaryType) for v in values) else STRING
    return (cast_if_needed(args[0], INTEGER, request.conf), *(cast_if_needed(v, kind, request.conf) for v in values))


# ---------------------------------------------------------------- searching


def _search(function: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if not is_binary(call):
            return f"{function}({args[0]}, {args[1]})"
        text, part = f"hex({args[0]})", f"hex({args[1]})"
        if function == "contains":  # a match must start at a whole byte
            return f"(instr({text}, {part}) % 2 = 1 OR {part} = '')"
        return f"{function}({text}, {part})"

    return sql


def _search_input(args: Args, request: Request) -> Args:
    if all(isinstance(arg.type, (BinaryType, NullType)) for arg in args) and any(
        isinstance(arg.type, BinaryType) for arg in args
    ):
        return tuple(cast_if_needed(arg, BINARY, request.conf) for arg in args)
    return tuple(cast_if_needed(arg, STRING, request.conf) for arg in args)


def _search_null(args: Args) -> bool:
    return any(arg.nullable for arg in args) or isinstance(args[0].type, BinaryType)


def _replace(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CASE WHEN {args[1]} = '' THEN {args[0]} ELSE replace({args[0]}, {args[1]}, {args[2]}) END"


def _overlay(args: list[str], call: FunctionCall, context: Any) -> str:
    text, new, position, length = args
    if is_binary(call):
        return f"unhex({_overlaid(f'hex({text})', f'hex({new})', f'(({position} - 1) * 2 + 1)', f'({length} * 2)')})"
    return _overlaid(text, new, position, length)


def _overlaid(text: str, new: str, position: str, length: str) -> str:
    width = f"CASE WHEN {length} >= 0 THEN {length} ELSE length({new}) END"
    head = f"CASE WHEN {position} > 1 THEN left({text}, {position} - 1) ELSE '' END"
    return f"({head} || {new} || substring({text}, greatest({position} + {width}, 1)))"


# ---------------------------------------------------------------- one string


def _length(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CAST({'octet_length' if is_binary(call) else 'length'}({args[0]}) AS INTEGER)"


def _octets(factor: int) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        size = f"octet_length({args[0]})" if is_binary(call) else f"strlen({args[0]})"
        return f"CAST({size} * {factor} AS INTEGER)"

    return sql


def _reverse_type(args: Args) -> DataType:
    return args[0].type


def _reverse_input(args: Args, request: Request) -> Args:
    if isinstance(args[0].type, (ArrayType, BinaryType)):
        return args
    return (cast_if_needed(args[0], STRING, request.conf),)


def _reverse(args: list[str], call: FunctionCall, context: Any) -> str:
    if isinstance(call.type, ArrayType):
        return f"list_reverse({args[0]})"
    if is_binary(call):
        pairs = f"range(octet_length({args[0]}), 0, -1)"
        return f"unhex(array_to_string(list_transform({pairs}, lambda b: substring(hex({args[0]}), b * 2 - 1, 2)), ''))"
    return f"reverse({args[0]})"


# The first letter of each word in upper case, where words are separated by single spaces.
# (COALESCE, as rows of ASCII letters alone would be slower in a branch of CASE.)
_INITCAP = (
    "coalesce(CASE WHEN strlen({0}) <> length({0}) THEN kernel_java_initcap({0}) END, array_to_string(list_transform("
    "string_split(lower({0}), ' '), lambda w: upper(left(w, 1)) || substring(w, 2)), ' '))"
)


def _ascii(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CASE WHEN {args[0]} = '' THEN 0 ELSE CAST(unicode({args[0]}) AS INTEGER) END"


def _chr(args: list[str], call: FunctionCall, context: Any) -> str:
    """Characters 0 to 255, modulo 256; nothing for negative numbers."""
    return f"CASE WHEN {args[0]} < 0 THEN '' ELSE chr(CAST({args[0]} % 256 AS INTEGER)) END"


def _repeat(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"repeat({args[0]}, CAST(CASE WHEN {args[1]} < 0 THEN 0 ELSE {args[1]} END AS BIGINT))"


def _encode(args: list[str], call: FunctionCall, context: Any) -> str:
    name = constant_value(call.args[1])
    if isinstance(name, str) and name.lower() == "utf-8":
        return f"encode({args[0]})"
    return f"kernel_encode({args[0]}, {args[1]})"


def _decode_build(args: Args, request: Request) -> Expression:
    """decode(binary, charset), or Oracle's decode(value, search, result, ..., default)."""
    from penstock.functions.resolve import resolve

    if len(args) == 2:
        pair = coerce_inputs(args, request)
        return FunctionCall("decode", pair, STRING, True, "decode")
    value, rest, branches = args[0], list(args[1:]), []
    while len(rest) >= 2:
        search, result, *rest = rest
        branches += [resolve("<=>", (value, search), conf=request.conf), result]
    case = resolve("when", (*branches, *rest), conf=request.conf)
    return FunctionCall("$decode", (case, *args), case.type, case.nullable, "decode")


def _levenshtein(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = args[:2]
    longer = f"strlen({a}) <> length({a}) OR strlen({b}) <> length({b})"  # DuckDB counts bytes
    exact = f"CASE WHEN {longer} THEN kernel_levenshtein({a}, {b}) END"
    distance = f"coalesce({exact}, CAST(levenshtein({a}, {b}) AS INTEGER))"
    return distance if len(args) == 2 else f"CASE WHEN {distance} > {args[2]} THEN -1 ELSE {distance} END"


def _find_in_set(args: list[str], call: FunctionCall, context: Any) -> str:
    word, words = args
    position = f"coalesce(list_position(string_split({words}, ','), {word}), 0)"
    found = f"CASE WHEN contains({word}, ',') THEN 0 ELSE CAST({position} AS INTEGER) END"
    return f"CASE WHEN {word} IS NOT NULL AND {words} IS NOT NULL THEN {found} END"


def _format_number(args: list[str], call: FunctionCall, context: Any) -> str:
    digits = constant_value(call.args[1])
    if not isinstance(digits, int) or digits > 18:
        raise unsupported("format_number with a pattern, or a number of places that is no constant up to 18")
    if digits < 0:
        return "CAST(NULL AS VARCHAR)"
    exact = f"CAST({args[0]} AS DECIMAL(38,{digits}))"
    text = f"CAST(abs({exact}) AS VARCHAR)"
    groups = f"format('{{:,}}', CAST(split_part({text}, '.', 1) AS HUGEINT))"
    fraction = f" || '.' || split_part({text}, '.', 2)" if digits else ""
    return f"(CASE WHEN {exact} < 0 THEN '-' ELSE '' END || {groups}{fraction})"


def _pipe(args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import resolve

    return resolve("concat", args, conf=request.conf)


def _in_case(name: str) -> str:
    """Texts of ASCII letters alone, which have as many bytes as letters, by DuckDB."""
    return f"CASE WHEN strlen({{0}}) = length({{0}}) THEN {name}({{0}}) ELSE kernel_java_{name}({{0}}) END"


register(
    text_function("upper ucase", "string", _in_case("upper")),
    text_function("lower lcase", "string", _in_case("lower")),
    text_function("initcap", "string", _INITCAP),
    row("length len char_length character_length", "string|binary", INTEGER, _length),
    row("octet_length", "string|binary", INTEGER, _octets(1)),
    row("bit_length", "string|binary", INTEGER, _octets(8)),
    row("reverse", "any", _reverse_type, _reverse, coerce=_reverse_input),
    row("ascii", "string", INTEGER, _ascii),
    text_function("chr char", "long", _chr),
    text_function("space", "int", "repeat(' ', CAST(CASE WHEN {0} < 0 THEN 0 ELSE {0} END AS BIGINT))"),
    text_function("repeat", "string int", _repeat),
    row("substring substr", "string|binary int int?", _string_or_binary, _substring,
        defaults={2: Literal(2147483647, INTEGER)}),
    row("left", "string|binary int", _string_or_binary, _left,
        nullable=lambda args: isinstance(args[0].type, BinaryType) or any(a.nullable for a in args)),
    text_function("right", "string int", _right, nullable=True),
    text_function("substring_index", "string string int", _substring_index),
    text_function("split_part", "string string int", _split_part, nullable=True),
    row("locate position", "string string int?", INTEGER, _locate, defaults={2: Literal(1, INTEGER)}),
    row("instr", "string string", INTEGER, "CAST(instr({0}, {1}) AS INTEGER)"),
    row("lpad", "any any any?", _string_or_binary, _pad("lpad"), coerce=_pad_input),
    row("rpad", "any any any?", _string_or_binary, _pad("rpad"), coerce=_pad_input),
    _trim("trim", "trim"),
    _trim("btrim", "trim"),
    _trim("ltrim", "ltrim"),
    _trim("rtrim", "rtrim"),
    row("concat", "any*", _concat_type, _concat, coerce=_concat_input),
    text_function("||", "any any", "({0} || {1})", build=_pipe),
    text_function("concat_ws", "string any*", _concat_ws, coerce=_concat_ws_input,
                  nullable=lambda args: args[0].nullable),
    row("elt", "int any any*", 1, _elt_checked, coerce=_elt_input, nullable=True),
    row("contains", "any any", BOOLEAN, _search("contains"), coerce=_search_input, nullable=_search_null),
    row("startswith", "any any", BOOLEAN, _search("starts_with"), coerce=_search_input, nullable=_search_null),
    row("endswith", "any any", BOOLEAN, _search("ends_with"), coerce=_search_input, nullable=_search_null),
    text_function("replace", "string string string?", _replace, defaults={2: Literal("", STRING)}),
    text_function("translate", "string string string", "translate({0}, {1}, {2})"),
    row("overlay", "string|binary string|binary int int?", _string_or_binary, _overlay,
        defaults={3: Literal(-1, INTEGER)}),
    row("encode", "string string", BINARY, _encode, nullable=True),
    row("decode", "binary string any*", STRING, "kernel_decode({0}, {1})", build=_decode_build, nullable=True),
    row("$decode", "any*", 0, "{0}", display=lambda call, texts: f"decode({', '.join(texts[1:])})"),
    row("levenshtein", "string string int?", INTEGER, _levenshtein),
    row("find_in_set", "string string", INTEGER, _find_in_set),
    text_function("format_number", "numeric int|string", _format_number, nullable=True),
    text_function("quote", "string",
                  "('''' || replace(replace({0}, '\\', '\\\\'), '''', '\\''') || '''')", nullable=True),
)  # fmt: skip
