//! Rows of which the server refuses some: it is told of ranges of them, which are made smaller around what it refuses, so that each
//! row that is good is written once and each that is not is alone when it is refused, and told why.

use foldhash::fast::RandomState;

use super::{
    copy::{Refusal, copy_out},
    error::failure,
    pool::Session,
    query::Statement,
    rows::id_of,
    schema::VersionAt,
    stage::{Rows, Stage, Told},
    statement::{Brings, insisting, names, on_conflict, update_from},
    store::PostgresStore,
    wire::{Param, Scalar},
    write::{Sealed, Verb},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    record::RecordCodec,
    store::{
        Limits,
        write::{Effect, Outcome},
    },
};

type HashMap<K, V> = hashbrown::HashMap<K, V, RandomState>;

/// Why rows are refused, by their places.
pub(super) type Refused = HashMap<usize, Error>;

/// Which rows to try next. Behind one that was refused as many are tried as stood before it, and then twice as many each time:
/// so a row is tried a few times at most, however many are refused.
#[derive(Debug)]
struct Search {
    /// The first row that nothing is known of.
    at: usize,
    rows: usize,
    /// How many to try.
    step: usize,
    /// Up to where there is one that is refused.
    refused_before: Option<usize>,
    /// Behind the last that was refused.
    begun: usize,
}

impl Search {
    fn of(rows: usize) -> Search {
        Search { at: 0, rows, step: rows, refused_before: None, begun: 0 }
    }

    fn next(&self) -> Option<(usize, usize)> {
        let end = match self.refused_before {
            Some(end) => self.at + (end - self.at).div_ceil(2),
            None => self.rows.min(self.at.saturating_add(self.step)),
        };
        (self.at < self.rows).then_some((self.at, end))
    }

    fn taken(&mut self, end: usize) {
        self.at = end;
        match self.refused_before {
            Some(refused) if refused <= end => self.refused_before = None,
            Some(_) => {}
            None => self.step = self.step.saturating_mul(2),
        }
    }

    /// Says whether it is one row.
    fn refused(&mut self, end: usize) -> bool {
        if end - self.at > 1 {
            self.refused_before = Some(end);
            return false;
        }
        self.step = (self.at - self.begun).max(1);
        (self.at, self.begun, self.refused_before) = (end, end, None);
        true
    }
}

/// Whether it may have nothing to do with the rows: others would fare no better.
pub(super) fn is_of_no_row(error: &Error) -> bool {
    let passing = [ErrorKind::Connection, ErrorKind::Ambiguous, ErrorKind::Timeout, ErrorKind::Cancelled];
    passing.contains(&error.kind()) || error.is_retryable()
}

impl<R: RecordCodec> PostgresStore<R> {
    /// Rows of different ids of which some are refused, in one transaction.
    pub(super) fn put_apart(
        &self,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
        limits: &Limits,
    ) -> Result<Vec<Outcome>, Refusal> {
        let apart = |session: &mut Session| self.apart(session, verb, brings, rows).map_err(Refusal::uncommitted);
        let (told, refused) = self.as_one(limits, apart)?;
        Ok(self.outcomes(verb, rows, told, refused, limits))
    }

    /// What is told of each row, and why the server refuses those that it does.
    fn apart(
        &self,
        session: &mut Session,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
    ) -> Result<(Vec<Option<Told>>, Refused), Refusal> {
        let stage = self.stage_of(session, true, brings, &mut Rows(self, rows))?;
        let mut put = self.put_range(verb, brings, &stage);
        let (id, told) = (&self.table.id, "_dk_told");
        let version = if self.table.version == VersionAt::Xmin { "xmin" } else { "NULL::xid" };
        let begin = format!(
            "CREATE INDEX ON {0} (_place); CREATE TEMPORARY TABLE {told} ON COMMIT DROP AS \
             SELECT {1} AS _key, true AS _is_new, {version} AS _xmin FROM {2} WITH NO DATA; SAVEPOINT dk_range",
            stage.name, id.quoted, self.table.qualified
        );
        session.batch(&begin).map_err(Refusal::undone)?;
        let (mut search, mut refused) = (Search::of(rows.len()), Refused::default());
        while let Some((start, end)) = search.next() {
            put.values.clear();
            put.values.i32(start as i32);
            put.values.i32(end as i32);
            let end_of_range = match session.try_execute(&put) {
                Ok(_) => {
                    search.taken(end);
                    "RELEASE SAVEPOINT dk_range; SAVEPOINT dk_range"
                }
                Err(cause) => {
                    let error = match rows.get(start) {
                        Some(row) if end - start == 1 => self.violation(&row.id, cause),
                        _ => failure(cause),
                    };
                    if is_of_no_row(&error) {
                        return Err(Refusal::undone(error));
                    }
                    if search.refused(end) {
                        refused.insert(start, error);
                    }
                    "ROLLBACK TO SAVEPOINT dk_range"
                }
            };
            session.batch(end_of_range).map_err(Refusal::undone)?;
        }
        let places: HashMap<&Id, usize> = rows.iter().enumerate().map(|(at, row)| (&row.id, at)).collect();
        let mut all = vec![None; rows.len()];
        copy_out(session, &format!("SELECT * FROM {told}"), |mut cells| {
            let mut next = || cells.next().and_then(|Param(cell)| cell);
            let (key, is_new, xmin) = (next(), next(), next());
            let place = places.get(&id_of(key, id.kind)?);
            if let Some(told) = place.and_then(|place| all.get_mut(*place)) {
                let effect = if is_new == Some(&[1]) { Effect::Created } else { Effect::Updated };
                *told = Some(Told { effect, xmin: xmin.and_then(|raw| raw.try_into().ok()) });
            }
            Ok(())
        })?;
        let done = format!("RELEASE SAVEPOINT dk_range; DROP TABLE {told}");
        session.batch(&done).map_err(Refusal::undone)?;
        stage.drop(session).map_err(Refusal::undone)?;
        Ok((all, refused))
    }

    /// The statement that puts the rows of a range of places, and keeps what is told of them.
    fn put_range(&self, verb: Verb, brings: Brings, stage: &Stage) -> Statement {
        let (table, columns) = (&self.table.qualified, names(self.table.written()));
        let range = "_place >= $1 AND _place < $2";
        let insert = || {
            let insisting = insisting(&self.table);
            format!("INSERT INTO {table} ({columns}){insisting} SELECT {columns} FROM {} WHERE {range}", stage.name)
        };
        let (put, of, is_new) = match verb {
            Verb::Create => (insert() + " ON CONFLICT DO NOTHING", "", "true"),
            Verb::Upsert => (insert() + &on_conflict(&self.table, brings), "", "(xmax = 0)"),
            Verb::Update => (update_from(&self.table, brings, stage.name) + " AND " + range, "target.", "false"),
        };
        let version = if self.table.version == VersionAt::Xmin { format!("{of}xmin") } else { "NULL::xid".to_owned() };
        let mut statement = Statement::new(format!(
            "WITH done AS ({put} RETURNING {}, {is_new}, {version}) INSERT INTO _dk_told SELECT * FROM done",
            self.table.id_sql(of)
        ));
        statement.kinds = vec![Scalar::Int4.one(); 2];
        statement
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is found, how many rows were tried, and how often.
    fn search(rows: usize, bad: &[usize]) -> (Vec<usize>, usize, usize) {
        let (mut search, mut found, mut tried, mut tries) = (Search::of(rows), Vec::new(), 0, 0);
        while let Some((start, end)) = search.next() {
            assert_eq!(start, search.at);
            tries += 1;
            match bad.get(bad.partition_point(|at| *at < start)).filter(|at| **at < end) {
                None => {
                    tried += end - start;
                    search.taken(end);
                }
                Some(first) => {
                    tried += first + 1 - start;
                    if search.refused(end) {
                        found.push(start);
                    }
                }
            }
        }
        (found, tried, tries)
    }

    #[test]
    fn however_many_are_refused_a_row_is_tried_a_few_times() {
        for every in [1, 2, 3, 10, 100, 1_000, 59_999] {
            let bad: Vec<_> = (0..60_000).step_by(every).collect();
            let (found, tried, tries) = search(60_000, &bad);
            assert_eq!(found, bad);
            assert!(tried < 10 * 60_000 && tries < bad.len() * 40 + 40, "every {every}: {tried} rows in {tries} tries");
        }
    }

    proptest! {
        #[test]
        fn each_row_is_taken_or_refused(rows in 0_usize..500, bad in prop::collection::btree_set(0_usize..500, 0..60)) {
            let bad: Vec<_> = bad.into_iter().filter(|at| *at < rows).collect();
            prop_assert_eq!(search(rows, &bad).0, bad);
        }
    }
}
