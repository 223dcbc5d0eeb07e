//! What opening a file costs: a header and a footer, however long the file is.

use dk_data::{
    Database, Document, FieldDef, Query, Schema, Store, Type,
    backend::{
        file::{Export, Files, Options},
        memory::Memory,
    },
    document,
};

use crate::disk::Failing;

fn closed() -> Schema {
    Schema::new("people").field(FieldDef::new("n", Type::I64)).field(FieldDef::new("text", Type::Text))
}

fn people(records: i64) -> impl Store<Document> {
    let store = Memory::new().documents("people", closed()).expect("memory opens");
    // Texts that hardly compress, or a packed file would be short.
    let text = |n: i64| {
        (0..12).map(|at| format!("{:08x}", (n * 13 + at).wrapping_mul(2_654_435_761) as u32)).collect::<String>()
    };
    let rows = (0..records).map(|n| document! { "n" => n, "text" => text(n) });
    assert!(store.create_batch(rows).expect("memory takes them").iter().all(Result::is_ok));
    store
}

/// The bytes that are read of a file until its store is open, and its length.
fn opened(path: &std::path::Path, schema: Schema) -> (u64, u64) {
    let disk = Failing::never();
    let files = Files::open_file_on(disk.clone(), path, Options::default()).expect("it opens");
    let store = files.documents("people", schema).expect("it opens");
    let read = disk.bytes_read();
    assert!(read > 0 && store.first(Query::new()).expect("it reads").is_some());
    assert!(disk.bytes_read() > read, "what is read is counted");
    (read, std::fs::metadata(path).expect("it is there").len())
}

#[test]
fn opening_reads_no_more_of_a_long_file_than_of_a_short_one() {
    const SHORT: i64 = 600;
    const LONG: i64 = 40 * SHORT;
    // Of a row and a header; of a frame; of a footer, with the statistics of one row group and an entry for each page.
    let (line, frame, footer) = (8 << 10, 192 << 10, 64 << 10);
    let (short, long) = (people(SHORT), people(LONG));
    let names = [
        ("people.csv", line),
        ("people.tsv", line),
        ("people.jsonl", line),
        ("people.json", line),
        ("people.csv.gz", frame),
        ("people.jsonl.gz", frame),
        ("people.json.zst", frame),
        ("people.csv.zst", frame),
        #[cfg(feature = "parquet")]
        ("people.parquet", footer),
    ];
    assert!(footer > line);
    for (name, most) in names {
        let folder = crate::folder();
        let write = |store, kind: &str| {
            let path = folder.join(format!("{kind}-{name}"));
            Export::default().run(store, Query::new(), &path, |_| ()).expect("it is written");
            path
        };
        let (of_short, of_long) = (write(&short, "short"), write(&long, "long"));
        for schema in [closed(), Schema::open("people")] {
            let ((few, _), (many, length)) = (opened(&of_short, schema.clone()), opened(&of_long, schema));
            assert!(many <= most && many < length / 8, "{name}: {many} bytes of {length}, and {few} of the short one");
        }
    }
}
