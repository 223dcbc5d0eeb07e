//! [`Searching`]: records by the words that their texts have, best first, and the places where the words stand.

use crate::{
    capability::{FullText, Provides},
    error::{Error, Result},
    query::{AsQuery, Predicate, Runnable, RunsOn, Whole},
    record::{Path, RecordCodec, Stored},
    store::{Driver, Limits, With},
};

/// Which texts come back with the words in them marked, and how.
///
/// ```
/// use dk_data::{Path, Highlight};
/// let highlight = Highlight::of([Path::field("body")]).marked("<em>", "</em>").words(20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    pub(crate) fields: Vec<Path>,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) words: Option<u16>,
}

impl Highlight {
    /// No text.
    pub fn none() -> Highlight {
        Highlight::of([])
    }
    /// The texts of these fields, whole, with `<b>` and `</b>` around each word that was searched for. Nothing else is
    /// changed: what will be HTML has to be made safe by whoever makes it, with marks that he tells from the text.
    pub fn of(fields: impl IntoIterator<Item = Path>) -> Highlight {
        let [before, after] = ["<b>", "</b>"].map(str::to_owned);
        Highlight { fields: fields.into_iter().collect(), before, after, words: None }
    }
    /// Other marks.
    #[must_use]
    pub fn marked(mut self, before: impl Into<String>, after: impl Into<String>) -> Highlight {
        (self.before, self.after) = (before.into(), after.into());
        self
    }
    /// About this many words of each text, those around a hit, instead of all of it. At least 4.
    #[must_use]
    pub fn words(mut self, most: u16) -> Highlight {
        self.words = Some(most.clamp(4, 10_000));
        self
    }
}

/// A record that was found, and how well.
#[derive(Clone, Debug)]
pub struct Hit<R> {
    /// The record.
    pub stored: Stored<R>,
    /// How well it fits: more is better. Ranks compare within one answer only; zero where nothing was searched for.
    pub rank: f64,
    /// One text for each field that was asked for, in that order; `None` where the field is null, or where the query does not
    /// search it.
    pub highlights: Vec<Option<String>>,
}

/// A store that finds records by the words of their texts. One method is required.
pub trait Searching<R: RecordCodec>: Driver<R> {
    /// The records that a query admits, with rank and highlights.
    ///
    /// The law: they come in the order of the query's keys, then by rank with the best first, then by id; limit and offset
    /// count in that order. The rank is that of all words that the predicate searches for, but not under `not`.
    ///
    /// # Errors
    /// `Query` for a field of the highlights that is no text; what keeps the engine from answering.
    fn ranked<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        highlight: &Highlight,
        limits: &Limits,
    ) -> Result<Vec<Hit<R>>>;

    /// The records of a query with rank and highlights: by the query's sort keys if it has some, else the best first. Give it
    /// a limit: all of them are held at once. Further pages are had by offset.
    ///
    /// ```no_run
    /// # #[cfg(feature = "postgres")] {
    /// use dk_data::{Database, Highlight, Query, Record, Searching, backend::postgres::Postgres};
    ///
    /// #[derive(Record, Clone)]
    /// #[record(name = "articles")]
    /// struct Article {
    ///     title: String,
    ///     #[record(large, text = "english")]
    ///     body: String,
    /// }
    ///
    /// let articles = Postgres::connect("postgres://app:secret@localhost/news")?.store::<Article>()?;
    /// let query = Query::new().filter(Article::BODY.search("\"climate change\" -opinion")).limit(10);
    /// for hit in articles.hits(query, &Highlight::of([Article::BODY.path()]).words(20))? {
    ///     println!("{:.2} {}: {:?}", hit.rank, hit.stored.title, hit.highlights[0]);
    /// }
    /// # }
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Query` for a query with a cursor, and for a field of the highlights that is no text; `Unsupported` where a store chosen
    /// at run time has no full text; what keeps the store from answering.
    fn hits<Q>(&self, query: Q, highlight: &Highlight) -> Result<Vec<Hit<R>>>
    where
        Q: AsQuery<R, Select = Whole>,
        Self::Engine: Provides<FullText>,
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        let run = || {
            let query = query.into_query().on::<Self::Engine>(self.shape())?;
            if query.after().is_some() {
                return Err(Error::query("ranks have no cursor: page by offset"));
            }
            self.ranked(query, highlight, self.limits())
        };
        run().map_err(|e| e.in_store(self.name()))
    }
}

impl<R: RecordCodec, D: Searching<R>> Searching<R> for With<D> {
    fn ranked<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        highlight: &Highlight,
        limits: &Limits,
    ) -> Result<Vec<Hit<R>>> {
        self.within(limits, |inner| inner.ranked(query, highlight, limits))
    }
}
