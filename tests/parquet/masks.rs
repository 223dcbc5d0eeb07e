//! Masks over columns, and statistics, against the predicate itself on every record.

use dk_data::{
    Document, Envelope, FieldDef, Filter, Id, Predicate, Schema, Seen, Type, Value, document, format::parquet::Parquet,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::round_trip::{every_type, extremes, written};

/// Choices that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

fn values(ty: &Type) -> Vec<Value> {
    let texts = [
        "",
        "a",
        "A",
        "ab",
        "aB",
        "b",
        "a%b",
        "a_b",
        "é",
        "e\u{301}",
        "\u{ffff}",
        "\u{10000}",
        "10",
        "9",
        "a\nb",
        "zzz",
    ];
    let integers = |list: &[i128]| list.iter().map(|n| Value::Int(*n)).collect::<Vec<_>>();
    match ty {
        Type::Bool => vec![true.into(), false.into()],
        Type::I8 => integers(&[-128, -1, 0, 1, 2, 127]),
        Type::I64 => integers(&[i64::MIN.into(), -2, 0, 1, 7, 1 << 53, (1 << 53) + 1, i64::MAX.into()]),
        Type::U64 => integers(&[0, 1, 1 << 53, (1 << 53) + 1, u64::MAX.into()]),
        Type::F64 => [-1e308, -1.5, 0.0, 0.1, 1.0, 9_007_199_254_740_992.0, 1e308].map(Value::from).to_vec(),
        Type::F32 => [-1.5_f32, 0.0, 0.1, 1.0, 3e38].map(Value::from).to_vec(),
        Type::Decimal => ["-1.5", "0", "0.1", "1.10", "1", "79228162514264337593543950335"]
            .map(|text| Value::Decimal(text.parse().expect("a decimal")))
            .to_vec(),
        Type::Bytes => [&[][..], &[0], &[255], &[0, 255]].map(|bytes| Value::Bytes(bytes.to_vec())).to_vec(),
        Type::Uuid => [0, 1, u128::MAX / 2, u128::MAX].map(|n| Value::Uuid(uuid::Uuid::from_u128(n))).to_vec(),
        Type::Timestamp => {
            ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2026-01-31T10:00:00.5Z"]
                .map(|text| Value::Timestamp(text.parse().expect("a moment")))
                .to_vec()
        }
        Type::Date => [(1, 1), (1970, 1), (2026, 2)].map(|(y, m)| Value::Date(jiff::civil::date(y, m, 28))).to_vec(),
        Type::Enum(names) => names.iter().map(|name| Value::Text(name.to_string())).collect(),
        _ => texts.map(Value::from).to_vec(),
    }
}

fn schema() -> Schema {
    let home =
        Schema::new("home").field(FieldDef::new("city", Type::Text).nullable()).field(FieldDef::new("zip", Type::I64));
    let plain = [
        ("flag", Type::Bool),
        ("small", Type::I8),
        ("int", Type::I64),
        ("big", Type::U64),
        ("float", Type::F64),
        ("single", Type::F32),
        ("decimal", Type::Decimal),
        ("text", Type::Text),
        ("bytes", Type::Bytes),
        ("uuid", Type::Uuid),
        ("at", Type::Timestamp),
        ("day", Type::Date),
        ("colour", Type::Enum(vec!["red".into(), "green".into()].into())),
        ("list", Type::list(Type::Text)),
        ("any", Type::Any),
    ];
    let schema = plain.into_iter().fold(Schema::new("t"), |s, (name, ty)| s.field(FieldDef::new(name, ty).nullable()));
    schema.field(FieldDef::new("must", Type::I64)).field(FieldDef::new("home", Type::record(home)).nullable())
}

fn record(dice: &mut Dice, schema: &Schema, nulls: usize) -> Document {
    let mut document = Document::new();
    for field in schema.fields.iter() {
        let value = match &field.ty {
            _ if field.nullable && dice.below(100) < nulls => continue,
            Type::List(item) => Value::List((0..dice.below(3)).map(|_| dice.pick(&values(&item.ty))).collect()),
            Type::Record(inside) => Value::Record(record(dice, inside, nulls)),
            Type::Any => {
                let ty = dice.pick(&[Type::I64, Type::F64, Type::Text, Type::Bool]);
                dice.pick(&values(&ty))
            }
            ty => dice.pick(&values(ty)),
        };
        document.set(field.name.clone(), value);
    }
    document
}

fn literal(dice: &mut Dice, ty: &Type) -> Value {
    let other = dice.below(3) == 0;
    match ty {
        Type::I8 | Type::I64 | Type::U64 | Type::F64 | Type::F32 | Type::Decimal if other => dice.pick(&[
            Value::Float(0.5),
            Value::Float(-1.5),
            Value::Float(9_007_199_254_740_992.0),
            Value::Float(1e300),
            Value::Int(1),
            Value::Int(1 << 53),
            Value::Decimal(Decimal::new(5, 1)),
            Value::Decimal(Decimal::new(-15, 1)),
        ]),
        Type::Timestamp if other => Value::Timestamp("1970-01-01T00:00:00.000000500Z".parse().expect("a moment")),
        ty => dice.pick(&values(ty)),
    }
}

fn leaf(dice: &mut Dice, schema: &Schema) -> Filter {
    let field = dice.pick(&schema.fields);
    let (path, ty): (dk_data::Path, Type) = match &field.ty {
        Type::Record(inside) => {
            let inner = dice.pick(&inside.fields);
            (format!("{}.{}", field.name, inner.name).parse().expect("a path"), inner.ty.clone())
        }
        ty => (field.name.parse().expect("a path"), ty.clone()),
    };
    let text = |dice: &mut Dice| dice.pick(&["", "a", "b", "ab", "é", "1"]).to_owned();
    let is_text = matches!(ty, Type::Text | Type::Any);
    if let Type::List(item) = &ty {
        return match dice.below(3) {
            0 => Filter::contains(path, literal(dice, &item.ty)),
            1 => Filter::compare(dk_data::query::Operand::Len(path), dk_data::query::Op::Ge, dice.below(3) as i64),
            _ => Filter::is_null(path),
        };
    }
    match dice.below(if is_text { 14 } else { 9 }) {
        0 => Filter::is_null(path),
        1 => Filter::eq(path, literal(dice, &ty)),
        2 => Filter::gt(path, literal(dice, &ty)),
        3 => Filter::ge(path, literal(dice, &ty)),
        4 => Filter::lt(path, literal(dice, &ty)),
        5 => Filter::le(path, literal(dice, &ty)),
        6 => Filter::between(path, literal(dice, &ty), literal(dice, &ty)),
        7 | 8 => {
            let list: Vec<_> = (0..dice.below(12)).map(|_| literal(dice, &ty)).collect();
            Filter::is_in(path, list)
        }
        9 => Filter::like(path, dice.pick(&["a%", "%b", "a_b", "%", "_", "%a%b%", "a\\%b", "A%"]), dice.below(2) == 0),
        10 => Filter::starts_with(path, text(dice)),
        11 => Filter::ends_with(path, text(dice)),
        12 => Filter::contains(path, text(dice)),
        _ => Filter::eq(path, literal(dice, &Type::Text)),
    }
}

fn filter(dice: &mut Dice, schema: &Schema, depth: usize) -> Filter {
    match dice.below(if depth == 0 { 1 } else { 5 }) {
        0 | 1 => leaf(dice, schema),
        2 => Filter::and((0..dice.below(4)).map(|_| filter(dice, schema, depth - 1)).collect()),
        3 => Filter::or((0..dice.below(4)).map(|_| filter(dice, schema, depth - 1)).collect()),
        _ => filter(dice, schema, depth - 1).not(),
    }
}

/// The records that a filter is true of, by the predicate itself.
fn matching(filter: &Filter, schema: &Schema, all: &[Document]) -> Vec<Document> {
    let bound = filter.clone().bind::<Document>(schema).expect("it fits the schema");
    let envelope = Envelope::of(Id::new("x").expect("an id"));
    all.iter().filter(|record| bound.matches(Seen { record, envelope: &envelope })).cloned().collect()
}

fn found(bytes: &[u8], filter: &Filter, schema: &Schema) -> (Vec<Document>, u64) {
    let file = Parquet::open(bytes.to_vec()).expect("it is whole");
    let rows = || {
        let bound = filter.clone().bind::<Document>(schema).expect("it fits the schema");
        file.documents(schema.clone()).and_then(|rows| rows.matching(bound)).expect("it fits the file")
    };
    let records = rows().collect::<Result<_, _>>().expect("every row reads");
    (records, rows().count_rows().expect("it can be counted"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// 100 files, 20 filters on each.
    #[test]
    fn masks_and_statistics_mean_what_the_predicate_means(seed: u64) {
        let mut dice = Dice(seed);
        let schema = schema();
        let nulls = dice.pick(&[0, 10, 50, 100]);
        let mut all: Vec<_> = (0..dice.below(300)).map(|_| record(&mut dice, &schema, nulls)).collect();
        if dice.below(2) == 0 {
            // Sorted, so that row groups and pages differ.
            let key = dice.pick(&["int", "text", "float", "at", "decimal", "must", "uuid"]);
            all.sort_by(|a, b| a[key].as_ref().order(&b[key].as_ref()));
        }
        let parquet = Parquet::default().row_group_rows(1 + dice.below(200)).page_rows(1 + dice.below(20)).bloom("text").bloom("int");
        let bytes = written(&parquet, &schema, &all);
        for _ in 0..20 {
            let filter = filter(&mut dice, &schema, 3);
            let wanted = matching(&filter, &schema, &all);
            let (records, count) = found(&bytes, &filter, &schema);
            prop_assert_eq!(count, wanted.len() as u64, "{} (seed {})", filter, seed);
            prop_assert_eq!(records, wanted, "{} (seed {})", filter, seed);
        }
    }
}

#[test]
fn the_extremes_are_filtered_as_they_are_in_memory() {
    let (schema, all) = (every_type(), extremes());
    let bytes = written(&Parquet::default().row_group_rows(9).page_rows(4), &schema, &all);
    for text in [
        "u64 > 9223372036854775807",
        "i64 = 9007199254740993",
        "i64 = 9007199254740992.0",
        "f32 = 0.1",
        "f64 = 0.1",
        "decimal = 1.1",
        "decimal < 0",
        "home is null",
        "home.street is null",
        "home.street.name = 'Storgata'",
        "json is not null",
        "not (text like '%a%' or text is null)",
        "any = 7",
        "any = '7'",
        "bag.x = 1",
        "day < '0001-01-02'",
        "at < '1970-01-01T00:00:00Z'",
        "uuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        "colour != 'red'",
    ] {
        let filter: Filter = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        let (records, count) = found(&bytes, &filter, &schema);
        assert_eq!(records, matching(&filter, &schema, &all), "{text}");
        assert_eq!(count, records.len() as u64, "{text}");
    }
}

#[test]
fn a_sorted_column_is_read_where_its_values_may_be() {
    let schema = Schema::new("t").field(FieldDef::new("n", Type::I64)).field(FieldDef::new("name", Type::Text));
    let all: Vec<_> = (0..20_000).map(|n| document! { "n" => n, "name" => format!("{n:06}") }).collect();
    let bytes = written(&Parquet::default().row_group_rows(5_000).page_rows(1_000).bloom("name"), &schema, &all);
    let file = Parquet::open(bytes).expect("it is whole");
    let read = |filter: Filter| {
        let bound = filter.bind::<Document>(&schema).expect("it fits");
        let pruning = file.documents(schema.clone()).and_then(|rows| rows.matching(bound)).expect("it fits").pruning();
        (pruning.groups_read, pruning.rows_read)
    };
    assert_eq!(read(Filter::between("n", 7_000, 7_500)), (1, 1_000));
    assert_eq!(read(Filter::eq("n", 7_000)), (1, 1_000));
    assert_eq!(read(Filter::starts_with("name", "0123")), (1, 1_000));
    assert_eq!(read(Filter::like("name", "0123%9", false)), (1, 1_000));
    assert_eq!(read(Filter::ge("n", 5_000).not()), (1, 5_000));
    assert_eq!(read(Filter::lt("n", 0)), (0, 0));
    assert_eq!(read(Filter::is_null("n")), (0, 0));
    assert_eq!(read(Filter::eq("n", 1).and_also(Filter::eq("n", 19_999))), (0, 0));
    assert_eq!(read(Filter::is_in("n", [1, 19_999])), (2, 2_000));
    // Within the bounds of a row group, and not in it.
    assert_eq!(read(Filter::eq("name", "007000x")), (0, 0));
}
