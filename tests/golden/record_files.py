# ruff: noqa: E501
"""File cases: what real Spark reads from files with options, and the bytes that it writes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

Case = dict[str, Any]


def _case(
    form: str, text: str | bytes, schema: str | None = None, select: tuple[str, ...] = (), **options: str
) -> Case:
    return {"format": form, "text": text, "schema": schema, "select": select, "options": options}


_JSON = '{"a":1,"b":"x"}\n{"a":"bad","b":"y"}\n\n{"a":3\n{"a":4,"b":"z","c":[1]}\n'
_CSV = 'a,b,c\n1,x,2.5\nbad,y,1\n\n  \n3,"q,r",\n4,z\n5,w,1,extra\n'
_XML = '<?xml version="1.0"?>\n<rows>\n <row id="1"><a>1</a><b>x</b></row>\n <row><a>bad</a><b>y</b></row>\n <!-- <row><a>9</a></row> -->\n <row><a>3</a></row>\n</rows>\n'
_CORRUPT = "a INT, b STRING, _corrupt_record STRING"

FILES: dict[str, Case] = {
    # ------------------------------------------------------------ json
    "json plain": _case("json", _JSON, "a INT, b STRING"),
    "json corrupt": _case("json", _JSON, _CORRUPT),
    "json corrupt named": _case("json", _JSON, "a INT, b STRING, bad STRING", columnNameOfCorruptRecord="bad"),
    "json drop": _case("json", _JSON, "a INT, b STRING", mode="DROPMALFORMED"),
    "json drop pruned": _case("json", _JSON, "a INT, b STRING", ("b",), mode="DROPMALFORMED"),
    "json failfast": _case("json", _JSON, "a INT, b STRING", mode="FAILFAST"),
    "json infer": _case("json", _JSON),
    "json infer drop": _case("json", _JSON, mode="DROPMALFORMED"),
    "json infer failfast": _case("json", _JSON, mode="FAILFAST"),
    "json arrays": _case("json", '[{"a":1},{"a":2}]\n[]\n[{"a":"x"},{"a":4}]\n[1]\n', _CORRUPT),
    "json multiline": _case("json", '[{"a":1,\n"b":"x"},\n{"a":2}]', "a INT, b STRING", multiLine="true"),
    "json multiline object": _case("json", '{"a":1,\n"b":"x"}\n{"a":2}', "a INT, b STRING", multiLine="true"),
    "json multiline bad": _case("json", '{"a":1,\n"b":', _CORRUPT, multiLine="true"),
    "json multiline infer": _case("json", '[{"a":1,\n"b":"x"},\n{"a":2}]', multiLine="true"),
    "json duplicates": _case("json", '{"a":1,"a":2}\n{"b":"x","b":null}\n', "a INT, b STRING"),
    "json comments": _case("json", '/* c */ {"a":1} // d\n{"a":2}\n', "a INT", allowComments="true"),
    "json unquoted": _case("json", '{a:1}\n{"a":2}\n', "a INT", allowUnquotedFieldNames="true"),
    "json zeros": _case("json", '{"a":001}\n{"a":2}\n', "a INT", allowNumericLeadingZeros="true"),
    "json control": _case("json", '{"b":"x\ty"}\n', "b STRING", allowUnquotedControlChars="true"),
    "json backslash": _case("json", '{"b":"\\q\\$"}\n', "b STRING", allowBackslashEscapingAnyCharacter="true"),
    "json no single": _case("json", "{'a':1}\n{\"a\":2}\n", _CORRUPT, allowSingleQuotes="false"),
    "json no nan": _case("json", '{"c":NaN}\n{"c":"NaN"}\n{"c":1}\n', "c DOUBLE, _corrupt_record STRING", allowNonNumericNumbers="false"),
    "json strings": _case("json", '{"a":1,"b":true,"c":[1.5],"d":{"e":2}}\n', primitivesAsString="true"),
    "json decimals": _case("json", '{"a":1.25,"b":1e3,"c":7}\n{"a":100.5,"b":1,"c":8}\n', prefersDecimal="true"),
    "json big": _case("json", '{"a":12345678901234567890}\n{"a":1}\n'),
    "json nulls": _case("json", '{"a":null,"b":[],"c":{},"d":1,"e":[null],"f":""}\n'),
    "json drop nulls": _case("json", '{"a":null,"b":[],"c":{},"d":1,"e":[null],"f":""}\n', dropFieldIfAllNull="true"),
    "json timestamps": _case("json", '{"a":"2024-01-31T10:11:12"}\n', inferTimestamp="true"),
    "json linesep": _case("json", '{"a":1}|{"a":2}|', "a INT", lineSep="|"),
    "json latin": _case("json", '{"b":"\u00e9"}\n'.encode("latin-1"), "b STRING", encoding="ISO-8859-1"),
    "json utf16": _case("json", '{"b":"\u00e9"}\n'.encode("utf-16-le"), "b STRING", encoding="UTF-16LE", lineSep="\n"),
    "json zone": _case("json", '{"t":"2024-01-31 10:11:12"}\n', "t TIMESTAMP", timeZone="Asia/Tokyo"),
    "json dates": _case("json", '{"d":"31/01/2024"}\n{"d":"1/1/2024"}\n{"d":"2024-01-31"}\n', "d DATE, _corrupt_record STRING", dateFormat="dd/MM/yyyy"),
    "json ntz": _case("json", '{"t":"31/01/2024 10:11"}\n{"t":"x"}\n', "t TIMESTAMP_NTZ", timestampNTZFormat="dd/MM/yyyy HH:mm"),
    "json ratio": _case("json", '{"a":1}\n{"a":2}\n', samplingRatio="1.0"),
    "json conflict": _case("json", '{"a":1,"b":1,"c":{"x":1},"d":true}\n{"a":"x","b":1.5,"c":[1],"d":1}\n'),
    "json blanks": _case("json", ' {"a":1} \n   \n\t{"a":2}', "a INT"),
    "json crlf": _case("json", '{"a":1}\r\n{"a":2}\r\n', _CORRUPT),
    "json raw": _case("json", '{"b":{"x": 1.50,  "y":[1, 2]}}\n{"b":1.50}\n{"b":1E+2}\n', "b STRING"),
    "json gzip": _case("json", gzip.compress(b'{"a":1}\n{"a":2}\n', mtime=0), "a INT") | {"name": "x.json.gz"},
    # ------------------------------------------------------------ csv
    "csv plain": _case("csv", _CSV, "a INT, b STRING, c DOUBLE", header="true"),
    "csv corrupt": _case("csv", _CSV, "a INT, b STRING, c DOUBLE, _corrupt_record STRING", header="true"),
    "csv corrupt only some": _case("csv", _CSV, "a INT, b STRING, c DOUBLE, _corrupt_record STRING", ("b", "_corrupt_record"), header="true"),
    "csv drop": _case("csv", _CSV, "a INT, b STRING, c DOUBLE", header="true", mode="DROPMALFORMED"),
    "csv drop pruned": _case("csv", _CSV, "a INT, b STRING, c DOUBLE", ("b",), header="true", mode="DROPMALFORMED"),
    "csv drop unpruned": _case("csv", _CSV, "a INT, b STRING, c DOUBLE", ("b",), header="true", mode="DROPMALFORMED", columnPruning="false"),
    "csv failfast": _case("csv", _CSV, "a INT, b STRING, c DOUBLE", header="true", mode="FAILFAST"),
    "csv infer": _case("csv", _CSV, header="true", inferSchema="true"),
    "csv no header": _case("csv", "1,x\n2,y\n"),
    "csv quotes": _case("csv", '1,"a, ""q""",2\n2,"a \\"b\\"",3\n3,"x"y,4\n4,"unfinished,5\n', "a INT, b STRING, c STRING"),
    "csv torn": _case("csv", '1,"a\nb",2\n3,c,4\n', "a INT, b STRING, c STRING"),
    "csv multiline": _case("csv", '1,"a\nb",2\n3,c,4\n', "a INT, b STRING, c STRING", multiLine="true"),
    "csv multiline crlf": _case("csv", '1,"a\r\nb",2\r\n3,c,4\r\n', "a INT, b STRING, c STRING", multiLine="true"),
    "csv multiline header": _case("csv", 'a,"b\nc"\n1,2\n3,"4\n"\n', header="true", inferSchema="true", multiLine="true"),
    "csv sep": _case("csv", "1||x||2\n3||y|z||4\n", "a INT, b STRING, c INT", sep="||"),
    "csv tab": _case("csv", "1\tx\n2\ty\n", "a INT, b STRING", sep="\\t"),
    "csv comment": _case("csv", "#c\n1,x\n #d,y\n2,y\n", "a INT, b STRING", comment="#"),
    "csv nulls": _case("csv", '1,-\n-,""\n3,\n', "a INT, b STRING", nullValue="-"),
    "csv empties": _case("csv", '1,""\n2,\n', "a INT, b STRING", emptyValue="E"),
    "csv spaces": _case("csv", ' 1 , x \n2," y "\n', "a INT, b STRING", ignoreLeadingWhiteSpace="true", ignoreTrailingWhiteSpace="true"),
    "csv numbers": _case("csv", "NaN,Inf\n-Inf,nan\n1e3,1d\n 1,0x10\n", "a DOUBLE, b DOUBLE"),
    "csv words": _case("csv", "n,p\nm,1\n", "a DOUBLE, b DOUBLE", nanValue="n", positiveInf="p", negativeInf="m"),
    "csv decimals": _case("csv", "1.005\n12345.678\n\"1,000\"\nx\n", "a DECIMAL(6,2), _corrupt_record STRING"),
    "csv booleans": _case("csv", "true\nFALSE\n1\n", "a BOOLEAN"),
    "csv dates": _case("csv", "2024-01-31\n2024-1-3\n2024\n2024-01-31T10\nx\n", "a DATE, _corrupt_record STRING"),
    "csv date format": _case("csv", "31/01/2024\n1/1/2024\n2024-01-31\n", "a DATE, _corrupt_record STRING", dateFormat="dd/MM/yyyy"),
    "csv timestamps": _case("csv", "2024-01-31 10:11:12\n2024-01-31T10:11:12Z\n2024-01-31\nx\n", "a TIMESTAMP, _corrupt_record STRING"),
    "csv timestamp format": _case("csv", "31/01/2024 10:11\n1/1/2024 10:11\n2024-01-31 10:11:12\n", "a TIMESTAMP, _corrupt_record STRING", timestampFormat="dd/MM/yyyy HH:mm"),
    "csv infer types": _case("csv", "1,1.5,true,2024-01-31,2024-01-31 10:11:12,12345678901,12345678901234567890,x,\n2,2,false,2024-02-01,2024-01-31T10:11:12Z,1,1,1,\n", inferSchema="true"),
    "csv infer mixed": _case("csv", "2024-01-31,2024-01-31 10:11:12,1,1\n2024-01-31 10:11:12,2024-01-31,x,1.5\n", inferSchema="true"),
    "csv infer formats": _case("csv", "31/01/2024,31/01/2024 10:11\n", inferSchema="true", dateFormat="dd/MM/yyyy", timestampFormat="dd/MM/yyyy HH:mm"),
    "csv prefer no date": _case("csv", "2024-01-31\n", inferSchema="true", preferDate="false"),
    "csv header dups": _case("csv", "a,A,,b\n1,2,3,4\n", header="true"),
    "csv header blanks": _case("csv", "\n#x\n a ,\"b\"\n1,2\n", header="true", comment="#"),
    "csv enforce": _case("csv", "b,a\n1,2\n", "a INT, b INT", header="true", enforceSchema="false"),
    "csv enforce ok": _case("csv", "A,b\n1,2\n", "a INT, b INT", header="true", enforceSchema="false"),
    "csv linesep": _case("csv", "1,x|2,y|", "a INT, b STRING", lineSep="|"),
    "csv latin": _case("csv", "1,\u00e9\n".encode("latin-1"), "a INT, b STRING", encoding="ISO-8859-1"),
    "csv bom": _case("csv", "\ufeffa,b\n1,x\n".encode(), header="true"),
    "csv zone": _case("csv", "2024-01-31 10:11:12\n", "t TIMESTAMP", timeZone="Asia/Tokyo"),
    "csv columns": _case("csv", "1,2,3\n", "a INT, b INT, c INT", maxColumns="2"),
    "csv chars": _case("csv", "1,abcdef\n", "a INT, b STRING", maxCharsPerColumn="3"),
    "csv raise": _case("csv", '1,"x"y\n2,z\n', "a INT, b STRING, _corrupt_record STRING", unescapedQuoteHandling="RAISE_ERROR"),
    "csv escape quote": _case("csv", '1,"a ""q"" b"\n2,"c\\d"\n', "a INT, b STRING", escape='"'),
    "csv no quote": _case("csv", '1,"x"\n', "a INT, b STRING", quote=""),
    "csv gzip": _case("csv", gzip.compress(b"1,x\n2,y\n", mtime=0), "a INT, b STRING") | {"name": "x.csv.gz"},
    "csv ragged infer": _case("csv", "1,x\n2,y,z\n3\n", inferSchema="true"),
    "csv short": _case("csv", "1\n2,y\n", "a INT, b STRING, c INT"),
    # ------------------------------------------------------------ xml
    "xml infer": _case("xml", _XML, rowTag="row"),
    "xml plain": _case("xml", _XML, "a INT, b STRING, _id INT", rowTag="row"),
    "xml corrupt": _case("xml", _XML, _CORRUPT, rowTag="row"),
    "xml drop": _case("xml", _XML, "a INT, b STRING", rowTag="row", mode="DROPMALFORMED"),
    "xml failfast": _case("xml", _XML, "a INT, b STRING", rowTag="row", mode="FAILFAST"),
    "xml no tag": _case("xml", _XML, "a INT"),
    "xml nested": _case("xml", "<r><row><a><b>1</b><c x='2'>t</c></a><a><b>2</b></a></row><row><a><b>x</b></a></row></r>", rowTag="row"),
    "xml broken": _case("xml", "<r><row><a>1</a></row><row><a>2</row><row><a>3</a></row></r>", _CORRUPT, rowTag="row"),
    "xml self": _case("xml", "<r><row a='1'/><row a='2'></row></r>", rowTag="row"),
    "xml same name": _case("xml", "<r><row><row><a>1</a></row></row></r>", rowTag="row"),
    "xml no infer": _case("xml", _XML, rowTag="row", inferSchema="false"),
    "xml latin": _case("xml", "<r><row><b>\u00e9</b></row></r>".encode("latin-1"), "b STRING", rowTag="row", encoding="ISO-8859-1"),
    "xml dates": _case("xml", "<r><row><d>2024-01-31</d><t>2024-01-31T10:11:12Z</t><u>2024-01-31 10:11:12</u></row></r>", rowTag="row"),
    "xml date format": _case("xml", "<r><row><d>31/01/2024</d></row></r>", "d DATE", rowTag="row", dateFormat="dd/MM/yyyy"),
    "xml case": _case("xml", "<r><row><a>1</a><A>2</A></row></r>", rowTag="row"),
    "xml values": _case("xml", "<r><row>t<a>1</a>u</row><row><a>2</a></row></r>", rowTag="row"),
    "xml types": _case("xml", "<r><row><a>1</a><b>1.5</b><c>true</c><d>12345678901234567890</d><e>x</e><f></f></row><row><a>x</a><b>2</b><c>1</c></row></r>", rowTag="row"),
    # ------------------------------------------------------------ text
    "text plain": _case("text", "a\nb\r\nc\rd\n\ne"),
    "text linesep": _case("text", "a;b;;c", lineSep=";"),
    "text whole": _case("text", "a\nb\n", wholetext="true"),
    "text latin": _case("text", "\u00e9\n".encode("latin-1")),
    "text encoding": _case("text", "\u00e9\n".encode("latin-1"), encoding="ISO-8859-1"),
    "text ends": _case("text", "a\n\n"),
    "binary": _case("binaryFile", b"\x00\x01abc", select=("length", "content")),
    "metadata": _case("text", "ab\n", select=("value", "_metadata.file_name", "_metadata.file_size", "_metadata.file_block_start", "_metadata.file_block_length")),
}  # fmt: skip


def read_case(spark: Any, case: Case, directory: Path, render: Callable[[Any], Any]) -> Any:
    """The schema and the rows (sorted by their text) of one case."""
    text = case["text"]
    path = directory / case.get("name", "x.txt")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    reader = spark.read.format(case["format"]).options(**case["options"])
    if case["schema"] is not None:
        reader = reader.schema(case["schema"])
    frame = reader.load(str(path))
    if case["select"]:
        frame = frame.select(*case["select"])
    return {"schema": frame.schema.simpleString(), "rows": render([tuple(row) for row in frame.collect()])}


_ROW = (
    "SELECT 1 AS a, 'x' AS b, CAST(NULL AS STRING) AS n, 1.5D AS d, CAST(2.50 AS DECIMAL(5,2)) AS e, DATE'2024-01-31' AS f, "
    "TIMESTAMP'2024-01-31 10:11:12.123' AS g, TIMESTAMP_NTZ'2024-01-31 10:11:12' AS h, true AS i"
)
_NESTED = "SELECT array(1, NULL, 3) AS l, named_struct('p', 1, 'q', CAST(NULL AS STRING)) AS s, map('k', 1, 'j', NULL) AS m, array(named_struct('z', 1), NULL) AS o, X'0102' AS bi"
_TEXTS = "SELECT * FROM VALUES ('a,b'), ('q\"r'), (''), (NULL), (' sp '), ('x\\\\y'), ('#c'), ('l\\nm'), ('\\u00e9<&>') AS t(v)"
_DOUBLES = "SELECT * FROM VALUES (1e20D), (1e-5D), (double('NaN')), (double('Infinity')), (-0.0D), (100.0D) AS t(v)"

WRITES: dict[str, Case] = {
    f"{form} {name} {sorted(options.items())}": {"format": form, "sql": sql, "options": options}
    for form, name, sql, choices in (
        ("json", "row", _ROW, [{}, {"ignoreNullFields": "false"}, {"dateFormat": "dd/MM/yyyy", "timestampFormat": "yyyy-MM-dd HH:mm", "timestampNTZFormat": "HH:mm:ss"},
                              {"timeZone": "Asia/Tokyo"}, {"lineSep": "|"}, {"encoding": "UTF-16LE", "lineSep": "\n"}, {"pretty": "true"}]),
        ("json", "nested", _NESTED, [{}, {"ignoreNullFields": "false"}]),
        ("json", "texts", _TEXTS, [{}, {"writeNonAsciiCharacterAsCodePoint": "true"}]),
        ("json", "doubles", _DOUBLES, [{}]),
        ("csv", "row", _ROW, [{}, {"header": "true", "quoteAll": "true"}, {"nullValue": "-", "sep": ";"}, {"dateFormat": "dd/MM/yyyy", "timestampFormat": "yyyy-MM-dd HH:mm", "timestampNTZFormat": "HH:mm:ss"},
                             {"timeZone": "Asia/Tokyo"}, {"sep": "||"}, {"encoding": "UTF-16LE"}]),
        ("csv", "texts", _TEXTS, [{}, {"quote": "'"}, {"escape": "\""}, {"escapeQuotes": "false"}, {"quoteAll": "true"}, {"emptyValue": "E"}, {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"},
                                  {"comment": "#"}, {"charToEscapeQuoteEscaping": "!"}, {"lineSep": "|"}, {"quote": ""}]),
        ("csv", "doubles", _DOUBLES, [{}]),
        ("xml", "none", "SELECT 1 AS a", [{}]),
        ("xml", "row", _ROW, [{"rowTag": "r"}, {"rowTag": "r", "rootTag": "rs v='1'", "declaration": ""}, {"nullValue": "-", "rowTag": "r"}, {"indent": "", "rowTag": "r"},
                             {"dateFormat": "dd/MM/yyyy", "timestampFormat": "yyyy-MM-dd HH:mm", "rowTag": "r"}]),
        ("xml", "nested", "SELECT array(1, NULL, 3) AS l, named_struct('p', 1, 'q', CAST(NULL AS STRING)) AS s, map('k', 1, 'j', NULL) AS m, array(array(1, 2), array(3)) AS o", [{"rowTag": "r"}, {"rowTag": "r", "arrayElementName": "x"}]),
        ("xml", "attributes", "SELECT 1 AS _id, named_struct('_VALUE', 't', '_k', 2) AS s, 'v' AS b", [{"rowTag": "r"}, {"rowTag": "r", "attributePrefix": "@"}]),
        ("xml", "texts", _TEXTS, [{"rowTag": "r"}]),
        ("xml", "doubles", _DOUBLES, [{"rowTag": "r"}]),
        ("xml", "empty", "SELECT 1 AS a WHERE 1 = 0", [{"rowTag": "r"}]),
        ("to_json", "row", _ROW, [{}, {"ignoreNullFields": "false"}, {"dateFormat": "dd/MM/yyyy", "timestampFormat": "yyyy-MM-dd HH:mm", "timestampNTZFormat": "HH:mm:ss"}, {"timeZone": "Asia/Tokyo"}, {"pretty": "true"}]),
        ("to_json", "nested", _NESTED, [{}, {"ignoreNullFields": "false"}, {"pretty": "true"}]),
        ("to_json", "doubles", _DOUBLES, [{}]),
        ("to_json", "texts", _TEXTS, [{}, {"writeNonAsciiCharacterAsCodePoint": "true"}]),
        ("to_csv", "row", _ROW, [{}, {"sep": ";", "nullValue": "-"}, {"quoteAll": "true"}, {"dateFormat": "dd/MM/yyyy", "timestampFormat": "yyyy-MM-dd HH:mm", "timestampNTZFormat": "HH:mm:ss"}, {"timeZone": "Asia/Tokyo"}]),
        ("to_csv", "texts", _TEXTS, [{}, {"escapeQuotes": "false"}, {"emptyValue": "E"}, {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}, {"quote": "'"}]),
        ("to_csv", "doubles", _DOUBLES, [{}]),
        ("to_csv", "nested", "SELECT array(1, NULL, 3) AS l, named_struct('p', 1, 'q', CAST(NULL AS STRING)) AS s, map('k', 1) AS m, X'0102' AS bi", [{}]),
        ("to_xml", "row", _ROW, [{}, {"rowTag": "r"}, {"indent": ""}, {"nullValue": "-"}, {"dateFormat": "dd/MM/yyyy", "timestampFormat": "yyyy-MM-dd HH:mm"}]),
        ("to_xml", "nested", "SELECT array(1, NULL, 3) AS l, named_struct('p', 1, 'q', CAST(NULL AS STRING)) AS s, map('k', 1, 'j', NULL) AS m, array(array(1, 2), array(3)) AS o", [{}]),
        ("to_xml", "attributes", "SELECT 1 AS _id, named_struct('_VALUE', 't', '_k', 2) AS s, 'v' AS b", [{}]),
        ("to_xml", "texts", _TEXTS, [{}]),
        ("to_xml", "doubles", _DOUBLES, [{}]),
        ("text", "texts", "SELECT * FROM VALUES ('a'), (NULL), ('') AS t(v)", [{}, {"lineSep": "|"}]),
    )
    for options in choices
}  # fmt: skip


def write_case(spark: Any, case: Case, directory: Path) -> Any:
    """The one file that Spark writes, as latin-1 text; for a function, what it gives for every row."""
    if case["format"].startswith("to_"):
        from pyspark.sql import functions as F

        frame = spark.sql(case["sql"]).coalesce(1)
        return [row[0] for row in frame.select(getattr(F, case["format"])(F.struct("*"), case["options"])).collect()]
    target = directory / "out"
    spark.sql(case["sql"]).coalesce(1).write.format(case["format"]).options(**case["options"]).save(str(target))
    parts = sorted(path for path in target.iterdir() if path.name.startswith("part-"))
    return [path.read_bytes().decode("latin-1") for path in parts]
