//! Queries: the base merged with the overlay, tested, ordered, paged.

use std::marker::PhantomData;

use super::{
    Files,
    base::{BaseRow, BaseRows},
    core::View,
    disk::Disk,
    overlay::Overlay,
    sort::{Sorted, Sorter},
    store::{FileStore, stored},
};
use crate::{
    error::Result,
    query::{Bound, Plan, Predicate, Runnable, Seen, Select, Side},
    record::{RecordCodec, Schema, Stored},
    store::Limits,
};

/// Rows of the overlay take about so much memory for each byte of their text.
const MEMORY_PER_BYTE: usize = 4;
const MEMORY_PER_ROW: usize = 200;

/// The records of one state of a store, those of the base first; with about how much memory each takes.
pub(super) struct Merged<R: RecordCodec, D: Disk> {
    base: Option<BaseRows<R, D>>,
    overlay: Overlay,
    shape: R::Shape,
    filter: Option<Bound<R>>,
    ready: std::vec::IntoIter<(usize, Result<Stored<R>>)>,
    /// The part of the overlay that comes next.
    next: usize,
    step: usize,
    limits: Limits,
}

impl<R: RecordCodec, D: Disk> Merged<R, D> {
    pub(super) fn new(
        store: &FileStore<R, D>,
        view: View<D>,
        filter: Option<Bound<R>>,
        part: (usize, usize),
        limits: &Limits,
    ) -> Result<Self> {
        let any_order = store.core.setup.options.any_order;
        let ask = super::base::Ask { part, any_order, ..store.ask(filter.clone(), limits) };
        Ok(Merged {
            base: Some(view.base.scan(ask)?),
            overlay: view.overlay,
            shape: store.shape.clone(),
            filter,
            ready: Vec::new().into_iter(),
            next: part.0,
            step: part.1.max(1),
            limits: limits.clone(),
        })
    }

    fn of_base(&self, rows: Vec<BaseRow<R>>) -> Vec<(usize, Result<Stored<R>>)> {
        let hidden = self.overlay.hidden() > 0;
        let is_hidden = |row: &BaseRow<R>| {
            hidden && row.stored.as_ref().is_ok_and(|stored| self.overlay.get(stored.envelope.id()).is_some())
        };
        rows.into_iter().filter(|row| !is_hidden(row)).map(|row| (row.bytes, row.stored)).collect()
    }

    fn of_overlay(&self, part: usize) -> Vec<(usize, Result<Stored<R>>)> {
        let rows = self.overlay.rows_of(part).map(|row| {
            let bytes = row.body().len() * MEMORY_PER_BYTE + MEMORY_PER_ROW;
            (bytes, stored::<R>(row, &self.shape))
        });
        let admitted = |row: &Result<Stored<R>>| match (&self.filter, row) {
            (Some(filter), Ok(Stored { record, envelope })) => filter.matches(Seen { record, envelope }),
            _ => true,
        };
        rows.filter(|(_, row)| admitted(row)).collect()
    }
}

impl<R: RecordCodec, D: Disk> Iterator for Merged<R, D> {
    type Item = (usize, Result<Stored<R>>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.next() {
                return Some(row);
            }
            if let Some(base) = &mut self.base {
                match base.next() {
                    Some(rows) => self.ready = self.of_base(rows).into_iter(),
                    None => self.base = None,
                }
                continue;
            }
            if self.next >= self.overlay.parts() {
                return None;
            }
            if let Err(stopped) = self.limits.check() {
                self.next = self.overlay.parts();
                return Some((0, Err(stopped)));
            }
            self.ready = self.of_overlay(self.next).into_iter();
            self.next += self.step;
        }
    }
}

/// The records of a query on files.
pub struct FileRows<R: RecordCodec, P, S, D: Disk> {
    source: Rows<R, D>,
    /// What the scan could not test: code of the user's own.
    own: Option<P>,
    select: S,
    record: PhantomData<fn() -> R>,
}

enum Rows<R: RecordCodec, D: Disk> {
    AsTheyCome(Box<Merged<R, D>>),
    Sorted(Sorted<R>),
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk> Iterator for FileRows<R, P, S, D> {
    type Item = Result<Stored<S::Out>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match &mut self.source {
                Rows::AsTheyCome(rows) => rows.next()?.1,
                Rows::Sorted(rows) => rows.next()?,
            };
            match row {
                Err(error) => return Some(Err(error)),
                Ok(Stored { record, envelope }) => {
                    let seen = Seen { record: &record, envelope: &envelope };
                    if self.own.as_ref().is_none_or(|own| own.matches(seen)) {
                        return Some(Ok(Stored { envelope, record: self.select.take(record) }));
                    }
                }
            }
        }
    }
}

/// The predicate as data, and whether it is all of it.
fn lowered<R: RecordCodec, P: Predicate<R>>(predicate: &P, schema: &Schema) -> Result<(Option<Bound<R>>, bool)> {
    let (filter, whole) = match predicate.lower() {
        Some(filter) => (filter, true),
        None => (predicate.bound(Side::Above), false),
    };
    let everything = matches!(filter.node(), crate::query::Node::And(list) if list.is_empty());
    Ok((if everything { None } else { Some(filter.bind(schema)?) }, whole))
}

/// Starts a query.
pub(super) fn scan<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk>(
    store: &FileStore<R, D>,
    view: View<D>,
    query: Runnable<Files<D>, R, P, S>,
    limits: &Limits,
) -> Result<FileRows<R, P, S, D>> {
    let (filter, whole) = lowered(query.predicate(), &store.shape)?;
    let own = (!whole).then(|| query.predicate().clone());
    let select = query.selection().clone();
    let rows = Merged::new(store, view, filter, (0, 1), limits)?;
    let source = match query.is_ordered() {
        false => Rows::AsTheyCome(Box::new(rows)),
        true => {
            let admits = |row: &Stored<R>| {
                let seen = Seen { record: &row.record, envelope: &row.envelope };
                own.as_ref().is_none_or(|own| own.matches(seen)) && query.is_after_cursor(seen)
            };
            Rows::Sorted(sorted(store, rows, &query, admits)?)
        }
    };
    Ok(FileRows { source, own: own.filter(|_| !query.is_ordered()), select, record: PhantomData })
}

/// The records of a query without its order, or one of the parts of them.
pub(super) fn unordered<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk>(
    store: &FileStore<R, D>,
    view: View<D>,
    query: &Runnable<Files<D>, R, P, S>,
    part: (usize, usize),
    limits: &Limits,
) -> Result<FileRows<R, P, S, D>> {
    let (filter, whole) = lowered(query.predicate(), &store.shape)?;
    let own = (!whole).then(|| query.predicate().clone());
    let rows = Merged::new(store, view, filter, part, limits)?;
    let source = Rows::AsTheyCome(Box::new(rows));
    Ok(FileRows { source, own, select: query.selection().clone(), record: PhantomData })
}

fn sorted<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk>(
    store: &FileStore<R, D>,
    rows: Merged<R, D>,
    query: &Runnable<Files<D>, R, P, S>,
    admits: impl Fn(&Stored<R>) -> bool,
) -> Result<Sorted<R>> {
    let most = query.limit().map(|limit| query.offset().saturating_add(limit));
    let budget = store.core.setup.options.sort_bytes;
    let mut sorter = Sorter::new(query.order().clone(), store.shape.clone(), most, budget);
    if most == Some(0) {
        return sorter.finish(0);
    }
    for (bytes, row) in rows {
        match row {
            Ok(row) if !admits(&row) => {}
            row => sorter.push(row, bytes)?,
        }
    }
    sorter.finish(query.offset())
}

/// How many records a query would give.
pub(super) fn count<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk>(
    store: &FileStore<R, D>,
    view: View<D>,
    query: &Runnable<Files<D>, R, P, S>,
    limits: &Limits,
) -> Result<u64> {
    let most = query.limit().map(|limit| query.offset().saturating_add(limit) as u64);
    let (filter, whole) = lowered(query.predicate(), &store.shape)?;
    let all = filter.is_none() && whole && query.after().is_none();
    let found = match all {
        true => {
            let base = i64::try_from(view.base.count(limits)?).unwrap_or(i64::MAX);
            u64::try_from(base + view.overlay.more_rows()).unwrap_or(0)
        }
        false => {
            if most.is_some() {
                view.base.believe(limits)?;
            }
            let mut found = 0;
            for (_, row) in Merged::new(store, view, filter, (0, 1), limits)? {
                let Stored { record, envelope } = row?;
                let seen = Seen { record: &record, envelope: &envelope };
                found += u64::from((whole || query.predicate().matches(seen)) && query.is_after_cursor(seen));
                if most.is_some_and(|most| found >= most) {
                    break;
                }
            }
            found
        }
    };
    Ok(most.map_or(found, |most| found.min(most)).saturating_sub(query.offset() as u64))
}

/// What a query would do.
pub(super) fn plan<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk>(
    store: &FileStore<R, D>,
    view: &View<D>,
    query: &Runnable<Files<D>, R, P, S>,
) -> Plan {
    let mut plan = Plan::new("file");
    plan.pushed = query.lower();
    plan.tested_again = plan.pushed.is_none();
    for step in view.base.explain(plan.pushed.as_ref(), &store.core.setup) {
        plan = plan.step(step);
    }
    let (rows, hidden) = (view.overlay.rows(), view.overlay.hidden());
    if rows > 0 || hidden > 0 {
        plan = plan.step(format!("merged with {rows} records of the journal, which hide {hidden} of the file"));
    }
    let keys: Vec<_> = query.order().keys().iter().map(|(key, _)| key.to_string()).collect();
    match (query.is_ordered(), query.limit()) {
        (false, _) => plan,
        (true, Some(limit)) => {
            plan.step(format!("the first {} of [{}], id", query.offset().saturating_add(limit), keys.join(", ")))
        }
        (true, None) => {
            let budget = store.core.setup.options.sort_bytes;
            plan.step(format!(
                "sort by [{}], id, in {budget} bytes of memory, then in temporary files",
                keys.join(", ")
            ))
        }
    }
}
