# ruff: noqa: E501
"""Texts, schemas and options whose reading by real Spark is recorded in records.json.

FUNCTIONS: (function, text, schema, options); FILES: (name, format, files' contents, schema or None, options).
"""

from __future__ import annotations

import base64
import datetime
import decimal
from typing import Any

Options = dict[str, str]

_ALL = "a INT, b STRING, c DOUBLE, _corrupt_record STRING"
_TYPES = (
    "by TINYINT, sh SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, dec DECIMAL(6,2), bo BOOLEAN, s STRING, bi BINARY, "
    "da DATE, ts TIMESTAMP, ntz TIMESTAMP_NTZ"
)

_JSON_TEXTS = [
    '{"a":1,"b":"x","c":1.5}', '{"a":1,"a":2}', '{"a":"1"}', '{"a":1.0}', '{"a":null}', '{}', '', '   ', 'null', '1',
    '"x"', '[]', '[{"a":1}]', '[{"a":1},{"a":2}]', '{"a":1} trailing', '{"a":1}{"a":2}', '{"a":1', '{"a":', '{"a"',
    '{"a":1,}', '{"a":1,"b":tru}', '{"a":1,"b":true}', '{"b":1.50}', '{"b":{"x": 1,  "y":[1, 2]}}', '{"b":[1, "z"]}',
    "{'a':1,'b':'x'}", '{a:1}', '{"a":007}', '{"a":+1}', '{"c":NaN}', '{"c":"NaN"}', '{"c":Infinity}', '{"c":-INF}',
    '{"c":"-Infinity"}', '{"c":"+INF"}', '{"c":"INF"}', '{"c":"1.5"}', '{"c":""}', '{"b":""}', '{"a":3000000000}',
    '{"b":"a\\tb\\u0041\\n\\/"}', '{"b":"a\tb"}', '{"b":"\\q"}', '/* x */{"a":1}', '{"a":1 // c\n}', '{"A":1}',
    '{"a":1,"b":"x","c":"bad","d":5}', '{"c":1e400}', '{"c":1e5}', '{"a":1e2}', '{"a":-0}', '{"a":1,"b":"x"',
    '{"b":"\\ud83d\\ude00"}', '{"b":NaN}', '{"b":01}', 'x', '{"a":1;"b":"x"}', '{"b" : "x" , "a" : 5 }', '{"a":{"x":1}}',
    '{"a":[1]}', '{"x":{"a":5},"a":1}', '{"b":null,"b":"y"}', '{"a":1,"a":"bad"}', '\ufeff{"a":1}', '{"b":"unfinished',
]  # fmt: skip
_JSON_OPTIONS: list[Options] = [
    {}, {"mode": "FAILFAST"}, {"allowUnquotedFieldNames": "true"}, {"allowSingleQuotes": "false"},
    {"allowComments": "true"}, {"allowNumericLeadingZeros": "true"}, {"allowNonNumericNumbers": "false"},
    {"allowBackslashEscapingAnyCharacter": "true"}, {"allowUnquotedControlChars": "true"}, {"mode": "DROPMALFORMED"},
]  # fmt: skip
_NESTED = [
    ('{"m":{"k":1,"l":"x"}}', "m MAP<STRING,INT>"), ('{"m":{"k":1,"k":2}}', "m MAP<STRING,INT>"),
    ('{"m":{"k":1.50,"l":{"q": 1}}}', "m MAP<STRING,STRING>"), ('{"l":[1,null,3]}', "l ARRAY<INT>, z INT"),
    ('{"l":[1,"x",3],"z":4}', "l ARRAY<INT>, z INT"), ('{"l":[{"p":1},{"p":"x","q":2}],"z":4}', "l ARRAY<STRUCT<p:INT,q:INT>>, z INT"),
    ('{"s":{"p":"x","q":2},"z":4}', "s STRUCT<p:INT,q:INT>, z INT"), ('{"s":5,"z":4}', "s STRUCT<p:INT,q:INT>, z INT"),
    ('{"l":[[1],["x"],[2]],"z":4}', "l ARRAY<ARRAY<INT>>, z INT"), ('{"l":{"p":1},"z":4}', "l ARRAY<STRUCT<p:INT>>, z INT"),
    ('[1,2]', "ARRAY<INT>"), ('[1,"x"]', "ARRAY<INT>"), ('{"p":1}', "ARRAY<STRUCT<p:INT>>"), ('[{"p":1},{"p":"x"}]', "ARRAY<STRUCT<p:INT>>"),
    ('{"k":1}', "MAP<STRING,INT>"), ('{"k":"x"}', "MAP<STRING,INT>"), ('[1]', "MAP<STRING,INT>"), ('[null,{"p":2}]', "ARRAY<STRUCT<p:INT>>"),
    ('{"m":{"k":{"p":"x"},"j":{"p":1}}}', "m MAP<STRING,STRUCT<p:INT>>"), ('{"l":[1,2', "ARRAY<INT>"),
    ('{"v":null}', "v VOID, z INT"), ('{"l":[]}', "l ARRAY<STRING>"), ('{"l":[1, {"x" : 2}]}', "l ARRAY<STRING>"),
]  # fmt: skip
_SCALARS = [
    '{"by":127,"sh":32767,"i":1,"l":9223372036854775807}', '{"by":200}', '{"by":300}', '{"sh":40000}',
    '{"l":9223372036854775808}', '{"f":1.1,"d":1.1}', '{"f":1e39}', '{"dec":1.005}', '{"dec":"1,234.5"}', '{"dec":12345.678}',
    '{"dec":"x"}', '{"dec":1e2}', '{"bo":true,"s":true}', '{"bo":"true"}', '{"bi":"aGVsbG8="}', '{"bi":"aGVsbG8"}', '{"bi":"!"}',
    '{"da":"2024-01-31"}', '{"da":"2024-1-3"}', '{"da":"2024"}', '{"da":"2024-01-31T10:00:00"}', '{"da":19000}', '{"da":"19000"}',
    '{"da":""}', '{"da":"x"}', '{"ts":"2024-01-31 10:11:12.123456"}', '{"ts":"2024-01-31T10:11:12Z"}', '{"ts":"2024-01-31"}',
    '{"ts":1700000000}', '{"ts":"1700000000"}', '{"ts":"2024-01-31T10:11:12+05:30"}', '{"ts":"2024-01-31 10:11"}', '{"ts":"x"}',
    '{"ts":"10:11:12"}', '{"ts":1.5}', '{"ntz":"2024-01-31T10:11:12"}', '{"ntz":"2024-01-31T10:11:12Z"}', '{"ntz":"2024-01-31"}',
    '{"ts":"2024-01-31T10:11:12.1 Europe/Paris"}', '{"s":12345678901234567890.10}', '{"s":1E+2}', '{"da":" 2024-01-31 "}',
]  # fmt: skip
_FORMATS: list[tuple[str, str, str, Options]] = [
    ("from_json", '{"t":"%s"}', "t TIMESTAMP", {"timestampFormat": p})
    for p in ("dd/MM/yyyy HH:mm", "d/M/yyyy H:m", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "MMM d, yyyy h:mm a", "yyyyMMddHHmmss",
              "dd/MM/yyyy", "yy-MM-dd HH:mm:ss.SSSSSS", "yyyy-MM-dd HH:mm:ss VV", "EEE, dd MMM yyyy HH:mm:ss Z")
]  # fmt: skip
_TIMES = ["31/01/2024 10:11", "1/2/2024 1:2", "2024-01-31T10:11:12", "2024-01-31T10:11:12.123+02:00", "Jan 5, 2024 3:04 PM",
          "20240131101112", "31/02/2024", "28/02/2024", "24-01-31 10:11:12.123456", "2024-01-31 10:11:12 Europe/Paris",
          "Wed, 31 Jan 2024 10:11:12 +0000", "2024-01-31 10:11:12"]  # fmt: skip

_CSV_TEXTS = [
    '1,x,1.5', '1,"x,y",2', '1,"a, ""q""",2', '1,"a \\"q\\" b",2', '1,x', '1', '1,x,2,extra', '', ' ', 'bad,x,1', '1,,', '1,"",3',
    ' 1 , x , 2 ', '1,"x"y,2', '1,"x" ,2', '1, "x",2', '1,x"y,2', '1,"unfinished', "1,'x,y',2", '1,a\\,b,2', '1,"a\\\\",2',
    '1,"a\\nb",2', '#1,x,2', '1,NaN,NaN', '1,x,Inf', '1,x,-Inf', '1,x,Infinity', '1,x,1d', '1,x, 2', '+1,x,2', '1.0,x,2',
    '1,null,2', '-,x,-', '1,"x\ny",2', '"1","x","2"', '1,"a""b",2', '1,"""a""",2', '1,"",""', ',,', '1,\u00e9,2', '1,x,1e3', '1;x;2',
    '1||x||2', '1\tx\t2', '1,"a\\"',
]  # fmt: skip
_CSV_OPTIONS: list[Options] = [
    {}, {"mode": "FAILFAST"}, {"mode": "DROPMALFORMED"}, {"sep": ";"}, {"sep": "||"}, {"sep": "\\t"}, {"quote": "'"},
    {"quote": ""}, {"escape": '"'}, {"comment": "#"}, {"nullValue": "-"}, {"nullValue": "null"}, {"emptyValue": "E"},
    {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"}, {"nanValue": "-", "positiveInf": "Infinity"},
    {"unescapedQuoteHandling": "STOP_AT_CLOSING_QUOTE"}, {"unescapedQuoteHandling": "BACK_TO_DELIMITER"},
    {"unescapedQuoteHandling": "SKIP_VALUE"}, {"unescapedQuoteHandling": "RAISE_ERROR"}, {"charToEscapeQuoteEscaping": "\\"},
    {"maxColumns": "2"}, {"maxCharsPerColumn": "3"},
]  # fmt: skip

_XML_TEXTS = [
    "<p><a>1</a><b>x</b><c>1.5</c></p>", "<p a='1'><b>x</b></p>", "<p><a>bad</a><b>x</b></p>", "<p><a/><b/></p>", "<p></p>", "<p/>",
    "", "x", "<p><a>1</a>", "<p><a> 1 </a><b> x </b></p>", "<p><b><i>1</i>t</b></p>", "<p><b>x<!-- c -->y</b></p>",
    "<p><b><![CDATA[<q>]]></b></p>", "<p><b>&lt;&amp;&#65;</b></p>", "<p><a>1</a><a>2</a></p>", "<p>text</p>", "<p><A>1</A></p>",
    "<p><c>+1.5</c><a>-3</a></p>", "<p><x><a>5</a></x><a>1</a></p>", "<?xml version='1.0'?><p><a>1</a></p>", "<p><a>1</b></p>",
    "<p><n:a>1</n:a></p>", "<p><a>1</a></p><p><a>2</a></p>", "<p><b x='1'>t</b></p>",
]  # fmt: skip
_XML_NESTED = [
    ("<p><s><q>1</q><r>x</r></s></p>", "s STRUCT<q:INT,r:STRING>"), ("<p><l>1</l><l>2</l></p>", "l ARRAY<INT>"),
    ("<p><l><q>1</q></l><l><q>2</q></l></p>", "l ARRAY<STRUCT<q:INT>>"), ("<p><s k='7'>t</s></p>", "s STRUCT<_VALUE:STRING,_k:INT>"),
    ("<p id='3'>5</p>", "_id INT, _VALUE INT"), ("<p><m><k>1</k><j>2</j></m></p>", "m MAP<STRING,INT>"), ("<p><l/></p>", "l ARRAY<STRING>"),
    ("<p><s><q>bad</q><r>x</r></s></p>", "s STRUCT<q:INT,r:STRING>"), ("<p><l>1</l><l>x</l></p>", "l ARRAY<INT>"),
    ("<p>a<b>1</b>c</p>", "_VALUE ARRAY<STRING>, b INT"), ("<p><d>2024-01-31</d><t>2024-01-31T10:11:12Z</t><x>true</x><y>1</y></p>", "d DATE, t TIMESTAMP, x BOOLEAN, y BOOLEAN"),
    ("<p><e>1.005</e><g>12345.678</g></p>", "e DECIMAL(6,2), g DECIMAL(6,2)"), ("<p><s><q>1</q></s></p>", "s STRING"), ("<p><z>1</z><q><w>2</w></q></p>", "z INT, xs_any STRING"),
]  # fmt: skip
_XML_OPTIONS: list[Options] = [
    {}, {"mode": "FAILFAST"}, {"attributePrefix": "@"}, {"excludeAttribute": "true"}, {"ignoreSurroundingSpaces": "true"},
    {"ignoreNamespace": "true"}, {"nullValue": ""}, {"nullValue": "x"},
]  # fmt: skip

_JSON_INFER = [
    '{"a":1}', '{"a":1.5,"b":"x","c":true,"d":null,"e":[1,2.5],"f":{"g":1}}', '{"a":12345678901234567890}', '{"a":[]}', '{"a":{}}', '{"a":""}',
    '[{"a":1},{"b":"x"}]', '[1,"x"]', '{"a":[{"x":1},{"y":"z"}]}', '{"b":1,"a":2}', '{"a":01}', "{'a':1}", '{"a":1.23456789012345678901}', '1', '"x"',
    '{"a":"2024-01-31T10:11:12"}', '{"a":"1.5"}', '{"a":[1,"x"]}', '{"a":[[1],[2.5]]}', '{"a":1e5}', '{"a":[true,1]}', '{"a":NaN}', '{"a":[null,{"b":null}]}',
]  # fmt: skip
_JSON_INFER_OPTIONS: list[Options] = [{}, {"primitivesAsString": "true"}, {"prefersDecimal": "true"}, {"inferTimestamp": "true"},
                                      {"dropFieldIfAllNull": "true"}, {"allowNumericLeadingZeros": "true"}]  # fmt: skip
_CSV_INFER = [
    "1,x",
    "1,2.5,true,2024-01-31,2024-01-31 10:11:12",
    "12345678901,12345678901234567890,1e3",
    "NaN,Inf,-Inf",
    '"1","",',
    "a;b",
    "2024-01-31T10:11:12Z",
    "1.0,+5,-0",
    "007,1_0",
]
_CSV_INFER_OPTIONS: list[Options] = [
    {},
    {"sep": ";"},
    {"preferDate": "false"},
    {"inferSchema": "false"},
    {"dateFormat": "dd/MM/yyyy"},
]
_XML_INFER = ["<p><a>1</a><b>x</b></p>", "<p a='1'>t</p>", "<p><a>1</a><a>2.5</a></p>", "<p><a x='1'>2</a></p>", "<p><a><b>1</b></a><a><c>2</c></a></p>", "<p><d>2024-01-31</d><t>2024-01-31T10:11:12Z</t><z>true</z></p>",
              "<p><a/></p>", "<p>1</p>", "<p><a>12345678901234567890</a></p>", "<p>a<b>1</b>c</p>", "<p><a> 1 </a></p>", "<p><A>1</A><a>2</a></p>"]  # fmt: skip
_XML_INFER_OPTIONS: list[Options] = [
    {},
    {"excludeAttribute": "true"},
    {"attributePrefix": "@"},
    {"valueTag": "v"},
    {"inferSchema": "false"},
]

FUNCTIONS: list[tuple[str, str, str, Options]] = [
    *(("from_json", text, _ALL, options) for text in _JSON_TEXTS for options in _JSON_OPTIONS),
    *(("from_json", text, "a INT, b STRING", {}) for text in _JSON_TEXTS),
    *(("from_json", text, schema, {}) for text, schema in _NESTED),
    *(("from_json", text, _TYPES, {}) for text in _SCALARS),
    *((name, text % value, schema, options) for name, text, schema, options in _FORMATS for value in _TIMES),
    *(("from_json", f'{{"t":"{value}"}}', "t DATE", {"dateFormat": p}) for value in _TIMES for p in ("dd/MM/yyyy", "d/M/yyyy")),
    *(("from_csv", text, _ALL, options) for text in _CSV_TEXTS for options in _CSV_OPTIONS),
    *(("from_csv", text, "a INT, b STRING", {}) for text in _CSV_TEXTS),
    *(("from_xml", text, "a INT, b STRING, c DOUBLE, _corrupt_record STRING", options) for text in _XML_TEXTS for options in _XML_OPTIONS),
    *(("from_xml", text, schema, {}) for text, schema in _XML_NESTED),
    *(("schema_of_json", text, "", options) for text in _JSON_INFER for options in _JSON_INFER_OPTIONS),
    *(("schema_of_csv", text, "", options) for text in _CSV_INFER for options in _CSV_INFER_OPTIONS),
    *(("schema_of_xml", text, "", options) for text in _XML_INFER for options in _XML_INFER_OPTIONS),
]  # fmt: skip


def render(value: Any) -> Any:
    """A collected value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [render(one) for one in value]
    if isinstance(value, dict):
        return {"map": sorted(([render(k), render(v)] for k, v in value.items()), key=str)}
    if isinstance(value, bytes | bytearray):
        return "base64:" + base64.b64encode(bytes(value)).decode()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, decimal.Decimal | datetime.date | datetime.datetime):
        return str(value)
    return value
