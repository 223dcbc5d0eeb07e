//! How rows stand in a text: told apart by what, and with which columns.

use super::{base::Setup, config::Format};
use crate::{
    error::{Error, Result},
    format::{
        block::{Block, Findings, Framing, Scan, View},
        csv::{Columns, Dialect, Quotes, Records, numbered, take_header},
        json::Frames,
    },
    record::Name,
};

/// How rows are told apart, and what their cells are.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    Csv(CsvLayout),
    Lines,
    Array,
}

/// The columns of a CSV file.
#[derive(Clone, Debug)]
pub(super) struct CsvLayout {
    pub(super) dialect: Dialect,
    pub(super) columns: Columns,
    /// The header as it stands, without its line end; empty where there is none.
    pub(super) header: Vec<u8>,
    /// Whether the header ends with `\r\n`, and so other rows will.
    pub(super) crlf: bool,
}

/// Where rows end.
pub(super) enum RowFraming {
    Csv(Quotes),
    Json(Frames),
}

impl Framing for RowFraming {
    fn scan(&mut self, view: View<'_>) -> Scan {
        match self {
            RowFraming::Csv(quotes) => quotes.scan(view),
            RowFraming::Json(frames) => frames.scan(view),
        }
    }
    fn cut(&mut self, length: usize) -> Findings {
        match self {
            RowFraming::Csv(quotes) => quotes.cut(length),
            RowFraming::Json(frames) => frames.cut(length),
        }
    }
}

impl Layout {
    pub(super) fn framing(&self) -> RowFraming {
        match self {
            Layout::Csv(csv) => RowFraming::Csv(Quotes::new(csv.dialect)),
            Layout::Lines => RowFraming::Json(Frames::Lines),
            Layout::Array => RowFraming::Json(Frames::array()),
        }
    }
}

impl CsvLayout {
    /// That of a file without rows and without a header.
    ///
    /// # Errors
    /// As the columns of the schema are settled, and `Configuration` for a dialect that tells no cells apart.
    pub(super) fn empty(setup: &Setup) -> Result<CsvLayout> {
        let columns = Columns::settle(Vec::new(), &setup.schema)?;
        Ok(CsvLayout { dialect: dialect(setup)?, columns, header: Vec::new(), crlf: false })
    }

    /// Whether no cell has a type that only its row knows.
    pub(super) fn tells_all(&self) -> bool {
        self.columns.names().iter().all(|name| name != "_types")
    }

    /// Settles the columns by the first block, of which the header is taken.
    pub(super) fn settle(&mut self, first: &mut Block, setup: &Setup) -> Result<()> {
        let names = match setup.options.header {
            true => {
                let mut records = Records::new(first, self.dialect);
                if let Some(Ok(header)) = records.next_record() {
                    let range = header.range();
                    self.crlf = first.bytes().get(range.end..).is_some_and(|rest| rest.starts_with(b"\r\n"));
                    self.header = first.bytes().get(range).unwrap_or_default().to_vec();
                }
                let names: Vec<Name> = take_header(first, self.dialect)?;
                Columns::distinct(&names)?;
                names
            }
            false => numbered(first, self.dialect, &setup.schema)?,
        };
        self.columns = Columns::settle(names, &setup.schema)?;
        Ok(())
    }
}

fn dialect(setup: &Setup) -> Result<Dialect> {
    let tabs = || Dialect::new(b'\t', Some(b'"')).unwrap_or_default();
    let plain = if setup.format == Format::Tsv { tabs() } else { Dialect::default() };
    setup.options.dialect.unwrap_or(plain).with_null(setup.options.null).map_err(Error::configuration)
}
