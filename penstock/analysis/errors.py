"""The analyzer's errors: Spark's condition, SQLSTATE and parameters, our words.

One table; `fail(condition, ...)` makes the exception to raise.  Parameters are formatted as Spark formats them: names
between backticks, expressions and types between double quotes.
"""

from __future__ import annotations

from collections.abc import Iterable

from penstock.core.errors import SparkError
from penstock.functions.names import display_name
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Expression
from penstock.plan.types import DataType

CONDITIONS: dict[str, tuple[str, str]] = {
    "UNRESOLVED_COLUMN.WITH_SUGGESTION": ("42703", "No column {objectName} here. Similar names: {proposal}."),
    "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION": ("42703", "No column {objectName} here: the input has no columns."),
    "FIELD_NOT_FOUND": ("42704", "The struct has no field {fieldName}; its fields are {fields}."),
    "AMBIGUOUS_REFERENCE": ("42704", "{name} may mean any of {referenceNames}. Qualify it."),
    "AMBIGUOUS_REFERENCE_TO_FIELDS": ("42000", "Field {field} occurs {count} times in the struct."),
    "AMBIGUOUS_COLUMN_REFERENCE": (
        "42702",
        "Column {name} belongs to a DataFrame that occurs on both sides. Alias both and qualify it.",
    ),
    "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES": ("42703", "No column {colName} among {fieldNames}."),
    "AMBIGUOUS_LATERAL_COLUMN_ALIAS": ("42702", "{n} earlier aliases are called {name}."),
    "CANNOT_RESOLVE_DATAFRAME_COLUMN": ("42704", "Column {name} belongs to a DataFrame that is no input here."),
    "CANNOT_RESOLVE_STAR_EXPAND": ("42704", "{targetString}.* matches nothing among the input columns {columns}."),
    "INVALID_USAGE_OF_STAR_OR_REGEX": ("42000", "{elem} cannot stand in {prettyName}."),
    "INVALID_USAGE_OF_STAR_WITH_TABLE_IDENTIFIER_IN_COUNT": (
        "42000",
        "count({tableName}.*) is not allowed: count its columns, or the rows with count(*).",
    ),
    "INVALID_RECURSIVE_CTE": ("42836", "A recursive definition is a query UNION ALL a query that names it."),
    "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE": ("42825", "{left} and {right} are not of one type: cast one of them."),
    "PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION": (
        "0A000",
        "{expr} aggregates, which the pipe operator {clause} does not: use AGGREGATE.",
    ),
    "PIPE_OPERATOR_AGGREGATE_EXPRESSION_CONTAINS_NO_AGGREGATE_FUNCTION": (
        "0A000",
        "{expr} does not aggregate, as each expression of the pipe operator AGGREGATE must before GROUP BY.",
    ),
    "INVALID_RECURSIVE_REFERENCE.PLACE": (
        "42836",
        "A recursive definition does not name itself in a subquery, below an aggregate, nor on the "
        "side of an outer join whose columns may be NULL.",
    ),
    "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE": ("42836", "A recursive definition takes UNION ALL, not UNION."),
    "TABLE_OR_VIEW_NOT_FOUND": ("42P01", "There is no table or view {relationName} (search path {searchPath})."),
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION": ("42883", "There is no table function {name} with these arguments."),
    "INVALID_EXTRACT_FIELD_TYPE": ("42000", "A field name must be a string literal, not {extraction}."),
    "INVALID_EXTRACT_BASE_FIELD_TYPE": ("42000", "{base} is {other}; only STRUCT, ARRAY and MAP can be taken apart."),
    "MISSING_AGGREGATION": (
        "42803",
        "{expression} is neither grouped by nor aggregated. Group by it, aggregate it, or use {expressionAnyValue}.",
    ),
    "MISSING_GROUP_BY": ("42803", "Aggregates and plain columns are mixed without GROUP BY."),
    "UNRESOLVED_ALL_IN_GROUP_BY": ("42803", "GROUP BY ALL finds no grouping columns in the select list."),
    "AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION": (
        "42845",
        "The aggregate function {sqlExpr} takes no nondeterministic input: make it a column first.",
    ),
    "EXPRESSION_TYPE_IS_NOT_ORDERABLE": ("42822", "{expr} cannot be ordered: it is {exprType}."),
    "NESTED_AGGREGATE_FUNCTION": ("42607", "An aggregate function stands inside another's arguments."),
    "INVALID_WHERE_CONDITION": ("42903", "The condition {condition} may not contain {expressionList}."),
    "GROUP_BY_AGGREGATE": ("42903", "Cannot group by the aggregate {sqlExpr}."),
    "GROUP_BY_POS_AGGREGATE": ("42903", "GROUP BY {index} points at {aggExpr}, an aggregate."),
    "GROUP_BY_POS_OUT_OF_RANGE": ("42805", "GROUP BY {index} is outside the select list (1 to {size})."),
    "ORDER_BY_POS_OUT_OF_RANGE": ("42805", "ORDER BY {index} is outside the select list (1 to {size})."),
    "GROUPING_COLUMN_MISMATCH": ("42803", "grouping({grouping}) is not among the grouping columns {groupingColumns}."),
    "GROUPING_ID_COLUMN_MISMATCH": ("42803", "grouping_id({groupingIdColumn}) differs from the keys {groupByColumns}."),
    "UNSUPPORTED_GROUPING_EXPRESSION": ("42K0E", "grouping() and grouping_id() need ROLLUP, CUBE or GROUPING SETS."),
    "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_GROUP_BY": ("0A000", "Grouping by a lateral column alias."),
    "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC": ("0A000", "{aggFunc} refers to the alias {lca}."),
    "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW": ("0A000", "{windowExpr} refers to the alias {lca}."),
    "UNSUPPORTED_FEATURE.PIVOT_AFTER_GROUP_BY": ("0A000", "PIVOT after GROUP BY."),
    "PIVOT_VALUE_DATA_TYPE_MISMATCH": ("42K09", "Pivot value {value} is {valueType}, but the column is {pivotType}."),
    "UNPIVOT_VALUE_DATA_TYPE_MISMATCH": ("42K09", "The value columns of UNPIVOT have no common type: [{types}]."),
    "TRANSPOSE_INVALID_INDEX_COLUMN": ("42804", "This index column cannot be transposed by: {reason}."),
    "TRANSPOSE_EXCEED_ROW_LIMIT": ("54006", "More than {maxValues} rows to transpose; the limit is {config}."),
    "TRANSPOSE_NO_LEAST_COMMON_TYPE": ("42K09", "The columns to transpose have no common type: {dt1} and {dt2}."),
    "NON_LITERAL_PIVOT_VALUES": ("42K08", "A pivot value must be a literal, not {expression}."),
    "NUM_COLUMNS_MISMATCH": (
        "42826",
        "{operator} needs equal column counts: {firstNumColumns} on the first side, {invalidNumColumns} on the "
        "{invalidOrdinalNum}.",
    ),
    "INCOMPATIBLE_COLUMN_TYPE": (
        "42825",
        "{operator}: the {columnOrdinalNumber} column is {dataType1} in the {tableOrdinalNumber} table but "
        "{dataType2} in the first{hint}.",
    ),
    "ASSIGNMENT_ARITY_MISMATCH": ("42802", "{numTarget} names for {numExpr} columns."),
    "COLUMN_ALREADY_EXISTS": ("42711", "Column {columnName} occurs twice."),
    "NUM_TABLE_VALUE_ALIASES_MISMATCH": ("42826", "{funcName} yields {outColsNum} columns, got {aliasesNum} names."),
    "UNRESOLVED_USING_COLUMN_FOR_JOIN": ("42703", "USING column {colName} is not on the {side} side: {suggestion}."),
    "INVALID_LATERAL_JOIN_TYPE": ("42613", "A lateral join cannot be {joinType}."),
    "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH": (
        "42000",
        "VALUES row {rowIndex} has {actualNumCols} columns, not {expectedNumCols}.",
    ),
    "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE": ("42000", "VALUES column {colName} has several types."),
    "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN": (
        "42823",
        "A scalar subquery must have one column, not {number}.",
    ),
    "INVALID_SUBQUERY_EXPRESSION.STREAMING_QUERY": ("42823", "A stream cannot be used as a subquery expression."),
    "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN": ("42K09", "The condition {filter} is {type}, not BOOLEAN."),
    "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE": ("42K0E", "Join condition {joinCondition} is {conditionType}, not BOOLEAN."),
    "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE": (
        "42K09",
        "{sqlExpr}: argument {paramIndex} must be {requiredType}, but {inputSql} is {inputType}.",
    ),
    "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH": (
        "42K09",
        "{sqlExpr}: {leftLength} columns on the left, {rightLength} in the subquery.",
    ),
    "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH": (
        "42K09",
        "{sqlExpr}: the types {leftType} and {rightType} cannot be compared.",
    ),
    "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS": ("42K09", "{sqlExpr}: a struct must keep one field."),
    "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE": (
        "42K09",
        "{sqlExpr}: {exprName} must be in {valueRange}, not {currentValue}.",
    ),
    "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION": (
        "42K09",
        "{sqlExpr}: {leftExprName} ({leftExprValue}) must be {constraint} {rightExprName} ({rightExprValue}).",
    ),
    "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE": ("42K09", "{sqlExpr}: {dataType} has no order."),
    "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER": ("42K09", "{sqlExpr}: a range frame needs ORDER BY."),
    "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE": ("42601", "{funcName} needs OVER."),
    "WINDOW_FUNCTION_FRAME_NOT_ORDERED": ("42601", "{wf_name} needs ORDER BY in its window: {wf_expr}."),
    "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE": ("42601", "No window functions in {clauseName}."),
    "UNSUPPORTED_EXPR_FOR_WINDOW": ("42P20", "{sqlExpr} cannot stand before OVER."),
    "UNSUPPORTED_EXPR_FOR_OPERATOR": ("42K0E", "This operator cannot hold {invalidExprSqls}; compute it in a SELECT."),
    "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED": ("0A000", "DISTINCT in a window function: {windowExpr}."),
    "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS": ("42K0E", "A generator must stand alone, not in {expression}."),
    "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT": ("42K0E", "Generators belong in SELECT; found in {plan}."),
    "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE": ("42K09", "The event time {eventName} is {eventType}, not a timestamp."),
    "CANNOT_ASSIGN_EVENT_TIME_COLUMN_WITHOUT_WATERMARK": (
        "42611",
        "The result's event time column needs a watermark on the input: call withWatermark first.",
    ),
    "_LEGACY_ERROR_TEMP_1039": ("XXKD0", "Only one time window expression a query block."),
    "_LEGACY_ERROR_TEMP_1040": ("XXKD0", "The gap of session_window must be an interval or a string, not {dt}."),
    "_LEGACY_ERROR_TEMP_3102": ("XXKD0", "{msg}"),
    "INVALID_AGGREGATE_FILTER.NOT_BOOLEAN": ("42903", "FILTER {filterExpr} is not BOOLEAN."),
    "INVALID_AGGREGATE_FILTER.CONTAINS_AGGREGATE": ("42903", "FILTER {filterExpr} contains the aggregate {aggExpr}."),
    "INVALID_COLUMN_OR_FIELD_DATA_TYPE": ("42000", "{name} is {type}, but {expectedType} is wanted."),
    "NULLABLE_COLUMN_OR_FIELD": ("42000", "{name} can be NULL, but the schema says it cannot."),
    "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE": ("42K0E", "{name} must not be negative: {v}."),
    "UNPIVOT_REQUIRES_ATTRIBUTES": ("42K0A", "UNPIVOT takes columns as its {given}s, not {expressions}."),
    "UNPIVOT_VALUE_SIZE_MISMATCH": (
        "428C4",
        "Each group of UNPIVOT must have as many columns as value names: {names}.",
    ),
    "_LEGACY_ERROR_TEMP_1050": ("", "Only the fields of a struct can be taken by a star: {attributes}."),
    "REQUIRES_SINGLE_PART_NAMESPACE": (
        "42K05",
        "The catalog {sessionCatalog} has databases of one name, not as in {identifier}.",
    ),
    "_LEGACY_ERROR_TEMP_1006": ("", "PIVOT needs aggregate functions, not {sql}."),
    "UNSUPPORTED_FEATURE.SET_OPERATION_ON_VARIANT_TYPE": ("0A000", "{colName} is a VARIANT."),
    "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE": ("42822", "{sqlExpr} cannot be a grouping key: {dataType} has no order."),
    "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE": ("0A000", "The column {colName} is a map: {dataType}."),
    "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE": ("42K0E", "{name} must be a constant, not {expr}."),
    "_LEGACY_ERROR_TEMP_1036": ("", "The window function has a frame of its own: {required}, not {wf}."),
    "_LEGACY_ERROR_TEMP_1031": ("", "A window function cannot be an argument of an aggregate function."),
    "DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER": (
        "42K09",
        "A RANGE frame has one sort key, not {orderSpec}: {sqlExpr}.",
    ),
    "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON": (
        "42K09",
        "The lower bound of a frame must be {comparison} to its upper bound: {sqlExpr}.",
    ),
    "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE": (
        "42K09",
        "The {location} bound of {sqlExpr} needs {expectedType}, not {exprType}.",
    ),
    "DUPLICATED_CTE_NAMES": ("42602", "WITH defines {duplicateNames} more than once."),
    "UNPIVOT_REQUIRES_VALUE_COLUMNS": ("42K0A", "UNPIVOT needs a value column."),
    "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION": (
        "42KDE",
        "Output mode {outputMode} does not go with {operation}. Append needs a key with a watermark (withWatermark) in "
        "an aggregation, complete needs an aggregation, update takes both.",
    ),
    "CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND": ("56K00", "This session keeps no DataFrame {dfId}."),
    "UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK": (
        "0A000",
        "Output mode {outputMode} with {statefulOperator} needs a watermark on the event time.",
    ),
}


def fail(condition: str, /, **params: object) -> SparkError:
    """The AnalysisException of a condition in CONDITIONS; raise what it returns."""
    sqlstate, template = CONDITIONS[condition]
    return SparkError(condition, template.format(**params), params, sqlstate=sqlstate)


def sql_id(parts: Iterable[str]) -> str:
    """A name as Spark's messages show it: `a`.`b`."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def sql_expr(expression: Expression) -> str:
    """An expression as Spark's messages show it: between double quotes."""
    return f'"{display_name(expression)}"'


def sql_type(data_type: DataType) -> str:
    """A type as Spark's messages show it: "BIGINT"."""
    return quoted_type(data_type)


_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def ordinal(index: int) -> str:
    """0 -> first, as in Spark's messages."""
    return _WORDS[index] if index < len(_WORDS) else f"{index + 1}th"
