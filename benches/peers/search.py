"""The search of `cargo bench --bench peers` in DuckDB and Polars, on the files that it wrote, with two threads each.

Not part of the tests. Needs the packages of `tests/foreign/requirements.txt`:

    cargo bench --features parquet --bench peers && python benches/peers/search.py target/bench/peers
"""

import os
import sys
import time

os.environ["POLARS_MAX_THREADS"] = "2"

import duckdb
import polars

folder = sys.argv[1] if len(sys.argv) > 1 else "target/bench/peers"
ROWS, ROUNDS, CITY = 1_000_000, 5, "Oslo"


def best(name, search):
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found, total = search()
        times.append(time.perf_counter() - start)
    print(f"{name}: {ROWS / min(times) / 1e6:.1f} M rows/s, {found} found, sum {total}")


connection = duckdb.connect()
connection.execute("set threads = 2")
readers = {
    "csv": ("read_csv('{}', header = true)", polars.scan_csv),
    "jsonl": ("read_json('{}', format = 'newline_delimited')", polars.scan_ndjson),
    "parquet": ("read_parquet('{}')", polars.scan_parquet),
}
for kind, (table, scan) in readers.items():
    path = os.path.join(folder, f"people.{kind}")
    source = table.format(path)

    def duck_whole():
        rows = connection.execute(f"select * from {source} where city = '{CITY}'").to_arrow_table()
        return rows.num_rows, sum(rows["age"].to_pylist())

    def polars_whole():
        rows = scan(path).filter(polars.col("city") == CITY).collect()
        return rows.height, rows["age"].sum()

    def polars_needed():
        return scan(path).filter(polars.col("city") == CITY).select(polars.len(), polars.col("age").sum()).collect().row(0)

    best(f"duckdb {kind}, all columns", duck_whole)
    best(f"duckdb {kind}, needed fields", lambda: connection.execute(f"select count(*), sum(age) from {source} where city = '{CITY}'").fetchone())
    best(f"polars {kind}, all columns", polars_whole)
    best(f"polars {kind}, needed fields", polars_needed)
