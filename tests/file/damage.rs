//! Bytes that were changed or cut behind a store's back: it says so, drops nothing, overwrites nothing, and what is whole is
//! salvaged.

use std::{collections::BTreeMap, fmt::Debug, path::Path};

use dk_data::{
    Aggregating, Changes, Database, Document, Draft, Error, ErrorKind, Filter, Query, Schema, Store, Stored,
    backend::{
        file::{Export, FileStore, Salvaged, salvage},
        memory::Memory,
    },
    document,
    query::aggregate::Count,
};

use crate::{disk::Unsynced, faults::open};

/// A store with records in base and journal.
fn mixed(path: &Path) -> BTreeMap<String, i64> {
    let store = open(Unsynced, path).expect("it opens");
    let mut all = BTreeMap::new();
    for n in 0..6_i64 {
        store.create(Draft::of(document! { "n" => n }).id(format!("r{n}")).expect("an id")).expect("it is created");
        all.insert(format!("r{n}"), n);
        if n == 2 {
            store.checkpoint().expect("it is put into the base");
        }
    }
    // As a killed process leaves it.
    std::mem::forget(store);
    all
}

/// Copies the files of a store to another place, where no handle of this process knows them.
fn copied(from: &Path, change: impl FnOnce(&Path)) -> std::path::PathBuf {
    let to = crate::folder().join(from.file_name().expect("a name"));
    for suffix in ["", ".journal"] {
        let with = |path: &Path| std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(with(from), with(&to)).expect("it is copied");
    }
    change(&to);
    to
}

fn journal(path: &Path) -> std::path::PathBuf {
    std::path::PathBuf::from(format!("{}.journal", path.display()))
}

fn read_all(path: &Path) -> Result<BTreeMap<String, i64>, Error> {
    let store = open(Unsynced, path)?;
    let rows = store.stream(Query::new())?;
    let rows =
        rows.map(|row| row.map(|row| (row.storage_id().to_string(), row.record["n"].as_int().unwrap_or(-1) as i64)));
    let all = rows.collect();
    std::mem::forget(store);
    all
}

type Opened = FileStore<Document, Unsynced>;

/// Files with checksums of their own.
const SUMMED: &[&str] = &["people.csv.zst", "people.jsonl.gz"];

/// The numbers of what was salvaged, in its order.
fn numbers(saved: &Salvaged) -> Vec<usize> {
    let number = |row: &Stored<Document>| row.record["n"].as_int().expect("a number") as usize;
    saved.records.iter().map(number).collect()
}

/// The records are among those of the whole file, in its order, and each loss says where it is.
#[track_caller]
fn is_part_of(saved: &Salvaged, whole: &Salvaged, path: &Path, what: &str) {
    let numbers = numbers(saved);
    let same = numbers.iter().zip(&saved.records).all(|(n, row)| whole.records[*n].record == row.record);
    assert!(same && numbers.is_sorted(), "{what}: none is another");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let told = saved.losses.iter().all(|loss| loss.place().url.as_ref().is_some_and(|url| url.contains(name)));
    assert!(told && !saved.losses.is_empty(), "{what}: {:?}", saved.losses);
}

/// Records in several frames, of texts that hardly compress.
fn long(path: &Path, records: usize) {
    let memory = Memory::new().documents("people", Schema::open("people")).expect("it opens");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let drafts = (0..records).map(|n| {
        let mut text = String::new();
        for _ in 0..12 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text.push_str(&format!("{random:016x}"));
        }
        Draft::of(document! { "n" => n as u64, "text" => text }).id(format!("{n:06}")).expect("an id")
    });
    assert!(memory.create_batch(drafts).expect("it writes").iter().all(Result::is_ok));
    Export::default().run(&memory, Query::new().limit(1_000_000), path, |_| ()).expect("it is exported");
}

#[test]
fn what_is_behind_the_damage_is_salvaged_where_frames_begin() {
    let names = SUMMED.iter().chain(&["people.json.gz", "people.csv.gz", "people.jsonl.zst"]);
    for name in names {
        let path = crate::folder().join(name);
        long(&path, 5_000);
        let bytes = std::fs::read(&path).expect("it is there");
        let whole = salvage(&path, Schema::open("people")).expect("it reads");
        assert_eq!((numbers(&whole), whole.losses.len()), ((0..5_000).collect(), 0), "{name}");
        for (at, first) in [(bytes.len() / 2, true), (500, false), (bytes.len() * 9 / 10, true)] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 16;
            std::fs::write(&path, &bytes).expect("it is written");
            let saved = salvage(&path, Schema::open("people")).expect("it reads");
            // The header of CSV, which says what cells are, is in the first frame.
            let told = first || !name.contains("csv");
            let least = if told { 5_000 - 2 * 1_024 } else { 0 };
            assert!((least..5_000).contains(&saved.records.len()), "{name}, byte {at}: {}", saved.records.len());
            is_part_of(&saved, &whole, &path, &format!("{name}, byte {at}"));
        }
    }
}

/// A row is not handed out before the checksum of its frame was seen, be it the first of a search that ends with it.
#[test]
fn semantics_7_3_no_row_of_a_damaged_frame_is_handed_out() {
    for name in ["people.jsonl.gz", "people.csv.zst"] {
        let path = crate::folder().join(name);
        long(&path, 5_000);
        let mut bytes = std::fs::read(&path).expect("it is there");
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
        // A member of gzip ends with its checksum and its length, a frame of zstd, of which the table at the end tells, with the
        // checksum; the first one is empty and marks the file.
        let told = |nth: usize| number(bytes.len() - 9 - 8 * (number(bytes.len() - 9) - nth));
        let (begin, checksum) = match name.ends_with("gz") {
            true => (0, number(16) - 8),
            false => (told(0), told(0) + told(1) - 4),
        };
        bytes[checksum] ^= 1;
        std::fs::write(&path, &bytes).expect("it is written");
        let first = open(Unsynced, &path).and_then(|store| store.search(Query::new().limit(1)));
        let first = first.expect_err("the frame of the first row is damaged");
        assert_eq!(first.kind(), ErrorKind::Corrupt, "{first}");
        assert!(first.to_string().contains(&format!("byte {begin} of the file is damaged")), "{first}");
    }
}

/// A file that another tool has packed: one frame, with its checksum at the end.
fn packed(path: &Path, text: &[u8], level: i32) {
    use std::io::Write;
    let file = std::fs::File::create(path).expect("the folder is ours");
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::new(level as u32));
        out.write_all(text).and_then(|()| out.finish()).expect("it is written");
    } else {
        let mut out = zstd::Encoder::new(file, level).expect("memory");
        out.include_checksum(true).expect("it can");
        out.write_all(text).and_then(|()| out.finish()).expect("it is written");
    }
}

/// What a verb answers, of a store that has read nothing yet; nothing where it tells of the damage.
fn told<T: Debug>(path: &Path, verb: impl FnOnce(&Opened) -> dk_data::Result<T>) -> Option<String> {
    match open(Unsynced, path).and_then(|store| verb(&store)) {
        Ok(answer) => Some(format!("{answer:?}")),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            None
        }
    }
}

/// What each of the verbs that read answers.
fn answers(path: &Path, filter: &Filter) -> [Option<String>; 10] {
    let query = |store: &Opened| filter.clone().bind::<Document>(store.schema());
    [
        told(path, |store| store.exists(query(store)?)),
        told(path, |store| store.count(query(store)?)),
        told(path, |store| store.count(Query::new().filter(query(store)?).limit(2))),
        told(path, |store| store.count(Query::new())),
        told(path, |store| store.search(query(store)?)),
        told(path, |store| store.search(Query::new().limit(1))),
        told(path, |store| store.first(query(store)?)),
        told(path, |store| store.read("000001")),
        told(path, |store| store.stream(query(store)?)?.collect::<dk_data::Result<Vec<_>>>()),
        told(path, |store| store.aggregate(query(store)?, Count)),
    ]
}

/// Every answer is an error, or what it is of the whole file; says how many are errors.
fn right_or_told(path: &Path, bytes: &[u8], filter: &Filter, whole: &[Option<String>], what: &str) -> usize {
    std::fs::write(path, bytes).expect("it is written");
    let found = answers(path, filter);
    for (verb, (found, whole)) in found.iter().zip(whole).enumerate() {
        assert!(found.is_none() || found == whole, "{what}, verb {verb}: {found:?}, and it is {whole:?}");
    }
    assert!(std::fs::read(path).expect("it is there") == bytes, "{what}: the file is as it was");
    found.iter().filter(|answer| answer.is_none()).count()
}

/// What is wrong with one frame shows at its end: nothing that was found in front of it is believed before. Only a stream gives
/// rows until then, and ends with the error.
#[test]
fn semantics_7_3_of_a_damaged_file_of_another_maker_no_verb_gives_a_wrong_answer() {
    for (name, level) in [("people.csv.gz", 0), ("people.jsonl.gz", 6), ("people.json.zst", 1), ("people.csv.zst", 3)] {
        let path = crate::folder().join(name);
        let plain = path.with_extension("");
        long(&plain, 4_000);
        let text = std::fs::read(&plain).expect("it is there");
        packed(&path, &text, level);
        let (bytes, first) = (std::fs::read(&path).expect("it is there"), Filter::eq("n", 1));
        let whole = answers(&path, &first);
        assert!(whole.iter().all(Option::is_some), "{name}: {whole:?}");
        let places = (0..9).map(|part| 20 + bytes.len() * part / 9).chain([bytes.len() - 5, bytes.len() - 1]);
        let mut errors = 0;
        for at in places {
            let mut bytes = bytes.clone();
            bytes[at] ^= 16;
            errors += right_or_told(&path, &bytes, &first, &whole, &format!("{name}, byte {at}"));
        }
        assert!(errors >= 100, "{name}: {errors} errors");
        errors = right_or_told(&path, &bytes[..bytes.len() - 6], &first, &whole, &format!("{name}, cut"));
        assert_eq!(errors, 10, "{name}: a cut is told by each");
    }
}

/// The text of gzip's level 0 is not packed, so that a changed byte is another record, which reads well.
#[test]
fn semantics_7_3_a_record_that_the_checksum_does_not_bear_out_is_not_found() {
    for name in ["people.csv.gz", "people.jsonl.gz", "people.json.gz"] {
        let path = crate::folder().join(name);
        let plain = path.with_extension("");
        long(&plain, 4_000);
        packed(&path, &std::fs::read(&plain).expect("it is there"), 0);
        let changed = Filter::starts_with("text", "#");
        let whole = answers(&path, &changed);
        assert_eq!(whole[0].as_deref(), Some("false"), "{name}");
        let first =
            open(Unsynced, &path).and_then(|store| store.read("000000")).expect("it reads").expect("it is there");
        let text = first.record["text"].as_text().expect("a text").to_owned();
        let mut bytes = std::fs::read(&path).expect("it is there");
        let place = bytes.windows(64).position(|window| window == &text.as_bytes()[..64]).expect("as it stands");
        bytes[place] = b'#';
        assert_eq!(right_or_told(&path, &bytes, &changed, &whole, name), 10, "{name}: each has read to the end");
        let store = open(Unsynced, &path).expect("it opens");
        let rows: Vec<_> = store.stream(Query::new()).expect("it starts").collect();
        assert!(
            rows.len() > 1 && rows.last().is_some_and(Result::is_err),
            "{name}: the rows, and the error behind them"
        );
        store.create(document! { "n" => 1 }).expect("the journal takes it");
        let changed = changed.bind::<Document>(store.schema()).expect("it fits");
        for refused in [
            store.update_where(changed.clone(), Changes::set("n", 7)),
            store.delete_where(changed),
            store.checkpoint().map(|()| 0),
        ] {
            assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::Corrupt), "{name}");
        }
        drop(store);
        assert!(std::fs::read(&path).expect("it is there") == bytes, "{name}: the file is as it was");
    }
}

#[test]
#[cfg(feature = "parquet")]
fn of_a_damaged_parquet_file_the_other_pages_are_salvaged() {
    const RECORDS: usize = 40_000;
    let path = crate::folder().join("people.parquet");
    long(&path, RECORDS);
    let bytes = std::fs::read(&path).expect("it is there");
    let whole = salvage(&path, Schema::open("people")).expect("it reads");
    assert_eq!((numbers(&whole), whole.losses.len()), ((0..RECORDS).collect(), 0));
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().expect("four bytes")) as usize;
    let index = bytes.len() - 8 - footer - 10;
    let of_rows = RECORDS - 16_384..RECORDS;
    for (at, what, found, told) in [
        (bytes.len() / 2, "the texts of some rows", of_rows, "to"),
        // In the same 64 KiB, which have one checksum, are all ids: they compress well.
        (2, "the beginning", 0..1, "begin with"),
        (index, "the page index", RECORDS..RECORDS + 1, "page indexes"),
        (bytes.len() - 20, "the footer", 0..1, "footer"),
    ] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 16;
        std::fs::write(&path, &bytes).expect("it is written");
        let saved = salvage(&path, Schema::open("people")).expect("it reads");
        assert!(found.contains(&saved.records.len()), "{what}: {} records, {:?}", saved.records.len(), saved.losses);
        is_part_of(&saved, &whole, &path, what);
        assert!(saved.losses.iter().any(|loss| loss.to_string().contains(told)), "{what}: {:?}", saved.losses);
    }
}

#[test]
#[cfg(feature = "parquet")]
fn semantics_7_3_damage_of_a_parquet_file_is_told_and_nothing_is_dropped_or_overwritten() {
    damaged_anywhere("people.parquet", 7);
}

#[test]
fn semantics_7_3_damage_anywhere_is_told_and_nothing_is_dropped_or_overwritten() {
    damaged_anywhere("people.jsonl", 1);
}

#[test]
fn semantics_7_3_damage_of_a_compressed_file_is_told_and_nothing_is_dropped_or_overwritten() {
    SUMMED.iter().for_each(|name| damaged_anywhere(name, 11));
}

/// Changes one byte in so many, and cuts.
fn damaged_anywhere(name: &str, every: usize) {
    let path = crate::folder().join(name);
    let all = mixed(&path);
    assert_eq!(read_all(&copied(&path, |_| ())).expect("a copy opens"), all);
    let length = |path: &Path| std::fs::metadata(path).expect("it is there").len();
    for target in [journal as fn(&Path) -> std::path::PathBuf, Path::to_path_buf] {
        let bytes = std::fs::read(target(&path)).expect("it is there");
        let written = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        for at in (0..written).step_by(every) {
            let damaged = copied(&path, |copy| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 7);
                std::fs::write(target(copy), bytes).expect("it is written");
            });
            let before =
                (std::fs::read(&damaged).expect("it is there"), std::fs::read(journal(&damaged)).expect("it is there"));
            match read_all(&damaged) {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                    assert!(error.place().url.is_some(), "byte {at}: {error}");
                }
                Ok(found) => panic!("byte {at} of {} was changed, and {found:?} was read", target(&damaged).display()),
            }
            let after =
                (std::fs::read(&damaged).expect("it is there"), std::fs::read(journal(&damaged)).expect("it is there"));
            assert!(before == after, "byte {at}: the files are as they were");
            let _ = std::fs::remove_dir_all(damaged.parent().expect("a folder"));
        }
        for cut in (0..length(&target(&path))).step_by(61) {
            let damaged = copied(&path, |copy| {
                std::fs::OpenOptions::new()
                    .write(true)
                    .open(target(copy))
                    .and_then(|file| file.set_len(cut))
                    .expect("it is cut");
            });
            let error = read_all(&damaged).expect_err("a cut is told");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "cut to {cut}: {error}");
            let _ = std::fs::remove_dir_all(damaged.parent().expect("a folder"));
        }
    }
}

/// What is read of a file that has no journal, with other bytes in it.
fn changed(path: &Path, bytes: &[u8], what: &str) -> Option<BTreeMap<String, i64>> {
    let copy = crate::folder().join(path.file_name().expect("a name"));
    std::fs::write(&copy, bytes).expect("it is written");
    let read = open(Unsynced, &copy).and_then(|store| {
        let number = |row: Stored<Document>| row.record["n"].as_int().map(|n| n as i64);
        let rows = store.stream(Query::new())?;
        rows.map(|row| row.map(|row| (row.storage_id().to_string(), number(row).unwrap_or(-1)))).collect()
    });
    assert!(std::fs::read(&copy).expect("it is there") == bytes, "{what}: the file is as it was");
    let _ = std::fs::remove_dir_all(copy.parent().expect("a folder"));
    match read {
        Ok(found) => Some(found),
        Err(error) => {
            // Of half a row of text, what is left of a cell may be no value.
            assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid), "{what}: {error}");
            assert!(error.place().url.is_some(), "{what}: {error}");
            None
        }
    }
}

/// Of a file alone it is the format that tells: what is read of a damaged one is all of it, or an error.
#[test]
fn semantics_7_3_damage_of_a_file_without_a_journal_is_told_or_is_none() {
    let names = [("people.csv.zst", 1), ("people.jsonl.gz", 1), ("people.json", 0), ("people.parquet", 11)];
    for (name, every) in names {
        if cfg!(not(feature = "parquet")) && name.ends_with(".parquet") {
            continue;
        }
        let path = crate::folder().join(name);
        let (all, bytes) = closed(&path);
        let mut told = 0;
        let flips = (0..bytes.len()).step_by(every.max(1)).filter(|_| every > 0);
        for at in flips.clone() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 7);
            let what = format!("{name}, byte {at}");
            match changed(&path, &damaged, &what) {
                Some(found) => assert_eq!(found, all, "{what}"),
                None => told += 1,
            }
        }
        assert!(told * 2 >= flips.count(), "{name}: {told}");
        for cut in (0..bytes.len()).step_by(every.max(1)) {
            let what = format!("{name}, cut to {cut}");
            if let Some(found) = changed(&path, &bytes[..cut], &what) {
                assert_eq!(found, all, "{what}");
            }
        }
    }
}

/// Text has no end of its own: what is cut off is gone, as if it had been edited, and no record is another.
#[test]
fn semantics_7_3_text_that_is_cut_anywhere_gives_no_record_that_was_not_there() {
    for name in ["people.csv", "people.tsv", "people.jsonl"] {
        let path = crate::folder().join(name);
        let (all, bytes) = closed(&path);
        for cut in 0..bytes.len() {
            let what = format!("{name}, cut to {cut}");
            let found = changed(&path, &bytes[..cut], &what).unwrap_or_default();
            assert!(found.iter().all(|(id, n)| all.get(id) == Some(n)), "{what}: {found:?}");
        }
    }
}

/// A store that was closed: its records, and the bytes of its file.
fn closed(path: &Path) -> (BTreeMap<String, i64>, Vec<u8>) {
    let store = open(Unsynced, path).expect("it opens");
    let mut all = BTreeMap::new();
    for n in 0..6_i64 {
        store.create(Draft::of(document! { "n" => n }).id(format!("r{n}")).expect("an id")).expect("it is created");
        all.insert(format!("r{n}"), n);
    }
    drop(store);
    (all, std::fs::read(path).expect("it is there"))
}

#[test]
fn what_is_whole_is_salvaged_and_the_rest_is_listed() {
    let path = crate::folder().join("people.jsonl");
    let all = mixed(&path);
    let schema = || Schema::open("people");
    let whole = salvage(&path, schema()).expect("it reads");
    assert_eq!((whole.records.len(), whole.losses.len(), whole.journal_writes), (all.len(), 0, 3));
    let bytes = std::fs::read(journal(&path)).expect("it is there");
    let place = bytes.windows(7).position(|window| window == br#"{"n":4}"#).expect("the fifth record");
    let damaged = copied(&path, |copy| {
        let mut bytes = bytes.clone();
        bytes[place + 2] ^= 4;
        std::fs::write(journal(copy), bytes).expect("it is written");
    });
    assert!(read_all(&damaged).is_err());
    let saved = salvage(&damaged, schema()).expect("it reads");
    let ids: Vec<String> = saved.records.iter().map(|row| row.storage_id().to_string()).collect();
    assert_eq!(ids, ["r0", "r1", "r2", "r3", "r5"]);
    assert_eq!(saved.losses.len(), 1, "{:?}", saved.losses);
}

#[test]
fn a_file_that_changed_under_its_journal_is_neither_merged_nor_overwritten() {
    let path = crate::folder().join("people.jsonl");
    mixed(&path);
    let changed = copied(&path, |copy| std::fs::write(copy, "{\"n\":7}\n").expect("another tool writes"));
    let error = read_all(&changed).expect_err("which of them is right is not known");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("changed by something else"), "{error}");
    assert_eq!(std::fs::read_to_string(&changed).expect("it is there"), "{\"n\":7}\n");
}
