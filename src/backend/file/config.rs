//! How files are opened: formats, durability, who waits for whom; from code or from a URL. Pure.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    time::Duration,
};

use super::{lock::shown, progress::Progress};

use crate::{
    error::{Error, Result},
    format::csv::{Dialect, NullSpelling},
    record::target::nearest,
};

/// What a base file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values: `.csv`.
    Csv,
    /// Tab-separated values: `.tsv`.
    Tsv,
    /// One JSON object a line: `.jsonl`, `.ndjson`.
    JsonLines,
    /// One array of JSON objects: `.json`.
    Json,
    /// Typed columns: `.parquet`; needs the feature `parquet`.
    Parquet,
}

/// How a base file of text is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

/// What an acknowledged write has survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is on the device: it survives the power failing. Writers that wait at the same time share one `fsync`.
    #[default]
    Fsync,
    /// It is with the operating system: it survives this process being killed, not the power failing. Where that leaves a journal
    /// that does not read, the store says so, and [`salvage`](crate::backend::file::salvage) gives what is whole of it.
    Os,
    /// It is where the system keeps it until [`checkpoint`](crate::backend::file::FileStore::checkpoint) or
    /// [`close`](crate::Store) makes it durable; like `Os`, and the journal is never synced in between.
    Manual,
}

/// How files are opened. While a file is open, the process opens it again with the same options or not at all: another one is
/// refused with `Configuration`.
///
/// ```
/// use std::time::Duration;
/// use dk_data::backend::file::{Durability, Options};
/// let options = Options::default().durability(Durability::Os).wait(Duration::from_secs(1));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) format: Option<(Format, Compression)>,
    pub(super) durability: Durability,
    pub(super) wait: Duration,
    pub(super) exclusive: bool,
    pub(super) id_column: Option<String>,
    pub(super) dialect: Option<Dialect>,
    pub(super) null: NullSpelling,
    pub(super) header: bool,
    pub(super) checkpoint_bytes: u64,
    pub(super) sort_bytes: usize,
    pub(super) any_order: bool,
    pub(super) progress: Option<Sender<Progress>>,
}

impl Default for Options {
    /// The format that the file's name says, CSV for new ones of a folder; `Fsync`; waiting 10 seconds for other
    /// processes; a header.
    fn default() -> Self {
        Options {
            format: None,
            durability: Durability::default(),
            wait: Duration::from_secs(10),
            exclusive: false,
            id_column: None,
            dialect: None,
            null: NullSpelling::default(),
            header: true,
            checkpoint_bytes: 4 << 20,
            sort_bytes: 64 << 20,
            any_order: false,
            progress: None,
        }
    }
}

impl Options {
    /// The format of files whose name does not say it, and of new ones in a folder. Where a single file is opened, exported or
    /// imported, its name must not say another.
    #[must_use]
    pub fn format(mut self, format: Format, compression: Compression) -> Options {
        self.format = Some((format, compression));
        self
    }
    /// What an acknowledged write has survived.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Options {
        self.durability = durability;
        self
    }
    /// How long a writer waits for another process before it says [`Locked`](crate::ErrorKind::Locked); zero is not at all.
    #[must_use]
    pub fn wait(mut self, time: Duration) -> Options {
        self.wait = time;
        self
    }
    /// Keeps other processes from writing for as long as the store is open, instead of for each write alone.
    #[must_use]
    pub fn exclusive(mut self) -> Options {
        self.exclusive = true;
        self
    }
    /// The column whose text is the record's id. The record keeps it as a field, too.
    #[must_use]
    pub fn id_column(mut self, name: impl Into<String>) -> Options {
        self.id_column = Some(name.into());
        self
    }
    /// The punctuation of CSV: the byte between cells, and the one around them.
    ///
    /// # Errors
    /// `Configuration` for bytes that cannot be told from what cells hold.
    pub fn punctuation(mut self, delimiter: u8, quote: u8) -> Result<Options> {
        self.dialect = Some(Dialect::new(delimiter, Some(quote)).map_err(Error::configuration)?);
        Ok(self)
    }
    /// Another spelling of null in CSV than nothing, such as `NA` or `\N`, for the whole file; as [`Csv::null`].
    ///
    /// [`Csv::null`]: crate::format::csv::Csv::null
    ///
    /// # Errors
    /// `Configuration` for a spelling that cannot be told from what cells hold; where it holds the delimiter or the quote,
    /// that is said when the file is opened.
    pub fn null(mut self, spelling: &str) -> Result<Options> {
        self.null = NullSpelling::new(spelling).map_err(|why| Error::configuration(why).with_value(spelling))?;
        Ok(self)
    }
    /// CSV without a header: columns are the fields of the schema in order, then `column_1`, `column_2`, … by their places.
    /// Such a file has no place for an envelope and for other columns: it is read, and written only where its ids are in a
    /// column and it has all columns that the records need; other writes are refused with `Unsupported`.
    #[must_use]
    pub fn without_header(mut self) -> Options {
        self.header = false;
        self
    }
    /// The least journal, in bytes, that is worth a checkpoint. Above it one is made when the journal is half as long as the
    /// base, so that all checkpoints together cost no more than a few times what was written.
    #[must_use]
    pub fn checkpoint_bytes(mut self, bytes: u64) -> Options {
        self.checkpoint_bytes = bytes;
        self
    }
    /// How much memory a sort takes before it goes on in temporary files, in bytes, as far as it can be estimated.
    #[must_use]
    pub fn sort_bytes(mut self, bytes: usize) -> Options {
        self.sort_bytes = bytes;
        self
    }
    /// Lets a query that has no order of its own, and whatever goes through all records, have the rows of a Parquet file as they
    /// are read: a row group that takes longer does not hold up the others. Otherwise they come in the order of the file. Rows
    /// of text do in any case: they are cut off one after the other, so that another order would save nothing.
    #[must_use]
    pub fn any_order(mut self) -> Options {
        self.any_order = true;
        self
    }

    /// Tells how far scans, the making of the index and checkpoints are: ten times a second at most, and at their ends.
    ///
    /// ```
    /// use dk_data::backend::file::Options;
    /// let (to, heard) = std::sync::mpsc::channel();
    /// let options = Options::default().progress(to);
    /// std::thread::spawn(move || heard.iter().for_each(|p| println!("{:?}: {} records, {:.0}/s", p.work, p.records, p.rate())));
    /// ```
    #[must_use]
    pub fn progress(mut self, to: Sender<Progress>) -> Options {
        self.progress = Some(to);
        self
    }

    /// The path and the options of what stands behind `file:` in a URL.
    ///
    /// # Errors
    /// `Configuration` for an unknown option, with the nearest known one, and for a value that does not fit.
    pub(super) fn of_url(rest: &str) -> Result<(PathBuf, Options)> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(Error::configuration("`file:` names a file or a folder: `file:data/people.csv`, `file:data`"));
        }
        let path = PathBuf::from(path);
        let mut options = Options::default();
        let (mut delimiter, mut quote) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "delimiter" => delimiter = Some(punctuation(key, value)?),
                "quote" => quote = Some(punctuation(key, value)?),
                _ => options = options.set(key, value)?,
            }
        }
        if delimiter.or(quote).is_some() {
            let format = options.format.or_else(|| named(&path)).map(|(format, _)| format);
            let usual = if format == Some(Format::Tsv) { b'\t' } else { b',' };
            options = options.punctuation(delimiter.unwrap_or(usual), quote.unwrap_or(b'"'))?;
        }
        Ok((path, options))
    }

    /// The first option that another opening of the same file has otherwise. Where progress is told may differ.
    pub(super) fn difference(&self, other: &Options) -> Option<&'static str> {
        let same = [
            ("durability", self.durability == other.durability),
            ("wait", self.wait == other.wait),
            ("exclusive", self.exclusive == other.exclusive),
            ("id_column", self.id_column == other.id_column),
            ("punctuation", self.dialect == other.dialect),
            ("null", self.null == other.null),
            ("without_header", self.header == other.header),
            ("checkpoint_bytes", self.checkpoint_bytes == other.checkpoint_bytes),
            ("sort_bytes", self.sort_bytes == other.sort_bytes),
            ("any_order", self.any_order == other.any_order),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(option, _)| option)
    }

    fn set(self, key: &str, value: &str) -> Result<Options> {
        match key {
            "id" => Ok(self.id_column(value)),
            "format" => {
                let (format, compression) = named(Path::new(&format!("x.{value}"))).ok_or_else(|| unfit(key, value))?;
                Ok(self.format(format, compression))
            }
            "durability" => match value {
                "fsync" => Ok(self.durability(Durability::Fsync)),
                "os" => Ok(self.durability(Durability::Os)),
                "manual" => Ok(self.durability(Durability::Manual)),
                _ => Err(unfit(key, value)),
            },
            "wait_ms" => value.parse().map(|ms| self.wait(Duration::from_millis(ms))).map_err(|_| unfit(key, value)),
            "exclusive" => match value {
                "" | "true" => Ok(self.exclusive()),
                "false" => Ok(self),
                _ => Err(unfit(key, value)),
            },
            "header" => match value {
                "true" => Ok(self),
                "false" => Ok(self.without_header()),
                _ => Err(unfit(key, value)),
            },
            "null" => self.null(value),
            "order" => match value {
                "any" => Ok(self.any_order()),
                "file" => Ok(self),
                _ => Err(unfit(key, value)),
            },
            _ => Err(unknown(key)),
        }
    }
}

const KEYS: [&str; 10] =
    ["id", "format", "durability", "wait_ms", "exclusive", "header", "delimiter", "quote", "null", "order"];

/// A byte of punctuation.
fn punctuation(key: &str, value: &str) -> Result<u8> {
    match value.as_bytes() {
        [byte] => Ok(*byte),
        b"tab" => Ok(b'\t'),
        _ => Err(unfit(key, value)),
    }
}

fn unfit(key: &str, value: &str) -> Error {
    Error::configuration(format!("the option `{key}` of `file:` cannot be this")).with_value(value)
}

fn unknown(key: &str) -> Error {
    let hint = nearest(key, KEYS.into_iter()).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    Error::configuration(format!("`file:` has no option `{key}`{hint}; known: {}", KEYS.join(", ")))
}

/// The endings of file names, and what they say; the first of a format is the one of new files.
const ENDINGS: [(&str, Format); 6] = [
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("jsonl", Format::JsonLines),
    ("ndjson", Format::JsonLines),
    ("json", Format::Json),
    ("parquet", Format::Parquet),
];

/// What a file's name says of its format.
pub(super) fn named(path: &Path) -> Option<(Format, Compression)> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let (name, compression) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(name), _) => (name, Compression::Gzip),
        (_, Some(name)) => (name, Compression::Zstd),
        _ => (name.as_str(), Compression::None),
    };
    let (_, ending) = name.rsplit_once('.')?;
    let (_, format) = ENDINGS.into_iter().find(|(known, _)| *known == ending)?;
    Some((format, compression))
}

/// The ending of a new file.
pub(super) fn ending(format: Format, compression: Compression) -> String {
    let plain = ENDINGS.into_iter().find(|(_, known)| *known == format).map_or("csv", |(ending, _)| ending);
    match compression {
        Compression::None => plain.to_owned(),
        Compression::Gzip => format!("{plain}.gz"),
        Compression::Zstd => format!("{plain}.zst"),
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::Tsv => "TSV",
            Format::JsonLines => "NDJSON",
            Format::Json => "JSON",
            Format::Parquet => "Parquet",
        })
    }
}

/// The format of a file: what its name says, else the option.
///
/// # Errors
/// `Configuration` where neither says it, and for Parquet in another compression than its own.
pub(super) fn format_of(path: &Path, options: &Options) -> Result<(Format, Compression)> {
    let refused = |why: &'static str| Err(Error::configuration(why).at_url(&shown(path)));
    match named(path).or(options.format) {
        Some((Format::Parquet, Compression::Gzip | Compression::Zstd)) => {
            refused("Parquet compresses its own pages, and is not packed again: leave .gz or .zst out")
        }
        Some(format) => Ok(format),
        None => refused(
            "the name does not say the format: call it .csv, .tsv, .jsonl, .json or .parquet, text with .gz or .zst, or give an option",
        ),
    }
}

/// The format of one file, of which name and option say the same where both say it.
///
/// # Errors
/// `Configuration` where they do not, and as [`format_of`].
pub(super) fn format_of_one(path: &Path, options: &Options) -> Result<(Format, Compression)> {
    match (named(path), options.format) {
        (Some(named), Some(told)) if named != told => {
            let why = format!("the name says {}, and the option {}", ending(named.0, named.1), ending(told.0, told.1));
            Err(Error::configuration(why).at_url(&shown(path)))
        }
        _ => format_of(path, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_format_and_compression() {
        for (name, expected) in [
            ("a.csv", Some((Format::Csv, Compression::None))),
            ("a.b.CSV.gz", Some((Format::Csv, Compression::Gzip))),
            ("a.ndjson.zst", Some((Format::JsonLines, Compression::Zstd))),
            ("a.txt", None),
            ("csv", None),
            (".gz", None),
        ] {
            assert_eq!(named(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_url_is_a_path_and_options() {
        let (path, options) = Options::of_url("data/people.csv?id=email&durability=os&wait_ms=0").expect("it is right");
        assert_eq!(path, Path::new("data/people.csv"));
        assert_eq!((options.id_column.as_deref(), options.durability), (Some("email"), Durability::Os));
        assert!(options.wait.is_zero());
        let refused = |url| Options::of_url(url).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
        assert!(refused("a.csv?durabilty=os").contains("did you mean `durability`?"));
        assert!(refused("a.csv?durability=maybe").contains("durability"));
        assert!(refused("").contains("names a file or a folder"));
        let dialect = |url| Options::of_url(url).expect("it is right").1.dialect;
        assert_eq!(dialect("a.tsv?quote='"), Dialect::new(b'\t', Some(b'\'')).ok());
        assert_eq!(dialect("a.csv?quote='&delimiter=;"), Dialect::new(b';', Some(b'\'')).ok());
        assert!(refused("a.csv?quote=,").contains("must differ"));
    }
}
