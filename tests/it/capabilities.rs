//! The page of what engines can do beyond the core is what the compiler says, and an engine says the same of itself at run time.

use std::fmt::Write;

use dk_data::{
    Aggregating, AnyDatabase, Database, Document, Searching, Split, Transactional,
    backend::{file::Files, memory::Memory, postgres::Postgres},
    capability::{Aggregates, Caps, Engine, FullText, OwnCode, Provides, Regex},
};

const PAGE: &str = include_str!("../../src/docs/capabilities.md");

/// The answer where nothing goes before it.
trait Otherwise {
    fn answer(&self) -> bool {
        false
    }
}

/// Whether a type has a trait: the method of the type itself is there only with the trait, and then goes before the trait's.
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        struct Asked<T>(std::marker::PhantomData<T>);
        impl<T> Otherwise for Asked<T> {}
        #[allow(dead_code, reason = "called only where the type has the trait")]
        impl<T: $($bound)+> Asked<T> {
            fn answer(&self) -> bool {
                true
            }
        }
        Asked::<$type>(std::marker::PhantomData).answer()
    }};
}

/// What the compiler says of a database, and what its engine says of itself.
struct Column {
    title: &'static str,
    says: Caps,
    provides: Vec<(Caps, bool)>,
    families: [(&'static str, bool); 4],
}

macro_rules! column {
    ($title:literal, $database:ty) => {{
        type E = <$database as Database>::Engine;
        type S = <$database as Database>::Store<Document>;
        Column {
            title: $title,
            says: <E as Engine>::PROVIDES,
            provides: vec![
                (Caps::OWN_CODE, has!(E: Provides<OwnCode>)),
                (Caps::REGEX, has!(E: Provides<Regex>)),
                (Caps::AGGREGATES, has!(E: Provides<Aggregates>)),
                (Caps::FULL_TEXT, has!(E: Provides<FullText>)),
            ],
            families: [
                ("`Aggregating`", has!(S: Aggregating<Document>)),
                ("`Searching`", has!(S: Searching<Document>)),
                ("`Split`", has!(S: Split<Document>)),
                ("`Transactional`", has!($database: Transactional)),
            ],
        }
    }};
}

fn columns() -> [Column; 4] {
    [
        column!("memory", Memory),
        column!("files", Files),
        column!("PostgreSQL", Postgres),
        column!("chosen at run time", AnyDatabase),
    ]
}

fn mark(has: bool) -> &'static str {
    if has { "yes" } else { "no" }
}

/// The table of the page.
fn table(columns: &[Column]) -> String {
    let mut table = "| |".to_owned();
    columns.iter().for_each(|column| write!(table, " {} |", column.title).expect("a string grows"));
    table.push_str("\n|---|");
    columns.iter().for_each(|_| table.push_str("---|"));
    for (row, (cap, _)) in columns[0].provides.iter().enumerate() {
        write!(table, "\n| {} |", cap.names().collect::<String>()).expect("a string grows");
        columns.iter().for_each(|c| write!(table, " {} |", mark(c.provides[row].1)).expect("a string grows"));
    }
    for (row, (family, _)) in columns[0].families.iter().enumerate() {
        write!(table, "\n| {family} |").expect("a string grows");
        columns.iter().for_each(|c| write!(table, " {} |", mark(c.families[row].1)).expect("a string grows"));
    }
    table
}

#[test]
fn an_engine_says_of_itself_what_the_compiler_says() {
    for column in columns() {
        for (cap, provided) in &column.provides {
            let names: Vec<_> = cap.names().collect();
            assert_eq!(cap.within(column.says), *provided, "{}: {names:?}", column.title);
        }
        let listed: Vec<_> = column.provides.iter().flat_map(|(cap, _)| cap.names()).collect();
        assert_eq!(listed, Caps::ALL.names().collect::<Vec<_>>(), "every capability is asked for");
    }
}

#[test]
fn the_page_shows_what_the_compiler_says() {
    let table = table(&columns());
    assert!(PAGE.contains(&table), "the table of src/docs/capabilities.md should be\n\n{table}\n");
}

/// A type that has a trait, and one that has it not: the question can be answered either way.
#[test]
fn the_compiler_can_say_no() {
    assert!(has!(String: Clone) && !has!(std::sync::Mutex<String>: Clone));
}
