//! Blocks: how much of a batch is taken from the caller at once, so that one of any length takes the memory of a few.

use super::{
    batch::{again, was_lost},
    link::Link,
    pool::refuse_in_runtime,
    store::PostgresStore,
};
use crate::{
    error::Result,
    record::{RecordCodec, Schema, weight::handed_over},
    store::{
        Limits,
        write::{Atomicity, Outcome, Write},
    },
};

/// Writes that are taken from the caller and go together, for each connection, where they do not stand or fall as one: enough to
/// make the way there and back count for nothing, and few enough that a batch of any length takes the memory of so many.
const BLOCK: usize = 65_536;
/// About how many bytes the records of these hold that the caller has handed over, for each connection.
const BLOCK_BYTES: u64 = 64 << 20;

/// About how many bytes a write has taken over from the caller.
fn bytes_of<R: RecordCodec>(write: &Write<'_, R>, schema: &Schema) -> u64 {
    match write {
        Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => handed_over(draft, schema),
        _ => 0,
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    pub(super) fn write_batch<'a>(
        &self,
        writes: impl Iterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        if let Link::Pool(_) = self.link {
            refuse_in_runtime()?;
        }
        match atomicity {
            Atomicity::Each => self.write_each(writes, limits),
            Atomicity::All => self.write_all(writes.collect(), limits),
        }
    }

    /// Block by block. The iterator is the user's, and may use this store: no connection is held while it runs.
    fn write_each<'a>(&self, writes: impl Iterator<Item = Write<'a, R>>, limits: &Limits) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        let (mut outcomes, mut block) = (Vec::new(), Vec::new());
        let mut writes = writes.fuse();
        loop {
            self.take_block(&mut writes, &mut block);
            if block.is_empty() {
                return Ok(outcomes);
            }
            let begun = outcomes.len();
            if begun > 0
                && let Err(why) = limits.check()
            {
                let untried = block.into_iter().chain(writes);
                outcomes.extend(untried.map(|_| Err(again(&why).in_store(&self.name))));
                return Ok(outcomes);
            }
            self.write_block(&mut block, limits, &mut outcomes);
            block.clear();
            let Some(Err(why)) = outcomes.get(begun).filter(|_| outcomes[begun..].iter().all(was_lost)) else {
                continue;
            };
            if begun == 0 {
                return outcomes.swap_remove(0).map(|_| Vec::new());
            }
            // Nobody was there for a whole block: what comes behind it does not wait for the same.
            let why = again(why);
            outcomes.extend(writes.map(|_| Err(again(&why).in_store(&self.name))));
            return Ok(outcomes);
        }
    }

    /// Takes what goes together from the caller.
    fn take_block<'a>(&self, writes: &mut impl Iterator<Item = Write<'a, R>>, block: &mut Vec<Write<'a, R>>)
    where
        R: 'a,
    {
        let connections = self.connections();
        let (most, mut room) = (BLOCK.saturating_mul(connections), BLOCK_BYTES.saturating_mul(connections as u64));
        while block.len() < most
            && room > 0
            && let Some(write) = writes.next()
        {
            room = room.saturating_sub(bytes_of(&write, &self.shape));
            block.push(write);
        }
    }

    /// All or nothing: in a transaction, or between two marks of the one that there is.
    fn write_all(&self, writes: Vec<Write<'_, R>>, limits: &Limits) -> Result<Vec<Outcome>> {
        let all = |store: &Self| {
            let outcomes = store.write_each(writes.into_iter(), limits)?;
            outcomes.into_iter().map(|outcome| outcome.map(Ok)).collect::<Result<Vec<_>>>()
        };
        match &self.link {
            Link::Transaction(transaction) => transaction.savepoint(|| all(self)),
            Link::Pool(pool) => {
                let database = super::Postgres::on(pool.clone());
                database.transaction_on(|link| all(&PostgresStore { link, ..self.clone() }))
            }
        }
    }
}
