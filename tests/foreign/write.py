"""Writes files with pandas, pyarrow, DuckDB and Polars, with what they hold beside them.

`write.py FOLDER`: for each file `NAME` there is `NAME.expected`, one JSON object with tags a line.
"""

import datetime as dt
import decimal
import json
import os
import sys
import uuid

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from values import UTC, Json, tagged

D = decimal.Decimal
folder = sys.argv[1]


def expect(name, columns):
    """What a file holds: columns of Python values."""
    names = list(columns)
    with open(os.path.join(folder, name + ".expected"), "w") as file:
        for row in zip(*columns.values()):
            file.write(json.dumps({n: tagged(v) for n, v in zip(names, row) if v is not None}) + "\n")
    return os.path.join(folder, name)


moments = [dt.datetime(1970, 1, 1, 0, 0, 1, 500000, UTC), None, dt.datetime(2262, 1, 1, tzinfo=UTC), dt.datetime(1900, 5, 6, 7, 8, 9, 10000, UTC)]
scalars = {
    "flag": ([True, None, False, True], pa.bool_()),
    "i8": ([-128, None, 0, 127], pa.int8()),
    "i16": ([-32768, None, 0, 32767], pa.int16()),
    "i32": ([-(2**31), None, 0, 2**31 - 1], pa.int32()),
    "i64": ([-(2**63), None, 2**53 + 1, 2**63 - 1], pa.int64()),
    "u8": ([0, None, 1, 255], pa.uint8()),
    "u16": ([0, None, 1, 65535], pa.uint16()),
    "u32": ([0, None, 1, 2**32 - 1], pa.uint32()),
    "u64": ([0, None, 1, 2**64 - 1], pa.uint64()),
    "f16": ([0.5, None, -2.0, 65504.0], pa.float16()),
    "f32": ([0.5, None, -1.5, 2.0**100], pa.float32()),
    "f64": ([0.1, None, -1e308, 5e-324], pa.float64()),
    "text": (["", None, "åß😀", "a\r\nb"], pa.string()),
    "large": (["", None, "x", "y"], pa.large_string()),
    "bytes": ([b"", None, b"\x00\xff", b"a"], pa.binary()),
    "fixed": ([b"abc", None, b"\x00\x00\x00", b"xyz"], pa.binary(3)),
    "day": ([dt.date(1, 1, 1), None, dt.date(9999, 12, 31), dt.date(1970, 1, 1)], pa.date32()),
    "ms": (moments, pa.timestamp("ms", "UTC")),
    "us": (moments, pa.timestamp("us", "Europe/Oslo")),
    "ns": (moments, pa.timestamp("ns")),
    "seconds": ([m and m.replace(microsecond=0) for m in moments], pa.timestamp("s")),
    "time": ([dt.time(12, 34, 56), None, dt.time(0, 0, 0, 1000), dt.time(23, 59, 59)], pa.time32("ms")),
    "time64": ([dt.time(12, 34, 56, 1), None, dt.time(0), dt.time(23, 59, 59)], pa.time64("us")),
    "dec9": ([D("1.10"), None, D("-99999.99"), D("0.01")], pa.decimal128(9, 2)),
    "dec18": ([D("1.10"), None, D("-1"), D("9999999999.99999999")], pa.decimal128(18, 8)),
    "dec38": ([D("1.10"), None, D("12345678901234567890.123456"), D("0")], pa.decimal128(38, 10)),
    "dec76": ([D("1.10"), None, D("-0.0000000000000000000000000001"), D("0")], pa.decimal256(76, 28)),
    "named": (["x", None, "y", "x"], pa.dictionary(pa.int32(), pa.string())),
    "void": ([None] * 4, pa.null()),
}
nested = {
    "list": ([[1, 2], None, [], [3]], pa.list_(pa.int32())),
    "texts": ([["a", ""], None, [], ["b"]], pa.large_list(pa.string())),
    "fixed_list": ([[1.5, 2.5], None, [0.0, 1.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "home": ([{"city": "Oslo", "zip": 1}, None, {"city": None, "zip": None}, {"city": "", "zip": 2}], pa.struct([("city", pa.string()), ("zip", pa.int16())])),
    "deep": ([{"in": {"x": 1.5}}, None, {"in": None}, {"in": {"x": None}}], pa.struct([("in", pa.struct([("x", pa.float64())]))])),
    "pets": ([[{"name": "Rex"}], None, [], [{"name": "a"}, {"name": "b"}]], pa.list_(pa.struct([("name", pa.string())]))),
    "map": ([[("a", 1), ("b", None)], None, [], [("c", 3)]], pa.map_(pa.string(), pa.int64())),
    "lists": ([[[1], []], None, [], [[2, 3]]], pa.list_(pa.list_(pa.int64()))),
}


def held(name, values):
    """How a value of a nested column is read: maps and lists of lists as JSON."""
    if name == "map":
        return [v if v is None else Json(dict(v)) for v in values]
    if name == "lists":
        return [v if v is None else Json(v) for v in values]
    return values


def table(columns, repeat=1):
    arrays = {name: pa.array(values * repeat, ty) for name, (values, ty) in columns.items()}
    return pa.table(arrays), {name: held(name, values * repeat) for name, (values, _) in columns.items()}


def by_pyarrow(name, columns, repeat=1, **options):
    arrow, values = table(columns, repeat)
    pyarrow.parquet.write_table(arrow, expect(f"pyarrow-{name}.parquet", values), **options)


everything = scalars | nested
for codec in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
    by_pyarrow(codec, everything, compression=codec)
for page in ["1.0", "2.0"]:
    for dictionary in [True, False]:
        by_pyarrow(f"page-{page}-dictionary-{dictionary}", everything, repeat=500, data_page_version=page, use_dictionary=dictionary, data_page_size=512, row_group_size=700)
by_pyarrow("without-statistics", everything, write_statistics=False)
by_pyarrow("checksums-and-page-index", everything, repeat=100, write_page_checksum=True, write_page_index=True, data_page_size=256)
by_pyarrow("version-1", {n: c for n, c in scalars.items() if n not in ("ns", "us")}, version="1.0")
by_pyarrow("int96", {"ns": (moments, pa.timestamp("ns")), "us": (moments, pa.timestamp("us", "UTC"))}, use_deprecated_int96_timestamps=True)
by_pyarrow("decimals-as-integers", {n: scalars[n] for n in ("dec9", "dec18", "dec38")}, store_decimal_as_integer=True)
by_pyarrow("bloom-less-large-group", {n: scalars[n] for n in ("i64", "text", "f64")}, repeat=50_000)
encodings = {"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "large": "DELTA_LENGTH_BYTE_ARRAY", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT", "flag": "RLE", "fixed": "BYTE_STREAM_SPLIT"}
by_pyarrow("deltas", {n: scalars[n] for n in encodings}, repeat=300, use_dictionary=False, column_encoding=encodings, data_page_version="2.0")
uuids = [uuid.UUID(int=0), None, uuid.UUID(int=2**128 - 1), uuid.UUID(int=12345)]
arrow = pa.table({"id": pa.array([u and u.bytes for u in uuids], pa.binary(16)).cast(pa.uuid()) if hasattr(pa, "uuid") else pa.array([str(u) for u in uuids])})
pyarrow.parquet.write_table(arrow, expect("pyarrow-uuid.parquet", {"id": uuids}))

# ---- pandas
frame = pandas.DataFrame({"n": [1.0, None, 3.0], "i": [1, 2, 3], "text": ["a", None, ""], "at": pandas.to_datetime(["2020-01-01", None, "2021-02-03T04:05:06.789"], format="ISO8601"), "kind": pandas.Categorical(["x", "y", "x"])})
values = {"n": [1.0, None, 3.0], "i": [1, 2, 3], "text": ["a", None, ""], "at": [dt.datetime(2020, 1, 1), None, dt.datetime(2021, 2, 3, 4, 5, 6, 789000)], "kind": ["x", "y", "x"]}
frame.to_parquet(expect("pandas.parquet", values))
frame.to_csv(expect("pandas.csv", {n: [v or None if n == "text" else v for v in column] for n, column in values.items() if n != "at"}), columns=["n", "i", "text", "kind"], index=False)
for suffix in ["jsonl", "json"]:
    columns = {n: values[n] for n in ("n", "i", "text")}
    frame[list(columns)].to_json(expect(f"pandas.{suffix}", columns), orient="records", lines=suffix == "jsonl")

# ---- DuckDB
with duckdb.connect() as connection:
    connection.execute("set timezone = 'UTC'")
    select = """select * from (values
        (1::tinyint, 1::utinyint, 2::bigint, 18446744073709551615::ubigint, 1.5::float, 0.1::double, 'a', true, '\\x00\\xFF'::blob,
         date '2020-01-02', timestamp '2020-01-02 03:04:05.000006', timestamptz '2020-01-02 03:04:05+00', time '12:34:56.5',
         uuid '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 1.10::decimal(9, 2), 12345678901234567890.5::decimal(38, 2), [1, 2], {'city': 'Oslo', 'zip': 1}, map {'k': 1}),
        (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null))
        t(i8, u8, i64, u64, f32, f64, text, flag, bytes, day, "at", atz, "time", id, dec9, dec38, list, home, "map")"""
    values = {
        "i8": [1, None], "u8": [1, None], "i64": [2, None], "u64": [2**64 - 1, None], "f32": [1.5, None], "f64": [0.1, None], "text": ["a", None],
        "flag": [True, None], "bytes": [b"\x00\xff", None], "day": [dt.date(2020, 1, 2), None], "at": [dt.datetime(2020, 1, 2, 3, 4, 5, 6), None],
        "atz": [dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), None], "time": [dt.time(12, 34, 56, 500000), None],
        "id": [uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), None], "dec9": [D("1.10"), None], "dec38": [D("12345678901234567890.5"), None],
        "list": [[1, 2], None], "home": [{"city": "Oslo", "zip": 1}, None], "map": [Json({"k": 1}), None],
    }
    for codec in ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"]:
        for version in ["v1", "v2"]:
            path = expect(f"duckdb-{codec}-{version}.parquet", values)
            connection.execute(f"copy ({select}) to '{path}' (format parquet, codec '{codec}', parquet_version {version})")
    columns = {n: values[n] for n in ("i8", "i64", "u64", "f64", "flag", "day")} | {"text": ["a,\"\nb", None]}
    path = expect("duckdb.csv", columns)
    connection.execute(f"copy (select i8, i64, u64, f64, flag, day, text || ',\"' || chr(10) || 'b' as text from ({select})) to '{path}' (format csv, header)")
    columns.pop("day")
    path = expect("duckdb.jsonl", columns)
    connection.execute(f"copy (select i8, i64, u64, f64, flag, text || ',\"' || chr(10) || 'b' as text from ({select})) to '{path}' (format json)")

# ---- Polars
values = {
    "i8": [-1, None], "u64": [2**64 - 1, None], "f64": [0.1, None], "text": ["å", None], "flag": [True, None], "bytes": [b"\x00", None], "day": [dt.date(2020, 1, 2), None],
    "at": [dt.datetime(2020, 1, 2, 3, 4, 5, 6), None], "time": [dt.time(12, 34, 56), None], "dec": [D("1.10"), None], "kind": ["x", None],
    "list": [["a", "b"], None], "home": [{"city": "Oslo", "zip": 1}, None],
}
schema = {
    "i8": polars.Int8, "u64": polars.UInt64, "f64": polars.Float64, "text": polars.String, "flag": polars.Boolean, "bytes": polars.Binary, "day": polars.Date,
    "at": polars.Datetime("us"), "time": polars.Time, "dec": polars.Decimal(10, 2), "kind": polars.Categorical, "list": polars.List(polars.String),
    "home": polars.Struct({"city": polars.String, "zip": polars.Int32}),
}
frame = polars.DataFrame(values, schema=schema)
for codec in ["uncompressed", "snappy", "gzip", "zstd", "lz4", "brotli"]:
    frame.write_parquet(expect(f"polars-{codec}.parquet", values), compression=codec)
frame.write_parquet(expect("polars-without-statistics.parquet", values), statistics=False)
few = ["i8", "u64", "f64", "text", "flag", "day"]
frame.select(few).write_csv(expect("polars.csv", {n: values[n] for n in few}))
few.remove("day")
frame.select(few).write_ndjson(expect("polars.jsonl", {n: values[n] for n in few}))
