//! The Python environment of other makers' readers and writers, under `target`: made once from `tests/foreign/requirements.txt`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use dk_data::{Document, FieldDef, Schema, Type};

/// Runs a command, which must end well; what it said.
pub fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; python3 must be installed"));
    let text = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(done.status.success(), "{command:?}:\n{text}");
    text
}

/// Where the scripts are.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// The Python of the environment, which is made where there is none, or where others are required than it was made from.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let required = fs::read_to_string(scripts().join("requirements.txt")).expect("the list is there");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target");
        let home = target.join("foreign-python");
        let (python, made_from) = (home.join("bin/python"), home.join("made-from.txt"));
        // Another test binary may be making it.
        let lock = fs::File::create(target.join("foreign-python.lock")).expect("target is ours");
        lock.lock().expect("the system has locks");
        if fs::read_to_string(&made_from).ok().as_ref() != Some(&required) {
            let _ = fs::remove_dir_all(&home);
            run(Command::new("python3").args(["-m", "venv"]).arg(&home));
            let pip =
                ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r"];
            run(Command::new(&python).args(pip).arg(scripts().join("requirements.txt")));
            fs::write(&made_from, &required).expect("target is ours");
        }
        python
    })
}

/// Columns that every format and every reader has in some form.
pub fn common() -> Schema {
    let home =
        Schema::new("home").field(FieldDef::new("city", Type::Text).nullable()).field(FieldDef::new("zip", Type::I64));
    let fields = [
        ("flag", Type::Bool),
        ("small", Type::I8),
        ("int", Type::I64),
        ("u32", Type::U32),
        ("float", Type::F64),
        ("text", Type::Text),
        ("at", Type::Timestamp),
        ("day", Type::Date),
        ("list", Type::list(Type::I64)),
        ("home", Type::record(home)),
    ];
    with(Schema::new("t"), fields)
}

/// A schema with more fields, which may be null.
pub fn with(schema: Schema, fields: impl IntoIterator<Item = (&'static str, Type)>) -> Schema {
    fields.into_iter().fold(schema, |schema, (name, ty)| schema.field(FieldDef::new(name, ty).nullable()))
}

/// What `read.py` expects of files that hold these records.
pub fn wanted(schema: &Schema, rows: &[Document]) -> serde_json::Value {
    let kind = |ty: &Type| match ty {
        ty if ty.integer_range().is_some() => "int",
        Type::F32 | Type::F64 => "float",
        Type::Enum(_) => "text",
        Type::List(_) | Type::Vector(_) => "list",
        Type::Record(_) => "record",
        Type::Bool => "bool",
        Type::Decimal => "decimal",
        Type::Bytes => "bytes",
        Type::Uuid => "uuid",
        Type::Timestamp => "timestamp",
        Type::Date => "date",
        Type::Json => "json",
        _ => "text",
    };
    let columns: Vec<_> = schema.fields.iter().map(|field| (field.name.to_string(), kind(&field.ty))).collect();
    let values =
        |row: &Document| row.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect::<BTreeMap<_, _>>();
    serde_json::json!({ "columns": columns, "rows": rows.iter().map(values).collect::<Vec<_>>() })
}
