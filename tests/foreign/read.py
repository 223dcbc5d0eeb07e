"""Reads what was written here with pandas, pyarrow, DuckDB and Polars, and holds every value against what it should be.

`read.py FOLDER`: the folder holds the files, `ours.KIND…`, and `expected.json`: for each kind {"columns": [[name, type]],
"rows": [..]}, with a "key" where the rows are in the order of that column; under "dialects" how a file is punctuated that is not
as its kind is. One line for each reader and file; any difference ends the run with a status of 1.
"""

import datetime as dt
import decimal
import glob
import json
import os
import sys
import uuid
import warnings

import duckdb
import pandas
import polars
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from values import UTC, Json, plain, untagged

warnings.filterwarnings("ignore")


def table_rows(table):
    return [dict(zip(table.column_names, row)) for row in zip(*(column.to_pylist() for column in table.columns))]


def duck(query):
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def readers(path, dialect):
    """The readers that open a file of this name, and how. Those of which some do not unpack a format themselves get a stream of
    pyarrow's that does."""
    name = os.path.basename(path)
    kind = name.split(".")[1]
    packed = name.endswith((".gz", ".zst"))
    if kind == "parquet":
        yield "pyarrow", lambda: table_rows(pyarrow.parquet.read_table(path))
        yield "pandas", lambda: pandas.read_parquet(path).to_dict("records")
        yield "pandas, nullable", lambda: pandas.read_parquet(path, dtype_backend="pyarrow").to_dict("records")
        yield "duckdb", lambda: duck(f"select * from read_parquet('{path}')")
        yield "polars", lambda: polars.read_parquet(path).to_dicts()
    if kind in ("csv", "tsv"):
        yield from csv_readers(path, dialect.get("delimiter", "\t" if kind == "tsv" else ","), dialect.get("quote", '"'), dialect.get("null"))
    if kind == "jsonl":
        yield "pandas", lambda: pandas.read_json(path, lines=True, dtype=False, convert_dates=False, precise_float=True).to_dict("records")
        yield "duckdb", lambda: duck(f"select * from read_json('{path}', format = 'newline_delimited')")
        yield "polars", lambda: polars.read_ndjson(unpacked(path) if packed else path, infer_schema_length=None).to_dicts()
        yield "pyarrow", lambda: table_rows(pyarrow.json.read_json(pyarrow.input_stream(path)))
    if kind == "json":
        yield "pandas", lambda: pandas.read_json(path, dtype=False, convert_dates=False, precise_float=True).to_dict("records")
        yield "duckdb", lambda: duck(f"select * from read_json('{path}', format = 'array')")
        yield "polars", lambda: polars.read_json(unpacked(path) if packed else path, infer_schema_length=None).to_dicts()


def unpacked(path):
    with pyarrow.input_stream(path) as file:
        return file.read()


def csv_readers(path, delimiter, quote, null):
    """With a spelling of null, an empty cell is the empty text to each of them."""
    nulls = {"keep_default_na": False, "na_values": [null]} if null else {}
    yield "pandas", lambda: pandas.read_csv(path, sep=delimiter, quotechar=quote, dtype_backend="pyarrow", **nulls).to_dict("records")
    told = f", nullstr = '{null}'" if null else ""
    doubled = quote.replace("'", "''")
    yield "duckdb", lambda: duck(f"select * from read_csv('{path}', header = true, delim = '{delimiter}', quote = '{doubled}', escape = '{doubled}'{told})")
    nulls = {"null_values": [null], "empty_string_is_null": False} if null else {}
    yield "polars", lambda: polars.read_csv(path, separator=delimiter, quote_char=quote, infer_schema_length=None, **nulls).to_dicts()
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=quote, newlines_in_values=True)
    nulls = {"null_values": [null], "strings_can_be_null": True, "quoted_strings_can_be_null": False} if null else {}
    converting = pyarrow.csv.ConvertOptions(**nulls)
    yield "pyarrow", lambda: table_rows(pyarrow.csv.read_csv(path, parse_options=parsing, convert_options=converting))


def moment(v):
    if isinstance(v, str):
        v = dt.datetime.fromisoformat(v.replace("Z", "+00:00"))
    if isinstance(v, dt.datetime):
        return v if v.tzinfo else v.replace(tzinfo=UTC)
    return v


def lossy(wanted, found):
    """Plain pandas has no integers beside nulls: such a column is one of floats."""
    return isinstance(wanted, int) and isinstance(found, float) and float(wanted) == found


def same(wanted, found, ty, is_text, is_null_told=False):
    """Whether a value is the one that was written. Text formats have fewer types than we do: there a value of a type that
    the format lacks may come as its text."""
    if wanted in (None, "") and is_text and not is_null_told:
        return found in (None, "")
    if wanted is None or found is None:
        return wanted is None and found is None
    if ty == "json":
        return (json.loads(found) if isinstance(found, (str, bytes)) else found) == wanted.value
    if ty == "timestamp":
        return (is_text or isinstance(found, dt.datetime)) and moment(found) == wanted
    if ty == "date":
        found = found.date() if isinstance(found, dt.datetime) else found
        return found == wanted or (is_text and str(found)[:10] == wanted.isoformat())
    if ty == "decimal":
        return (is_text or isinstance(found, decimal.Decimal)) and decimal.Decimal(str(found)) == wanted
    if ty == "uuid":
        return (uuid.UUID(bytes=found) if isinstance(found, bytes) else uuid.UUID(str(found))) == wanted
    if ty == "bytes" and is_text:
        import base64
        return base64.b64decode(found) == wanted
    if ty in ("list", "record"):
        if is_text and isinstance(found, str):
            found = json.loads(found)
        if isinstance(wanted, dict) and isinstance(found, dict):
            names = set(wanted) | {name for name, v in found.items() if v is not None}
            return all(same(wanted.get(name), found.get(name), None, is_text) for name in names)
        if isinstance(wanted, list) and isinstance(found, (list, tuple)):
            return len(wanted) == len(found) and all(same(a, b, None, is_text) for a, b in zip(wanted, found))
        return False
    kinds = {"bool": bool, "text": str, "int": int, "float": float}
    if ty in kinds and not isinstance(found, kinds[ty]):
        return False
    if isinstance(wanted, dict) and isinstance(found, dict):
        return same(wanted, found, "record", is_text)
    if isinstance(wanted, list):
        return same(wanted, found, "list", is_text)
    if is_text and isinstance(wanted, str):
        return str(found) == wanted
    if is_text and isinstance(found, str) and isinstance(wanted, (int, float)):
        return type(wanted)(found) == wanted
    return found == wanted


def cell(row, name):
    """A field of a row; a record that is spread over columns (`home.city`) is gathered from them, and null where all are null
    or, to a reader that cannot tell them apart, empty."""
    if name in row:
        return plain(row[name])
    inside = {key[len(name) + 1:]: plain(v) for key, v in row.items() if key.startswith(name + ".")}
    return inside if any(v not in (None, "") for v in inside.values()) else None


def difference(expected, rows, is_text, is_null_told, reader):
    if len(rows) != len(expected["rows"]):
        return f"{len(rows)} rows, and there are {len(expected['rows'])}"
    if "key" in expected:
        rows = sorted(rows, key=lambda row: row[expected["key"]])
    for at, (wanted, found) in enumerate(zip(expected["rows"], rows)):
        for name, ty in expected["columns"]:
            value, seen = untagged(wanted.get(name)), cell(found, name)
            if isinstance(value, Json) and seen is None and value.value is None:
                continue
            if reader == "pandas" and lossy(value, seen):
                continue
            if not same(value, seen, ty, is_text, is_null_told):
                return f"row {at}, {name}: wanted {value!r}, found {seen!r} ({type(seen).__name__})"
    return None


def main(folder):
    failed = 0
    with open(os.path.join(folder, "expected.json")) as file:
        expected = json.load(file)
    for path in sorted(glob.glob(os.path.join(folder, "ours.*"))):
        base = os.path.basename(path)
        dialect = expected.get("dialects", {}).get(base, {})
        for name, read in readers(path, dialect):
            try:
                wanted = expected[base.split(".")[1]]
                wrong = difference(wanted, read(), ".parquet" not in path, "null" in dialect, name)
            except Exception as error:  # A reader that refuses our file is the finding.
                wrong = f"{type(error).__name__}: {error}"
            told = f"{base} by {name}"
            print(f"{told}: {wrong or 'equal'}")
            failed += wrong is not None
    sys.exit(1 if failed else 0)


main(sys.argv[1])
