//! Regular expressions run in the server and mean what the `regex` crate means: compared with memory, text by text.

use std::collections::BTreeSet;

use dk_data::{
    Database, Document, Emulate, ErrorKind, FieldDef, Filter, Query, Record, Schema, Store, Type,
    backend::{memory::Memory, postgres::Layout},
    document,
    layer::Budget,
};

use crate::server::Scratch;

/// Texts on which the two languages could differ.
const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "ab",
    "abc",
    "aab",
    "ABC",
    "aBc",
    "x",
    "abcabc",
    " ",
    "a b",
    "a\tb",
    "a\nb",
    "\n",
    "a\n",
    "\na",
    "a\r\nb",
    "\r\n",
    "a\rb",
    "line one\nline two\n",
    "1",
    "12",
    "a1",
    "1a",
    "٣",
    "৪2",
    "_",
    "a_b",
    "-",
    "a-b",
    ".",
    "a.b",
    "axb",
    "a*b",
    "a+b",
    "(a)",
    "[a]",
    "a\\b",
    "^a$",
    "{2}",
    "a{2}",
    "aa",
    "aaa",
    "aaaa",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ẞ",
    "ss",
    "ſ",
    "s",
    "S",
    "k",
    "K",
    "\u{212a}",
    "ı",
    "İ",
    "i",
    "I",
    "Σ",
    "σ",
    "ς",
    "日本語",
    "日本 語",
    "😀",
    "a😀b",
    "👩‍👧",
    "\u{a0}",
    "\u{2028}",
    "a\u{85}b",
    "\u{feff}",
    "\u{200d}",
    "\u{1}",
    "\u{7f}",
    "\u{10ffff}",
    "Ⅷ",
    "ǅ",
    "ₐ",
    "na\u{ef}ve caf\u{e9}",
    "foo bar-baz",
    "the cat sat",
    "2024-01-31",
    "ann@example.org",
    "#x?y",
    "a|b",
    "'\"",
];

const PATTERNS: &[&str] = &[
    "",
    "a",
    "abc",
    "^a",
    "a$",
    "^a$",
    "^$",
    r"\Aa\z",
    "(?m)^a",
    "(?m)b$",
    "(?m)^$",
    "(?R)(?m)b$",
    "(?Rm)^b",
    "(?Rm)a$",
    "(?Rm)^$",
    ".",
    "a.b",
    "(?s)a.b",
    "^.$",
    "^..$",
    r"\d",
    r"^\d+$",
    r"\D",
    r"\w",
    r"^\w+$",
    r"\W",
    r"\s",
    r"^\S+$",
    r"(?-u)\d",
    r"(?-u:\w)",
    r"(?-u:\s)",
    r"\ba",
    r"a\b",
    r"\bcat\b",
    r"\B",
    r"\Ba",
    r"(?-u:\b)é",
    r"\b日",
    r"\b{start}a",
    r"b\b{end}",
    r"\b{start-half}a",
    r"b\b{end-half}",
    r"(?-u:\b{start})a",
    r"\pL",
    r"\p{Lu}",
    r"\P{L}",
    r"\p{Greek}",
    r"\p{Han}+",
    r"\p{Nd}",
    r"[\p{L}&&[^a-z]]",
    "[[:alpha:]]",
    "[[:^alpha:]]",
    "[[:upper:]]",
    "[[:space:]]",
    "[[:punct:]]",
    "[^a]",
    r"[^\n]",
    "[a-c]{2}",
    "[]a]",
    r"[\]\[]",
    r"[\-.]",
    "[^-a]",
    "[a-zé-ü]",
    "[a-c&&b-d]",
    "[a-d--b]",
    "[ab~~bc]",
    "(?i)abc",
    "(?i)É",
    "(?i)ß",
    "(?i)k",
    "(?i)s",
    "(?i)σ",
    "(?i)i",
    "(?i)ı",
    "(?i)[k-l]",
    "(?i)ǆ",
    "(?i-u:k)",
    "a(?i)b",
    "(?i:a)b",
    "a*",
    "a+b",
    "a?b",
    "^a*$",
    "a{2}",
    "^a{2}$",
    "^a{2,}$",
    "^a{1,3}$",
    "^a{0}$",
    "^(?:ab|abc){1,2}$",
    "(a|b)*c",
    "a*?b",
    "a+?",
    "(?U)a+b",
    "x{0,300}$",
    "^a{0,600}b?$",
    "(?:^)*a",
    "(?:^a|b$)",
    "^*",
    "(?:$)+",
    "a||b",
    "(|a)b",
    "()",
    "a|",
    r"\x41",
    r"\u{1F600}",
    r"\x{e9}",
    r"[\x00-\x1f]",
    r"\x00",
    r"\n",
    r"\r\n",
    r"\t",
    r"\.",
    r"a\*b",
    r"\(a\)",
    r"\[a\]",
    r"a\\b",
    r"\^a\$",
    r"\{2\}",
    r"a\{2\}",
    r"#x\?y",
    r"a\|b",
    "(?x) a \\  b # spaces",
    "[^\\s\\S]",
    r"[\s\S]",
    "(?:)",
    "(?P<y>\\d{4})-(?P<m>\\d\\d)",
    r"^[\w.]+@[\w.]+\.\w+$",
    "😀",
    "[😀-🙏]",
    "日|語",
    r"\W\b\w",
    "(?s)^.{3}$",
    "^.{2,}\\z",
    r"\d\b",
    "'",
    "\"",
    r"\v\f|\a",
];

fn words() -> Schema {
    Schema::new("words")
        .field(FieldDef::new("n", Type::U32))
        .field(FieldDef::new("text", Type::Text).nullable())
        .field(FieldDef::new("any", Type::Any).nullable())
}

fn load(store: &impl Store<Document>) {
    let rows = TEXTS.iter().enumerate().map(|(n, text)| document! { "n" => n as u32, "text" => *text, "any" => *text });
    let others = [document! { "n" => 1_000_u32 }, document! { "n" => 1_001_u32, "any" => 12 }];
    for outcome in store.create_batch(rows.chain(others).collect::<Vec<_>>()).expect("it writes") {
        outcome.expect("it is new");
    }
}

/// The numbers of the records that match, or the kind of error.
fn matching(store: &impl Store<Document>, filter: Filter) -> Result<BTreeSet<i128>, ErrorKind> {
    let found = filter.bind::<Document>(store.schema()).and_then(|bound| store.search(bound)).map_err(|e| e.kind())?;
    Ok(found.iter().filter_map(|row| row["n"].as_int()).collect())
}

fn shown(numbers: &BTreeSet<i128>) -> Vec<&'static str> {
    numbers.iter().map(|n| usize::try_from(*n).ok().and_then(|n| TEXTS.get(n)).copied().unwrap_or("(none)")).collect()
}

#[track_caller]
fn alike(memory: &impl Store<Document>, other: &impl Store<Document>, field: &'static str, pattern: &str) -> bool {
    let wanted = matching(memory, Filter::matches(field, pattern));
    let found = matching(other, Filter::matches(field, pattern));
    match (&wanted, &found) {
        (Ok(wanted), Ok(found)) if wanted != found => {
            let (more, less) = (shown(&(found - wanted)), shown(&(wanted - found)));
            panic!("{field} matches {pattern:?}: too many {more:?}, too few {less:?}");
        }
        (Ok(wanted), Ok(_)) => !wanted.is_empty() && wanted.len() < TEXTS.len(),
        (wanted, found) => {
            assert_eq!(wanted, found, "{pattern:?}");
            false
        }
    }
}

#[test]
fn expressions_mean_on_the_server_what_they_mean_in_memory() {
    let scratch = Scratch::new();
    let memory = Memory::new().documents("words", words()).expect("it is made");
    let columns = scratch.database().documents("words", words()).expect("it is made");
    let document = scratch.config().layout(Layout::Document).connect().expect("the server answers");
    let document = document.documents("papers", words()).expect("it is made");
    load(&memory);
    load(&columns);
    load(&document);
    let telling = PATTERNS.iter().filter(|pattern| alike(&memory, &columns, "text", pattern)).count();
    assert!(telling > PATTERNS.len() * 3 / 4, "only {telling} patterns told texts apart");
    for pattern in PATTERNS.iter().step_by(7) {
        alike(&memory, &columns, "any", pattern);
        alike(&memory, &document, "text", pattern);
        let complement = Filter::matches("text", *pattern).not();
        assert_eq!(matching(&memory, complement.clone()), matching(&columns, complement), "not {pattern:?}");
    }
}

/// A small generator of its own, so that a failure can be had again from the number that it prints.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("small")
    }
    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
    fn pattern(&mut self, depth: usize) -> String {
        const ATOMS: &[&str] = &[
            "a",
            "b",
            "B",
            "é",
            "1",
            " ",
            "-",
            "_",
            "😀",
            r"\.",
            r"\n",
            ".",
            r"\d",
            r"\w",
            r"\W",
            r"\s",
            r"\S",
            "[ab]",
            "[^a]",
            r"[^\w\n]",
            r"\pL",
            r"\p{Lu}",
            "[a-cé]",
            "(?s:.)",
            "(?i:k)",
            "(?i:ab)",
            "(?i:ſ)",
            "[[:alnum:]]",
            "(?-u:\\w)",
        ];
        const LOOKS: &[&str] = &[
            "^",
            "$",
            r"\b",
            r"\B",
            r"\A",
            r"\z",
            "(?m:^)",
            "(?m:$)",
            "(?Rm:^)",
            "(?Rm:$)",
            r"(?-u:\b)",
            r"\b{start}",
        ];
        const COUNTS: &[&str] = &["*", "+", "?", "{2}", "{1,2}", "{0,3}", "*?", "+?", "{2,}"];
        let mut pattern = String::new();
        for _ in 0..=self.roll(3) {
            match self.roll(if depth == 0 { 8 } else { 11 }) {
                0..=4 => pattern.push_str(self.one_of(ATOMS)),
                5 => pattern.push_str(self.one_of(LOOKS)),
                6 | 7 => {
                    pattern.push_str(self.one_of(ATOMS));
                    pattern.push_str(self.one_of(COUNTS));
                }
                8 => pattern.push_str(&format!("({})", self.pattern(depth - 1))),
                9 => pattern.push_str(&format!("(?:{}|{})", self.pattern(depth - 1), self.pattern(depth - 1))),
                _ => pattern.push_str(&format!("(?:{}){}", self.pattern(depth - 1), self.one_of(COUNTS))),
            }
        }
        pattern
    }
}

#[test]
fn random_expressions_mean_on_the_server_what_they_mean_in_memory() {
    let scratch = Scratch::new();
    let memory = Memory::new().documents("words", words()).expect("it is made");
    let server = scratch.database().documents("words", words()).expect("it is made");
    load(&memory);
    load(&server);
    let given = std::env::var("DK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("DK_SEED={seed}");
    let mut dice = Dice(seed.wrapping_mul(2_654_435_761) | 1);
    // About half of them match some of the texts and not all: those tell something.
    let telling = (0..600).filter(|_| alike(&memory, &server, "text", &dice.pattern(2))).take(75).count();
    assert_eq!(telling, 75, "of 600");
}

#[derive(Record, Clone, Debug)]
#[record(name = "people")]
struct Person {
    #[record(id)]
    id: i64,
    #[record(index)]
    name: String,
}

#[test]
fn an_anchored_expression_begins_in_an_index_and_is_a_parameter() {
    let mut scratch = Scratch::new();
    let people = scratch.database().store::<Person>().expect("the table is made");
    let person = |n: i64| Person { id: n, name: format!("name {n:05}") };
    people.create_batch((0..5_000).map(person)).expect("it writes");
    scratch.client.batch_execute("ANALYZE people").expect("the table is ours");
    let query = Query::new().filter(Person::NAME.matches(r"^name 0012\d$"));
    assert_eq!(people.count(&query).expect("it counts"), 10);
    let plan = people.server_plan(&query).expect("it is planned");
    assert!(plan.contains("people.name.idx") && !plan.contains("Seq Scan"), "{plan}");
    let native = people.explain(&query).expect("it has a plan").native;
    assert!(!native.lines().next().expect("the statement").contains("name 0012"), "{native}");
}

#[test]
fn an_expression_that_is_too_large_is_refused_and_can_be_emulated() {
    let scratch = Scratch::new();
    let people = scratch.database().store::<Person>().expect("the table is made");
    people.create(Person { id: 1, name: "aaa".to_owned() }).expect("it is new");
    let query = || Query::new().filter(Person::NAME.matches("^(?:[a-z]{0,100}b?){50}$"));
    let refused = people.count(query()).expect_err("five thousand places");
    assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Unsupported, Some("name")), "{refused}");
    assert_eq!(people.emulated(Budget::default()).count(query()).expect("the client tests it"), 1);
    let wrong = people.count(Query::new().filter(Person::NAME.matches("("))).expect_err("an open group");
    assert_eq!(wrong.kind(), ErrorKind::Query);
}
