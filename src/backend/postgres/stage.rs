//! Rows that wait in a table of the session alone, and the statement that takes them from there all at once.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    copy::{Refusal, copy, copy_out},
    pool::Session,
    rows::id_of,
    schema::Table,
    statement::{Brings, names, on_conflict, returned_version, update_from, version_kind},
    store::PostgresStore,
    write::{Sealed, Verb, now, push_version, set_aside, version_given},
};
use crate::{
    error::Result,
    id::Id,
    record::RecordCodec,
    store::write::{Effect, Outcome},
};

/// A table of the session alone that rows wait in.
struct Stage {
    /// Always the same, so that statements on it are prepared once; a session has one at a time. No store has such a name.
    name: &'static str,
    /// With the place of each row among those that were sent, by which the server answers for it.
    placed: bool,
    /// With the version that each row must find.
    expecting: bool,
}

impl Stage {
    /// Makes one with the columns of a table; it goes when the transaction does.
    fn make(session: &mut Session, table: &Table, verb: Verb, brings: Brings) -> Result<Stage> {
        let (name, placed, expecting) = ("_dk_stage", verb == Verb::Update, brings.expected);
        let place = if placed { ", 0::integer AS _place" } else { "" };
        let expected =
            if expecting { format!(", NULL::{} AS _expected", version_kind(table).sql()) } else { String::new() };
        session.batch(&format!(
            "CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {}{place}{expected} FROM {} WITH NO DATA",
            names(table.written()),
            table.qualified
        ))?;
        Ok(Stage { name, placed, expecting })
    }
    fn drop(&self, session: &mut Session) -> Result<()> {
        session.batch(&format!("DROP TABLE {}", self.name))
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// One outcome for each row; `None` where the row was not written.
    pub(super) fn staged(
        &self,
        session: &mut Session,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
    ) -> Result<Vec<Option<Outcome>>, Refusal> {
        let stage = Stage::make(session, &self.table, verb, brings).map_err(Refusal::undone)?;
        self.copy_to_stage(session, &stage, rows, now())?;
        let (table, columns) = (&self.table.qualified, names(self.table.written()));
        let insert = format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {}", stage.name);
        let version = returned_version(&self.table);
        let outcomes = match verb {
            Verb::Create => {
                let places: HashMap<&Id, usize, RandomState> =
                    rows.iter().enumerate().map(|(place, row)| (&row.id, place)).collect();
                let id = &self.table.id;
                let sql = format!("{insert} ON CONFLICT DO NOTHING RETURNING {}{version}", id.quoted);
                self.answered(session, &sql, rows, |key, _| {
                    Ok(places.get(&id_of(key, id.kind)?).map(|place| (*place, Effect::Created)))
                })?
            }
            Verb::Update => {
                let update = update_from(&self.table, brings, stage.name);
                let sql = format!("{update} RETURNING stage._place{}", version.replace("xmin", "target.xmin"));
                self.answered(session, &sql, rows, |place, _| {
                    let place = place.and_then(|raw| raw.try_into().ok()).map(u32::from_be_bytes);
                    Ok(place.map(|place| (place as usize, Effect::Updated)))
                })?
            }
            // It answers for every row that it writes, in the order in which they lie in the stage.
            Verb::Upsert => {
                let on_conflict = on_conflict(&self.table, brings);
                let sql = format!("{insert}{on_conflict} RETURNING (xmax = 0){version}");
                let outcomes = self.answered(session, &sql, rows, |is_new, nth| {
                    Ok(Some((nth, if is_new == Some(&[1]) { Effect::Created } else { Effect::Updated })))
                })?;
                // Where a trigger has set some aside, nobody can say which.
                if outcomes.iter().any(Option::is_none) {
                    return Err(Refusal::whole(set_aside()));
                }
                outcomes
            }
        };
        stage.drop(session).map_err(Refusal::undone)?;
        Ok(outcomes)
    }

    /// The outcomes of a statement that answers for the rows that it wrote. `told` says from the first cell of the nth answer
    /// for which of them it is, and what was done; the second is the version, where that is the server's own.
    fn answered(
        &self,
        session: &mut Session,
        sql: &str,
        rows: &[&Sealed<'_, R>],
        told: impl Fn(Option<&[u8]>, usize) -> Result<Option<(usize, Effect)>>,
    ) -> Result<Vec<Option<Outcome>>, Refusal> {
        let mut outcomes: Vec<Option<Outcome>> = rows.iter().map(|_| None).collect();
        let mut nth = 0;
        copy_out(session, sql, |mut cells| {
            let (first, xmin) = (cells.next().and_then(|cell| cell.0), cells.next().and_then(|cell| cell.0));
            if let Some((place, effect)) = told(first, nth)?
                && let (Some(row), Some(outcome)) = (rows.get(place), outcomes.get_mut(place))
            {
                *outcome = Some(Ok(row.written(version_given(&self.table, row.version, xmin), effect)));
            }
            nth += 1;
            Ok(())
        })?;
        Ok(outcomes)
    }

    /// Copies rows into the stage.
    fn copy_to_stage(
        &self,
        session: &mut Session,
        stage: &Stage,
        rows: &[&Sealed<'_, R>],
        now: i64,
    ) -> Result<(), Refusal> {
        let columns = self.table.written().count() + usize::from(stage.placed) + usize::from(stage.expecting);
        let sql = format!("COPY {} FROM STDIN BINARY", stage.name);
        copy(session, &sql, rows.len(), |place, out| {
            out.bytes.extend_from_slice(&(columns as i16).to_be_bytes());
            let Some(sealed) = rows.get(place) else { return Ok(()) };
            sealed.push_row(self, now, out)?;
            if stage.placed {
                out.i32(place as i32);
            }
            match (stage.expecting, sealed.draft.expected()) {
                (true, Some(version)) => push_version(version, out),
                (true, None) => out.null(),
                _ => {}
            }
            Ok(())
        })
        .map(drop)
    }
}
