//! Rows that wait in a table of the session alone, and the statement that takes them from there all at once.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    copy::{Refusal, copy, copy_out},
    pool::Session,
    rows::id_of,
    schema::Table,
    statement::{Brings, insisting, names, on_conflict, returned_version, update_from, version_kind},
    store::PostgresStore,
    wire::Values,
    write::{Sealed, Verb, now, push_version, set_aside, version_given},
};
use crate::{error::Result, id::Id, record::RecordCodec, store::write::Effect, version::Version};

/// A table of the session alone that rows wait in.
pub(super) struct Stage {
    /// Always the same, so that statements on it are prepared once; a session has one at a time. No store has such a name.
    pub(super) name: &'static str,
    /// With the place of each row among those that were sent, by which the server answers for it.
    placed: bool,
    /// With the version that each row must find.
    expecting: bool,
}

impl Stage {
    /// Makes one with the columns of a table; it goes when the transaction does.
    pub(super) fn make(session: &mut Session, table: &Table, placed: bool, brings: Brings) -> Result<Stage> {
        let (name, expecting) = ("_dk_stage", brings.expected);
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
    pub(super) fn drop(&self, session: &mut Session) -> Result<()> {
        session.batch(&format!("DROP TABLE {}", self.name))
    }
}

/// Rows on their way into a stage.
pub(super) trait Source {
    /// Begins, or begins anew.
    fn begin(&mut self);
    fn len(&self) -> usize;
    /// Appends the columns of [`Table::written`] of a row; says whether there are any.
    fn push(&mut self, place: usize, now: i64, out: &mut Values) -> Result<bool>;
    /// The id of a row; none of one that was not sent.
    fn id(&self, place: usize) -> Option<&Id>;
    /// The version that the row must find.
    fn expected(&self, place: usize) -> Option<&Version>;
}

/// Rows that are sealed already.
pub(super) struct Rows<'s, 'r, 'd, R: RecordCodec>(pub(super) &'s PostgresStore<R>, pub(super) &'r [&'r Sealed<'d, R>]);

impl<R: RecordCodec> Source for Rows<'_, '_, '_, R> {
    fn begin(&mut self) {}
    fn len(&self) -> usize {
        self.1.len()
    }
    fn push(&mut self, place: usize, now: i64, out: &mut Values) -> Result<bool> {
        self.1[place].push_row(self.0, now, out).map(|()| true)
    }
    fn id(&self, place: usize) -> Option<&Id> {
        self.1.get(place).map(|row| &row.id)
    }
    fn expected(&self, place: usize) -> Option<&Version> {
        self.1.get(place)?.draft.expected()
    }
}

/// What the server says of a row that it wrote.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) effect: Effect,
    /// The version, where that is the server's own.
    pub(super) xmin: Option<[u8; 4]>,
}

impl Told {
    /// The version of the row, which was sent with this token.
    pub(super) fn version(&self, table: &Table, token: [u8; 16]) -> Option<Version> {
        version_given(table, token, self.xmin.as_ref().map(<[u8; 4]>::as_slice))
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// What is told of each row; `None` where the row was not written.
    pub(super) fn staged<S: Source>(
        &self,
        session: &mut Session,
        verb: Verb,
        brings: Brings,
        rows: &mut S,
    ) -> Result<Vec<Option<Told>>, Refusal> {
        let stage = self.stage_of(session, verb == Verb::Update, brings, rows)?;
        let (table, columns) = (&self.table.qualified, names(self.table.written()));
        let insisting = insisting(&self.table);
        let insert = format!("INSERT INTO {table} ({columns}){insisting} SELECT {columns} FROM {}", stage.name);
        let version = returned_version(&self.table);
        let mut sent = (0..rows.len()).filter_map(|place| Some((place, rows.id(place)?)));
        let told = match verb {
            Verb::Create => {
                let places: HashMap<&Id, usize, RandomState> = sent.map(|(place, id)| (id, place)).collect();
                let id = &self.table.id;
                let sql = format!("{insert} ON CONFLICT DO NOTHING RETURNING {}{version}", id.quoted);
                answered(session, &sql, rows.len(), |key| {
                    Ok(places.get(&id_of(key, id.kind)?).map(|place| (*place, Effect::Created)))
                })?
            }
            Verb::Update => {
                let update = update_from(&self.table, brings, stage.name);
                let sql = format!("{update} RETURNING stage._place{}", version.replace("xmin", "target.xmin"));
                answered(session, &sql, rows.len(), |place| {
                    let place = place.and_then(|raw| raw.try_into().ok()).map(u32::from_be_bytes);
                    Ok(place.map(|place| (place as usize, Effect::Updated)))
                })?
            }
            // It answers for every row that it writes, in the order in which they lie in the stage.
            Verb::Upsert => {
                let on_conflict = on_conflict(&self.table, brings);
                let sql = format!("{insert}{on_conflict} RETURNING (xmax = 0){version}");
                let told = answered(session, &sql, rows.len(), |is_new| {
                    let effect = if is_new == Some(&[1]) { Effect::Created } else { Effect::Updated };
                    Ok(sent.next().map(|(place, _)| (place, effect)))
                })?;
                // Where a trigger has set some aside, nobody can say which.
                if sent.next().is_some() {
                    return Err(Refusal::whole(set_aside()));
                }
                told
            }
        };
        stage.drop(session).map_err(Refusal::undone)?;
        Ok(told)
    }

    /// Makes a stage that holds these rows.
    pub(super) fn stage_of<S: Source>(
        &self,
        session: &mut Session,
        placed: bool,
        brings: Brings,
        rows: &mut S,
    ) -> Result<Stage, Refusal> {
        rows.begin();
        let stage = Stage::make(session, &self.table, placed, brings).map_err(Refusal::undone)?;
        // The table was read for it, and so nobody changes it until the transaction ends.
        self.check_columns(session)?;
        self.copy_to_stage(session, &stage, rows, now())?;
        Ok(stage)
    }

    /// Copies rows into the stage.
    fn copy_to_stage<S: Source>(
        &self,
        session: &mut Session,
        stage: &Stage,
        rows: &mut S,
        now: i64,
    ) -> Result<(), Refusal> {
        let columns = self.table.written().count() + usize::from(stage.placed) + usize::from(stage.expecting);
        let sql = format!("COPY {} FROM STDIN BINARY", stage.name);
        copy(session, &sql, rows.len(), |place, out| {
            let start = out.bytes.len();
            out.bytes.extend_from_slice(&(columns as i16).to_be_bytes());
            if !rows.push(place, now, out)? {
                out.bytes.truncate(start);
                return Ok(());
            }
            if stage.placed {
                out.i32(place as i32);
            }
            match (stage.expecting, rows.expected(place)) {
                (true, Some(version)) => push_version(version, out),
                (true, None) => out.null(),
                _ => {}
            }
            Ok(())
        })
        .map(drop)
    }
}

/// What a statement that answers for the rows that it wrote tells of each of so many. `which` says from the first cell of an
/// answer for which of them it is, and what was done; the second is the version, where that is the server's own.
fn answered(
    session: &mut Session,
    sql: &str,
    rows: usize,
    mut which: impl FnMut(Option<&[u8]>) -> Result<Option<(usize, Effect)>>,
) -> Result<Vec<Option<Told>>, Refusal> {
    let mut told = vec![None; rows];
    copy_out(session, sql, |mut cells| {
        let (first, xmin) = (cells.next().and_then(|cell| cell.0), cells.next().and_then(|cell| cell.0));
        if let Some((place, effect)) = which(first)?
            && let Some(told) = told.get_mut(place)
        {
            *told = Some(Told { effect, xmin: xmin.and_then(|raw| raw.try_into().ok()) });
        }
        Ok(())
    })?;
    Ok(told)
}
