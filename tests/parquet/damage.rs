//! Damaged files: an error or the same records, and never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dk_data::{Document, ErrorKind, FieldDef, Schema, Type, document, format::parquet::Parquet};

use super::round_trip::{every_type, extremes, written};

fn read(bytes: Vec<u8>, schema: &Schema) -> Result<Vec<Document>, dk_data::Error> {
    Parquet::open(bytes)?.documents(schema.clone())?.collect()
}

/// Reads, with a panic as a failure that names the damage.
fn survives(bytes: Vec<u8>, schema: &Schema, damage: &str) -> Option<Vec<Document>> {
    let read = catch_unwind(AssertUnwindSafe(|| read(bytes, schema)));
    read.unwrap_or_else(|_| panic!("a panic came through: {damage}")).ok()
}

#[test]
fn every_flipped_byte_is_an_error_or_changes_nothing() {
    let (schema, all) = (every_type(), extremes());
    let bytes = written(&Parquet::default().row_group_rows(30), &schema, &all);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Some(found) = survives(damaged, &schema, &format!("byte {at}")) {
            assert_eq!(found, all, "byte {at} of {}", bytes.len());
        }
    }
}

#[test]
fn a_file_that_was_cut_off_is_an_error() {
    let (schema, all) = (every_type(), extremes());
    let bytes = written(&Parquet::default(), &schema, &all);
    for end in (0..bytes.len()).step_by(7) {
        let error = read(bytes[..end].to_vec(), &schema).expect_err("it is not whole");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "cut at {end}");
    }
    for (lead, text) in [("text", "name,age\nAnn,40\n"), ("nothing", "")] {
        assert_eq!(read(text.into(), &schema).map_err(|e| e.kind()), Err(ErrorKind::Corrupt), "{lead}");
    }
}

#[test]
fn damage_is_reported_with_its_row_group_and_column() {
    let schema = Schema::new("t").field(FieldDef::new("a", Type::I64)).field(FieldDef::new("b", Type::Text));
    let all: Vec<_> = (0..100_000_i64)
        .map(|n| document! { "a" => n * n % 7_919, "b" => format!("{:x}", n * 2_654_435_761) })
        .collect();
    let mut bytes = written(&Parquet::default().row_group_rows(50_000), &schema, &all);
    // The last pages are those of `b` in the second row group.
    let at = bytes.len() * 9 / 10;
    bytes[at] ^= 1;
    let file = Parquet::open(bytes).expect("the footer is whole");
    let rows: Vec<_> = file.documents(schema).expect("it fits").collect();
    let errors: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    assert!(
        !errors.is_empty() && rows.len() > 50_000,
        "what is whole is read: {} rows, {} errors",
        rows.len(),
        errors.len()
    );
    for error in errors {
        assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::Corrupt, Some("b")), "{error}");
        assert!(error.message().contains("row group 1") && error.message().contains("checksum"), "{error}");
    }
}

/// Files of other makers carry no checksums: nothing tells that a value is another one, but nothing may panic either.
#[test]
fn damage_in_files_without_checksums_never_panics() {
    for (name, bytes) in super::foreign::files() {
        let file = Parquet::open(bytes.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let schema = file.schema("t").unwrap_or_else(|e| panic!("{name}: {e}"));
        for at in 0..bytes.len() {
            for bit in [1, 128] {
                let mut damaged = bytes.clone();
                damaged[at] ^= bit;
                survives(damaged, &schema, &format!("{name}, byte {at}, bit {bit}"));
            }
        }
        for end in (0..bytes.len()).step_by(5) {
            assert!(survives(bytes[..end].to_vec(), &schema, &format!("{name}, cut at {end}")).is_none());
        }
    }
}
