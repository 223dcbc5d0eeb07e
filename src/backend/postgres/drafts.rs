//! Drafts that are checked and encoded as they are sent, while the server takes in those before them.

use foldhash::fast::RandomState;

use super::{
    stage::Source,
    store::PostgresStore,
    wire::Values,
    write::{Sealed, Verb},
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::RecordCodec,
    store::{
        decide::taken,
        write::{Effect, Write, Written},
    },
    version::Version,
};

/// Places of a run.
pub(super) type Places = hashbrown::HashSet<usize, RandomState>;

/// What is kept of a draft that was sent.
pub(super) struct Seal {
    pub(super) id: Id,
    pub(super) version: [u8; 16],
}

impl Seal {
    pub(super) fn created(self) -> Written {
        Written { id: self.id, version: Some(Version::token(self.version)), effect: Effect::Created }
    }
}

/// Drafts of one verb, which are sealed one after the other.
pub(super) struct Drafts<'s, 'w, 'a, R: RecordCodec> {
    pub(super) store: &'s PostgresStore<R>,
    pub(super) verb: Verb,
    pub(super) run: &'w mut [Write<'a, R>],
    /// Those that have the id of one before them.
    pub(super) repeated: &'s Places,
    /// What became of those that were looked at.
    pub(super) seals: Vec<Result<Seal>>,
}

impl<R: RecordCodec> Drafts<'_, '_, '_, R> {
    /// Checks a draft and appends its columns; says whether there are any.
    pub(super) fn push(&mut self, place: usize, now: i64, out: &mut Values) -> bool {
        let sealed = self.store.sealed(self.verb, &mut self.run[place]).and_then(|sealed| {
            if self.repeated.contains(&place) {
                return Err(taken(&sealed.id));
            }
            sealed.push_row(self.store, now, out).map(|()| Seal { id: sealed.id, version: sealed.version })
        });
        let good = sealed.is_ok();
        self.seals.push(sealed);
        good
    }
}

impl<R: RecordCodec> Source for Drafts<'_, '_, '_, R> {
    fn begin(&mut self) {
        self.seals.clear();
    }
    fn len(&self) -> usize {
        self.run.len()
    }
    fn push(&mut self, place: usize, now: i64, out: &mut Values) -> Result<bool> {
        Ok(Drafts::push(self, place, now, out))
    }
    fn id(&self, place: usize) -> Option<&Id> {
        self.seals.get(place)?.as_ref().ok().map(|seal| &seal.id)
    }
    fn expected(&self, place: usize) -> Option<&Version> {
        match self.run.get(place)? {
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => draft.expected(),
            _ => None,
        }
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    pub(super) fn sealed<'d>(&self, verb: Verb, write: &'d mut Write<'_, R>) -> Result<Sealed<'d, R>> {
        match write {
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => Sealed::of(self, verb, draft),
            _ => Err(Error::backend("a write went with others of another sort")),
        }
    }

    /// The id that a write names, where it is a good one: without one it is refused later, or given one of its own.
    pub(super) fn id_named(&self, write: &Write<'_, R>) -> Option<Id> {
        match write {
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => self.settle_id(draft).ok().flatten(),
            _ => None,
        }
    }

    /// Whether the ids of these come in their order, as generated ones and those of other stores do: then none comes again.
    pub(super) fn ascend(&self, run: &[Write<'_, R>]) -> bool {
        run.iter().filter_map(|write| self.id_named(write)).is_sorted_by(|a, b| a < b)
    }
}
