"""Every option that Spark's documentation gives a data source, and what it does here: a table that is walked.

`Changes`: with the option the answer (in `columns`) is another one than without.  `Refused`: an error names it.
`Nothing`: accepted without effect on any answer, for the reason given (docs/options.md says the same).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Changes:
    """`value` changes what is read of `text` (or what is written of the rows `of`).  also: options that both runs
    have.  names: the file's suffix where that matters."""

    value: str
    text: str | bytes = ""
    schema: str | None = None
    of: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    columns: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class Refused:
    """`value` raises an error whose message holds the option's name (or `says`)."""

    value: str
    says: str | None = None
    text: str = "a\n"
    schema: str | None = None
    of: str = "SELECT 'a' AS k"
    also: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Nothing:
    """No answer depends on it, or on `value`."""

    reason: str
    value: str = ""


Case = Changes | Refused | Nothing

_NAMES = "a string, b string"
_PART = "How many parts, tasks or fetches there are changes no answer."
_PUSH = "What the database evaluates and what Penstock evaluates changes no answer."

CSV_READ: dict[str, Case] = {
    "sep": Changes(";", "x;y\n", _NAMES),
    "delimiter": Changes("|", "x|y\n", _NAMES),
    "encoding": Changes("ISO-8859-1", "é,y\n".encode("latin-1"), _NAMES),
    "charset": Changes("ISO-8859-1", "é,y\n".encode("latin-1"), _NAMES),
    "quote": Changes("'", "'x,1',y\n", _NAMES),
    "escape": Changes("!", '"x!"1",y\n', _NAMES),
    "comment": Changes("#", "#x,y\nz,w\n", _NAMES),
    "header": Changes("true", "a,b\nx,y\n", _NAMES),
    "inferSchema": Changes("true", "1,y\n"),
    "preferDate": Changes("false", "2024-01-01,y\n", also={"inferSchema": "true"}),
    "enforceSchema": Refused("false", "enforceSchema", "p,q\nx,y\n", _NAMES, also={"header": "true"}),
    "ignoreLeadingWhiteSpace": Changes("true", " x, y\n", _NAMES),
    "ignoreTrailingWhiteSpace": Changes("true", "x ,y \n", _NAMES),
    "nullValue": Changes("x", "x,y\n", _NAMES),
    "nanValue": Changes("nix", "nix\n", "a double"),
    "positiveInf": Changes("oo", "oo\n", "a double"),
    "negativeInf": Changes("-oo", "-oo\n", "a double"),
    "dateFormat": Changes("dd.MM.yyyy", "31.01.2024\n", "a date"),
    "timestampFormat": Changes("dd.MM.yyyy HH:mm", "31.01.2024 10:00\n", "a timestamp"),
    "timestampNTZFormat": Changes("dd.MM.yyyy HH:mm", "31.01.2024 10:00\n", "a timestamp_ntz"),
    "enableDateTimeParsingFallback": Changes("true", "2024-1-1\n", "a date", also={"dateFormat": "yyyy/MM/dd"}),
    "maxColumns": Refused("1", "", "x,y\n", _NAMES),
    "maxCharsPerColumn": Refused("1", "", "xxxx,y\n", _NAMES),
    "mode": Changes("DROPMALFORMED", "x,y\n1,y\n", "a int, b string"),
    "columnNameOfCorruptRecord": Changes("_bad", "x,y\n", "a int, b string, _bad string"),
    "multiLine": Changes("true", '"x\ny",z\n', _NAMES),
    "charToEscapeQuoteEscaping": Changes("^", '"x!^!"y",z\n', _NAMES, also={"escape": "!"}),
    "samplingRatio": Changes("0.1", "".join(f"{i}\n" for i in range(50)) + "x\n", also={"inferSchema": "true"}),
    "emptyValue": Changes("nothing", '"",y\n', _NAMES),
    "locale": Refused("de-DE", text="x,y\n", schema=_NAMES),
    "lineSep": Changes(";", "x,y;z,w;", _NAMES),
    "unescapedQuoteHandling": Changes("SKIP_VALUE", 'x"1,y\n"p"q,z\n', _NAMES),
    "timeZone": Changes("Asia/Tokyo", "2024-01-01 00:00:00\n", "a timestamp"),
    "columnPruning": Changes("false", "x,y\n1,2,3\n", _NAMES, also={"mode": "DROPMALFORMED"}, columns=("a",)),
    "singleVariantColumn": Refused("v", text="x,y\n", schema=None),
}

JSON_READ: dict[str, Case] = {
    "timeZone": Changes("Asia/Tokyo", '{"a":"2024-01-01T00:00:00"}\n', "a timestamp"),
    "primitivesAsString": Changes("true", '{"a":1}\n'),
    "prefersDecimal": Changes("true", '{"a":1.5}\n'),
    "allowComments": Changes("true", '{"a":/* x */1}\n', "a int"),
    "allowUnquotedFieldNames": Changes("true", "{a:1}\n", "a int"),
    "allowSingleQuotes": Changes("false", "{'a':1}\n", "a int"),
    "allowNumericLeadingZeros": Changes("true", '{"a":01}\n', "a int"),
    "allowBackslashEscapingAnyCharacter": Changes("true", '{"a":"\\$"}\n', "a string"),
    "allowUnquotedControlChars": Changes("true", '{"a":"x\ty"}\n', "a string"),
    "allowNonNumericNumbers": Changes("false", '{"a":NaN}\n', "a double"),
    "mode": Changes("DROPMALFORMED", '{"a":1}\n{\n', "a int"),
    "columnNameOfCorruptRecord": Changes("_bad", '{"a":1}\n{\n', "a int, _bad string"),
    "dateFormat": Changes("dd.MM.yyyy", '{"a":"31.01.2024"}\n', "a date"),
    "timestampFormat": Changes("dd.MM.yyyy HH:mm", '{"a":"31.01.2024 10:00"}\n', "a timestamp"),
    "timestampNTZFormat": Changes("dd.MM.yyyy HH:mm", '{"a":"31.01.2024 10:00"}\n', "a timestamp_ntz"),
    "enableDateTimeParsingFallback": Changes("true", '{"a":"2024-1-1"}\n', "a date", also={"dateFormat": "yyyy/MM/dd"}),
    "multiLine": Changes("true", '{"a":\n1}\n', "a int"),
    "encoding": Changes("UTF-16LE", '{"a":"é"}\n'.encode("utf-16-le"), "a string", also={"lineSep": "\n"}),
    "lineSep": Changes(";", '{"a":1};{"a":2};', "a int"),
    "samplingRatio": Changes("0.1", "".join(f'{{"a":{i}}}\n' for i in range(50)) + '{"b":1}\n'),
    "dropFieldIfAllNull": Changes("true", '{"a":null,"b":1}\n'),
    "inferTimestamp": Changes("true", '{"a":"2024-01-01T00:00:00"}\n'),
    "locale": Refused("de-DE", text='{"a":1}\n', schema="a int"),
    "singleVariantColumn": Refused("v", text='{"a":1}\n'),
    "maxNestingDepth": Refused("2", text='{"a":1}\n', schema="a int"),
    "maxNumLen": Refused("2", text='{"a":1}\n', schema="a int"),
    "maxStringLen": Refused("2", text='{"a":1}\n', schema="a int"),
    "useUnsafeRow": Nothing("A hint about the memory layout of Spark's rows; there are none."),
}

TEXT_READ: dict[str, Case] = {
    "wholetext": Changes("true", "x\ny\n"),
    "lineSep": Changes(";", "x;y;"),
}

PARQUET_READ: dict[str, Case] = {
    "mergeSchema": Changes("true", of="SELECT 1 AS a", also={}),
    "datetimeRebaseMode": Refused("LEGACY", text="", of="SELECT 1 AS a"),
    "int96RebaseMode": Refused("LEGACY", text="", of="SELECT 1 AS a"),
}

ORC_READ: dict[str, Case] = {"mergeSchema": Changes("true", of="SELECT 1 AS a")}

XML_READ: dict[str, Case] = {
    "rowTag": Changes("q", "<p><a>1</a></p><q><a>2</a></q>", "a int", also={"rowTag": "p"}),
    "samplingRatio": Changes("0.05", "<x>" + "<p><a>1</a></p>" * 50 + "<p><b>1</b></p></x>"),
    "excludeAttribute": Changes("true", '<p z="1"><a>1</a></p>'),
    "mode": Changes("DROPMALFORMED", "<p><a>1</a></p><p><a>x</a></p>", "a int"),
    "inferSchema": Changes("false", "<p><a>1</a></p>"),
    "columnNameOfCorruptRecord": Changes("_bad", "<p><a>x</a></p>", "a int, _bad string"),
    "attributePrefix": Changes("at_", '<p z="1"><a>1</a></p>'),
    "valueTag": Changes("v", '<p><a z="1">x</a></p>'),
    "encoding": Changes("ISO-8859-1", "<p><a>é</a></p>".encode("latin-1"), "a string"),
    "ignoreSurroundingSpaces": Changes("false", "<p><a> x </a></p>", "a string"),
    "rowValidationXSDPath": Refused("x.xsd", text="<p><a>1</a></p>", schema="a int"),
    "ignoreNamespace": Changes("true", '<p xmlns:n="u"><n:a>1</n:a></p>', "a int"),
    "timeZone": Changes("Asia/Tokyo", "<p><a>2024-01-01T00:00:00</a></p>", "a timestamp"),
    "timestampFormat": Changes("dd.MM.yyyy HH:mm", "<p><a>31.01.2024 10:00</a></p>", "a timestamp"),
    "timestampNTZFormat": Changes("dd.MM.yyyy HH:mm", "<p><a>31.01.2024 10:00</a></p>", "a timestamp_ntz"),
    "dateFormat": Changes("dd.MM.yyyy", "<p><a>31.01.2024</a></p>", "a date"),
    "locale": Refused("de-DE", text="<p><a>1</a></p>", schema="a int"),
    "nullValue": Changes("x", "<p><a>x</a></p>", "a string"),
    "wildcardColName": Changes("rest", "<p><a>1</a><z>2</z></p>", "a int, rest string"),
    "prefersDecimal": Changes("true", "<p><a>1.5</a></p>"),
    "preferDate": Changes("false", "<p><a>2024-01-01</a></p>"),
    "singleVariantColumn": Refused("v", text="<p><a>1</a></p>"),
}

_AVRO = '{"type":"record","name":"topLevelRecord","fields":[{"name":"a","type":["int","null"]},%s]}'

AVRO_READ: dict[str, Case] = {
    "avroSchema": Changes(_AVRO % '{"name":"z","type":"int","default":7}', of="SELECT 1 AS a"),
    "avroSchemaUrl": Changes("$schema", of="SELECT 1 AS a"),
    "ignoreExtension": Changes("false", of="SELECT 1 AS a", schema="a int", suffix=".data"),
    "mode": Nothing("from_avro heeds it; a file has no malformed records that could be left out, in Spark neither."),
    "datetimeRebaseMode": Refused("LEGACY", text="", of="SELECT 1 AS a"),
    "positionalFieldMatching": Refused("true", text="", of="SELECT 1 AS a"),
    "enableStableIdentifiersForUnionType": Refused("true", text="", of="SELECT 1 AS a"),
    "stableIdentifierPrefixForUnionType": Nothing(
        "It goes with enableStableIdentifiersForUnionType, which is refused."
    ),
    "recursiveFieldMaxDepth": Refused("2", text="", of="SELECT 1 AS a"),
}

FILES: dict[str, Case] = {
    "pathGlobFilter": Changes("*.none", "x\n"),
    "recursiveFileLookup": Changes("true", "x\n"),
    "modifiedBefore": Changes("2001-01-01T00:00:00", "x\n"),
    "modifiedAfter": Changes("2099-01-01T00:00:00", "x\n"),
    "ignoreCorruptFiles": Changes("true", b"no gzip", suffix=".gz"),
    "ignoreMissingFiles": Nothing("see test_files_that_go"),
    "basePath": Changes("$parent", "x\n"),
    "path": Changes("$other", "x\n"),
}

CSV_WRITE: dict[str, Case] = {
    "sep": Changes(";", of="SELECT 1 AS a, 2 AS b"),
    "delimiter": Changes(";", of="SELECT 1 AS a, 2 AS b"),
    "extension": Changes("dat", of="SELECT 1 AS a"),
    "encoding": Changes("UTF-16", of="SELECT 'é' AS a"),
    "charset": Changes("UTF-16", of="SELECT 'é' AS a"),
    "quote": Changes("'", of="SELECT 'x,y' AS a"),
    "quoteAll": Changes("true", of="SELECT 'x' AS a"),
    "escape": Changes("!", of="SELECT 'x\",y' AS a"),
    "escapeQuotes": Changes("false", of="SELECT 'x\"y' AS a"),
    "header": Changes("true", of="SELECT 1 AS a"),
    "ignoreLeadingWhiteSpace": Changes("false", of="SELECT ' x' AS a"),
    "ignoreTrailingWhiteSpace": Changes("false", of="SELECT 'x ' AS a"),
    "nullValue": Changes("-", of="SELECT CAST(NULL AS STRING) AS a"),
    "dateFormat": Changes("dd.MM.yyyy", of="SELECT DATE'2024-01-31' AS a"),
    "timestampFormat": Changes("dd.MM.yyyy", of="SELECT TIMESTAMP'2024-01-31 00:00:00' AS a"),
    "timestampNTZFormat": Changes("dd.MM.yyyy", of="SELECT TIMESTAMP_NTZ'2024-01-31 00:00:00' AS a"),
    "charToEscapeQuoteEscaping": Changes("^", of="SELECT 'x!\",y' AS a", also={"escape": "!"}),
    "emptyValue": Changes("nothing", of="SELECT '' AS a"),
    "lineSep": Changes(";", of="SELECT 1 AS a"),
    "compression": Changes("gzip", of="SELECT 1 AS a"),
    "codec": Changes("gzip", of="SELECT 1 AS a"),
    "timeZone": Changes("Asia/Tokyo", of="SELECT TIMESTAMP'2024-01-31 00:00:00' AS a"),
    "locale": Refused("de-DE"),
}

JSON_WRITE: dict[str, Case] = {
    "timeZone": Changes("Asia/Tokyo", of="SELECT TIMESTAMP'2024-01-31 00:00:00' AS a"),
    "dateFormat": Changes("dd.MM.yyyy", of="SELECT DATE'2024-01-31' AS a"),
    "timestampFormat": Changes("dd.MM.yyyy", of="SELECT TIMESTAMP'2024-01-31 00:00:00' AS a"),
    "timestampNTZFormat": Changes("dd.MM.yyyy", of="SELECT TIMESTAMP_NTZ'2024-01-31 00:00:00' AS a"),
    "encoding": Changes("UTF-16", of="SELECT 'é' AS a"),
    "lineSep": Changes(";", of="SELECT 1 AS a"),
    "compression": Changes("gzip", of="SELECT 1 AS a"),
    "ignoreNullFields": Changes("false", of="SELECT CAST(NULL AS INT) AS a, 1 AS b"),
    "pretty": Refused("true"),
    "writeNonAsciiCharacterAsCodePoint": Changes("true", of="SELECT 'é' AS a"),
    "locale": Refused("de-DE"),
}

TEXT_WRITE: dict[str, Case] = {
    "lineSep": Changes(";", of="SELECT 'x' AS a"),
    "compression": Changes("gzip", of="SELECT 'x' AS a"),
    "encoding": Nothing("The text writer of Spark writes UTF-8 whatever it says."),
}

PARQUET_WRITE: dict[str, Case] = {"compression": Changes("gzip", of="SELECT 1 AS a")}
ORC_WRITE: dict[str, Case] = {"compression": Changes("none", of="SELECT 1 AS a")}

XML_WRITE: dict[str, Case] = {
    "rowTag": Changes("r", of="SELECT 1 AS a"),
    "rootTag": Changes("all", of="SELECT 1 AS a"),
    "declaration": Changes("version='1.1'", of="SELECT 1 AS a"),
    "arrayElementName": Changes("e", of="SELECT array(array(1)) AS a"),
    "nullValue": Changes("-", of="SELECT CAST(NULL AS INT) AS a"),
    "attributePrefix": Changes("at_", of="SELECT 1 AS at_a, 2 AS b"),
    "valueTag": Changes("b", of="SELECT named_struct('_x', 1, 'b', 2) AS a"),
    "encoding": Changes("UTF-16", of="SELECT 'é' AS a"),
    "timeZone": Changes("Asia/Tokyo", of="SELECT TIMESTAMP'2024-01-31 00:00:00' AS a"),
    "timestampFormat": Changes("dd.MM.yyyy", of="SELECT TIMESTAMP'2024-01-31 00:00:00' AS a"),
    "timestampNTZFormat": Changes("dd.MM.yyyy", of="SELECT TIMESTAMP_NTZ'2024-01-31 00:00:00' AS a"),
    "dateFormat": Changes("dd.MM.yyyy", of="SELECT DATE'2024-01-31' AS a"),
    "compression": Changes("gzip", of="SELECT 1 AS a"),
    "validateName": Changes("false", of="SELECT 1 AS `a b`"),  # by default an error
    "locale": Refused("de-DE"),
    "indent": Changes("  ", of="SELECT 1 AS a"),
}

AVRO_WRITE: dict[str, Case] = {
    "avroSchema": Changes('{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}', of="SELECT 1 AS a"),
    "recordName": Changes("r", of="SELECT 1 AS a"),
    "recordNamespace": Changes("n", of="SELECT 1 AS a"),
    "compression": Changes("uncompressed", of="SELECT 1 AS a"),
    "positionalFieldMatching": Refused("true"),
}  # fmt: skip

#: Every write to files.
WRITES: dict[str, Case] = {
    "maxRecordsPerFile": Refused("1"),
}

JDBC: dict[str, Case] = {
    "partitionColumn": Nothing(_PART, "a"),
    "fetchsize": Nothing(_PART, "1"),
    "batchsize": Nothing(_PART, "1"),
    **{f"pushDown{what}": Nothing(_PUSH, "false") for what in ("Predicate", "Aggregate", "Limit", "Offset")},
    "pushDownTableSample": Nothing(_PUSH, "false"),
    "numPartitions": Nothing(_PART, "2"),
    "keytab": Refused("x"),
    "principal": Refused("x"),
    "refreshKrb5Config": Refused("true"),
    "connectionProvider": Refused("x"),
    "hint": Refused("/*+ x */"),
    "queryTimeout": Refused("5"),
    "prepareQuery": Refused("WITH t AS (SELECT 1)"),
}

#: Those of JDBC that tests/connect/test_jdbc.py shows.
JDBC_ELSEWHERE = ("url", "dbtable", "query", "lowerBound", "upperBound", "truncate", "customSchema")

READ: dict[str, dict[str, Case]] = {
    "csv": CSV_READ, "json": JSON_READ, "text": TEXT_READ, "parquet": PARQUET_READ, "orc": ORC_READ, "xml": XML_READ,
    "avro": AVRO_READ,
}  # fmt: skip
WRITE: dict[str, dict[str, Case]] = {
    "csv": CSV_WRITE, "json": JSON_WRITE, "text": TEXT_WRITE, "parquet": PARQUET_WRITE, "orc": ORC_WRITE,
    "xml": XML_WRITE, "avro": AVRO_WRITE,
}  # fmt: skip
