//! A connection that is cut at every statement of every verb, before, in the middle and after.
//!
//! Each verb is run again and again with the cut at its first exchange with the server, its second, and so on in growing steps, until
//! it ends before the cut would strike; so statements that prepare, ask again and resolve are cut as well. Then the server is asked directly:
//! what was acknowledged is there, what was refused is not, what is `Ambiguous` is there whole or not at all, and nothing is there
//! twice (semantics 5.6).

use std::collections::BTreeMap;

use dk_data::{
    Aggregating, Changes, Database, Draft, Effect, Error, ErrorKind, Highlight, Outcome, Query, Record, Result,
    Searching, Store, Stored, Transactional, Written,
    backend::postgres::{Postgres, PostgresConfig, PostgresStore},
    query::aggregate::Count,
};

use crate::{
    proxy::{Cut, Proxy},
    server::{Scratch, address, url, wait_until},
};

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "counters")]
pub struct Counter {
    #[record(id)]
    key: String,
    n: i64,
}

fn counter(key: impl Into<String>, n: i64) -> Counter {
    Counter { key: key.into(), n }
}

/// What is in the table, asked directly.
type State = BTreeMap<String, i64>;

/// A store behind the proxy, and its table without it.
pub struct Line {
    pub scratch: Scratch,
    pub proxy: Proxy,
    pub db: Postgres,
    pub store: PostgresStore<Counter>,
}

/// What a verb may say when its connection is cut once.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    /// It always succeeds: the outcome can be found out, or the work be done again.
    Done,
    /// It may say that it does not know, or that nothing was done.
    Perhaps,
}

impl Line {
    pub fn new() -> Line {
        Line::with(|config| config)
    }

    pub fn with(configured: impl FnOnce(PostgresConfig) -> PostgresConfig) -> Line {
        let scratch = Scratch::new();
        let proxy = Proxy::before(address(&url()));
        let db = configured(scratch.config_at(&proxy.address())).connect().expect("the server answers");
        let store = db.store::<Counter>().expect("the table is made");
        Line { scratch, proxy, db, store }
    }

    fn state(&mut self) -> State {
        let rows = self.scratch.client.query("SELECT key, n FROM counters", &[]).expect("the server answers");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Puts the table into a state through the store, so that the rows have versions.
    fn reset(&mut self, state: &State) {
        self.scratch.client.batch_execute("DELETE FROM counters").expect("the server answers");
        for outcome in self.store.create_batch(state.iter().map(|(k, n)| counter(k, *n))).expect("nothing is armed") {
            outcome.expect("nothing is armed");
        }
    }

    /// Runs `verb` with one cut at a time; `check` sees the cut, what the verb said, and the table behind it.
    fn cut_everywhere<T>(
        &mut self,
        before: &State,
        verb: impl Fn(&Postgres, &PostgresStore<Counter>) -> T,
        mut check: impl FnMut(Cut, T, State),
    ) {
        let checked = |line: &mut Line, cut, said| {
            let state = line.state();
            check(cut, said, state);
        };
        self.cut_everywhere_from(|line| line.reset(before), verb, checked);
    }

    /// The same from what `prepare` makes.
    pub fn cut_everywhere_from<T>(
        &mut self,
        mut prepare: impl FnMut(&mut Line),
        verb: impl Fn(&Postgres, &PostgresStore<Counter>) -> T,
        mut check: impl FnMut(&mut Line, Cut, T),
    ) {
        let mut struck = 0;
        for cut in Cut::ALL {
            for nth in places() {
                prepare(self);
                assert!(self.store.exists(Query::new()).is_ok(), "the pool has a connection again");
                self.proxy.take_log();
                self.proxy.cut_nth("", nth, cut);
                let said = verb(&self.db, &self.store);
                if self.proxy.disarm() {
                    assert!(nth > 1, "the verb says nothing to the server");
                    break;
                }
                struck += 1;
                check(self, cut, said);
            }
        }
        assert!(struck >= Cut::ALL.len(), "every kind of cut has struck: {struck}");
    }

    /// The same for a write of all or nothing from one state to another.
    fn write_once<T>(
        &mut self,
        before: &State,
        after: &State,
        says: Says,
        verb: impl Fn(&Postgres, &PostgresStore<Counter>) -> Result<T>,
    ) {
        self.cut_everywhere(before, verb, |cut, said, state| match said {
            Ok(_) => assert_eq!(&state, after, "{cut:?}: acknowledged, and not there"),
            Err(error) => {
                assert!(says == Says::Perhaps, "{cut:?}: this can be found out: {error:?}");
                refused(cut, &error, &state, before, after);
            }
        });
    }
}

/// An error of a cut says the truth of what is there.
fn refused(cut: Cut, error: &Error, state: &State, before: &State, after: &State) {
    match error.kind() {
        ErrorKind::Ambiguous => assert!(state == before || state == after, "{cut:?}: neither done nor not: {state:?}"),
        ErrorKind::Connection | ErrorKind::Timeout => {
            assert_eq!(state, before, "{cut:?}: `{error}` says that nothing was done");
        }
        _ => panic!("{cut:?}: a cut is no {error:?}"),
    }
}

/// The statements of a verb that are cut: the first eight, then ever fewer.
fn places() -> impl Iterator<Item = usize> {
    (1..=8).chain((1..60).map(|step| 8 + step * (step + 1) / 2))
}

fn state<const N: usize>(of: [(&str, i64); N]) -> State {
    of.into_iter().map(|(key, n)| (key.to_owned(), n)).collect()
}

// ---- single records

#[test]
fn semantics_5_6_a_create_that_is_cut_is_there_once_or_not_known() {
    let (before, after) = (state([("b", 1)]), state([("a", 1), ("b", 1)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| store.create(counter("a", 1)));
}

#[test]
fn semantics_5_6_an_update_that_is_cut_is_there_or_not_known() {
    let (before, after) = (state([("a", 1)]), state([("a", 2)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| store.update("a", counter("a", 2)));
}

#[test]
fn a_patch_that_is_cut_is_applied_once() {
    let (before, after) = (state([("a", 1)]), state([("a", 2)]));
    Line::new().write_once(&before, &after, Says::Done, |_, store| store.patch("a", Changes::add("n", 1)));
}

#[test]
fn an_upsert_that_is_cut_is_there_or_not_known() {
    let (before, after) = (state([("a", 1)]), state([("a", 2)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| store.upsert("a", counter("a", 2)));
    let (before, after) = (state([]), state([("a", 2)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| store.upsert("a", counter("a", 2)));
}

#[test]
fn a_delete_that_is_cut_is_done_or_not_known() {
    let (before, after) = (state([("a", 1), ("b", 1)]), state([("b", 1)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| match store.delete("a") {
        Ok(false) => panic!("a delete that finds its own work undone says that nothing was there"),
        done => done,
    });
}

#[test]
fn a_conditional_write_that_is_cut_never_conflicts_with_itself() {
    let (before, after) = (state([("a", 1)]), state([("a", 2)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| {
        // The read may be cut as well; then it has said so, and nothing was written.
        let Some(mut found) = store.read("a")? else { panic!("it is there") };
        found.record.n = 2;
        store.save(found)
    });
    Line::new().write_once(&before, &state([]), Says::Perhaps, |_, store| {
        let Some(found) = store.read("a")? else { panic!("it is there") };
        store.delete_if("a", found.envelope.version().expect("rows of ours have versions"))
    });
}

#[test]
fn a_conditional_write_behind_a_lost_reply_still_loses_to_others() {
    let mut line = Line::new();
    line.reset(&state([("a", 1)]));
    let found = line.store.read("a").expect("nothing is armed").expect("it is there");
    line.store.patch("a", Changes::add("n", 10)).expect("nothing is armed");
    for cut in Cut::ALL {
        line.proxy.cut_next("update", cut);
        let lost = line.store.save(found.clone()).expect_err("somebody else was faster");
        assert!(matches!(lost.kind(), ErrorKind::Conflict | ErrorKind::Ambiguous), "{cut:?}: {lost:?}");
        line.proxy.disarm();
    }
    assert_eq!(line.state(), state([("a", 11)]));
}

// ---- batches

/// The records of a batch.
const BATCH: usize = 60;

fn keys() -> impl Iterator<Item = String> {
    (0..BATCH).map(|number| format!("k{number:04}"))
}

fn all(n: i64) -> State {
    keys().map(|key| (key, n)).collect()
}

/// Each record's outcome says the truth of that record.
fn settled(cut: Cut, said: Result<Vec<Outcome>>, state: &State, before: &State, after: &State) {
    let one = |of: &State, key: &String| -> State { of.get(key).map(|n| (key.clone(), *n)).into_iter().collect() };
    let outcomes = match said {
        Ok(outcomes) => outcomes,
        Err(whole) => return refused_each(cut, &whole, state, before, after),
    };
    assert_eq!(outcomes.len(), BATCH, "{cut:?}: one outcome for each");
    for (key, outcome) in keys().zip(outcomes) {
        match outcome {
            Ok(Written { .. }) => {
                assert_eq!(one(state, &key), one(after, &key), "{cut:?} {key}: acknowledged, not there")
            }
            Err(error) => refused(cut, &error, &one(state, &key), &one(before, &key), &one(after, &key)),
        }
    }
}

/// What failed as a whole says so of each record.
fn refused_each(cut: Cut, error: &Error, state: &State, before: &State, after: &State) {
    let one = |of: &State, key: &String| -> State { of.get(key).map(|n| (key.clone(), *n)).into_iter().collect() };
    for key in keys() {
        refused(cut, error, &one(state, &key), &one(before, &key), &one(after, &key));
    }
}

#[test]
fn a_create_batch_that_is_cut_says_the_truth_of_each_record() {
    let (before, after) = (State::new(), all(1));
    Line::new().cut_everywhere(
        &before,
        |_, store| store.create_batch(keys().map(|key| counter(key, 1))),
        |cut, said, state| settled(cut, said, &state, &before, &after),
    );
}

/// The reply is lost while the server has not decided yet: what has been said of the records stays true, whatever happens then.
#[test]
fn a_batch_whose_reply_is_lost_is_ended_before_it_is_looked_for() {
    type Verb = fn(&PostgresStore<Counter>) -> Result<Vec<Outcome>>;
    let verbs: [Verb; 3] = [
        |store| store.create_batch(keys().map(|key| counter(key, 1))),
        |store| store.upsert_batch(keys().map(|key| counter(key, 1))),
        |store| store.delete_batch(keys()).map(|_| Vec::new()),
    ];
    for (number, verb) in verbs.into_iter().enumerate() {
        let mut line = Line::new();
        let before = if number == 2 { all(1) } else { State::new() };
        line.reset(&before);
        // Every write waits at its end until the test lets it go.
        let lock = format!("hashtext('{}')", line.scratch.name);
        let hold = format!(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_advisory_xact_lock_shared({lock}); RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER held AFTER INSERT OR UPDATE OR DELETE ON counters \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold(); SELECT pg_advisory_lock({lock})"
        );
        line.scratch.client.batch_execute(&hold).expect("the schema is ours");
        let waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'advisory'";
        let mut admin = line.scratch.connect();
        let name = line.scratch.name.clone();
        let mut holds = || admin.query(waiting, &[&name]).expect("it answers").first().map(|row| row.get::<_, i32>(0));
        let unlock = format!("SELECT pg_advisory_unlock({lock})");
        let (store, proxy, client) = (line.store.clone(), &line.proxy, &mut line.scratch.client);
        let said = std::thread::scope(|scope| {
            let writing = scope.spawn(move || verb(&store));
            wait_until("the batch waits at its end", || holds().is_some());
            let first = holds();
            proxy.cut_all();
            if number == 1 {
                // That transaction has a number, so it is known to be undone and is done again.
                wait_until("another waits", || holds().is_some_and(|pid| first != Some(pid)));
                client.batch_execute(&unlock).expect("it is held");
            }
            writing.join().expect("it does not panic")
        });
        if number == 1 {
            assert!(said.is_ok_and(|outcomes| outcomes.iter().all(Result::is_ok)), "it is done in the end");
            assert_eq!(line.state(), all(1));
            continue;
        }
        let unknown = |error: &Error| error.kind() == ErrorKind::Ambiguous;
        match &said {
            Ok(outcomes) => assert!(outcomes.iter().all(|o| o.as_ref().is_err_and(unknown)), "{number}: {said:?}"),
            Err(error) => assert!(unknown(error), "{number}: {error:?}"),
        }
        assert!(holds().is_none(), "{number}: nothing of it is left on the server");
        line.scratch.client.batch_execute(&unlock).expect("it is held");
        assert_eq!(line.state(), before, "{number}: nothing has happened since");
    }
}

#[test]
fn an_update_batch_that_is_cut_says_the_truth_of_each_record() {
    let (before, after) = (all(1), all(2));
    Line::new().cut_everywhere(
        &before,
        |_, store| store.update_batch(keys().map(|key| counter(key, 2))),
        |cut, said, state| settled(cut, said, &state, &before, &after),
    );
}

#[test]
fn an_upsert_batch_that_is_cut_says_the_truth_of_each_record() {
    let before: State = all(1).into_iter().step_by(2).collect();
    let after = all(2);
    Line::new().cut_everywhere(
        &before,
        |_, store| store.upsert_batch(keys().map(|key| counter(key, 2))),
        |cut, said, state| settled(cut, said, &state, &before, &after),
    );
}

/// Of a batch in which some are refused, only what is there is acknowledged.
fn settled_in_part(cut: Cut, said: Result<Vec<Outcome>>, state: &State, before: &State, taken: impl Fn(usize) -> bool) {
    let Ok(outcomes) = said else { return };
    for (place, (key, outcome)) in keys().zip(outcomes).enumerate() {
        match outcome {
            Ok(_) => assert!(!taken(place) && state.get(&key) == Some(&1), "{cut:?} {key}: acknowledged, not there"),
            Err(error) => match error.kind() {
                ErrorKind::AlreadyExists | ErrorKind::Conflict => assert!(taken(place), "{cut:?} {key}: {error}"),
                ErrorKind::Ambiguous => {}
                _ => assert_eq!(state.get(&key), before.get(&key), "{cut:?} {key}: {error}"),
            },
        }
        assert!(!taken(place) || state.get(&key) == before.get(&key), "{cut:?} {key}: refused, and not as it was");
    }
}

#[test]
fn a_create_batch_of_which_some_are_there_acknowledges_no_other() {
    let before: State = all(7).into_iter().step_by(2).collect();
    Line::new().cut_everywhere(
        &before,
        |_, store| store.create_batch(keys().map(|key| counter(key, 1))),
        |cut, said, state| settled_in_part(cut, said, &state, &before, |place| place % 2 == 0),
    );
}

/// Written only where nobody else has written since.
fn expecting(stored: &Stored<Counter>) -> Draft<'static, Counter> {
    let draft = Draft::of(stored.record.clone()).id(stored.storage_id()).expect("an id");
    draft.expect(stored.envelope.version().cloned())
}

#[test]
fn an_update_batch_of_which_some_have_moved_on_acknowledges_no_other() {
    let before = all(7);
    let found = std::cell::RefCell::new(Vec::new());
    Line::new().cut_everywhere_from(
        |line| {
            line.reset(&before);
            let mut stored =
                line.store.search(Query::new().sort(dk_data::query::id().asc())).expect("nothing is armed");
            stored.iter_mut().for_each(|stored| stored.record.n = 1);
            for place in (0..BATCH).step_by(3) {
                line.store
                    .update(
                        keys().nth(place).expect("it is one").as_str(),
                        counter(keys().nth(place).expect("it is one"), 7),
                    )
                    .expect("it is there");
            }
            found.replace(stored);
        },
        |_, store| store.update_batch(found.borrow().iter().map(expecting)),
        |line, cut, said| {
            let state = line.state();
            settled_in_part(cut, said, &state, &before, |place| place % 3 == 0);
        },
    );
}

/// A trigger sets some aside: they are not acknowledged.
#[test]
fn records_that_a_trigger_sets_aside_are_not_acknowledged() {
    let mut line = Line::new();
    let aside = "CREATE FUNCTION aside() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF NEW.key LIKE '%3' THEN RETURN NULL; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER aside BEFORE INSERT OR UPDATE ON counters FOR EACH ROW EXECUTE FUNCTION aside()";
    line.scratch.client.batch_execute(aside).expect("the schema is ours");
    type Verb = fn(&PostgresStore<Counter>) -> Vec<Outcome>;
    let batches: [Verb; 4] = [
        |store| store.create_batch(keys().map(|key| counter(key, 1))).expect("it answers"),
        |store| keys().map(|key| store.create(counter(key + "3", 1))).collect(),
        |store| store.upsert_batch(keys().map(|key| counter(key, 2))).expect("it answers"),
        |store| keys().map(|key| store.upsert(key.clone(), counter(key, 3))).collect(),
    ];
    for (number, batch) in batches.into_iter().enumerate() {
        let outcomes = batch(&line.store);
        let state = line.state();
        for (key, outcome) in keys().zip(outcomes) {
            let refused = number == 1 || key.ends_with('3');
            assert_eq!(outcome.is_err(), refused, "{number} {key}: {outcome:?}");
            assert!(refused || state.contains_key(&key), "{number} {key}");
        }
    }
}

#[test]
fn a_patch_batch_that_is_cut_applies_no_patch_twice() {
    let (before, after) = (all(1), all(2));
    Line::new().cut_everywhere(
        &before,
        |_, store| store.patch_batch(keys().map(|key| (key, Changes::add("n", 1)))),
        |cut, said, state| settled(cut, said, &state, &before, &after),
    );
}

#[test]
fn a_delete_batch_that_is_cut_says_the_truth() {
    let (before, after) = (all(1), State::new());
    Line::new().cut_everywhere(
        &before,
        |_, store| store.delete_batch(keys())?.into_iter().collect::<Result<Vec<bool>>>(),
        |cut, said, state| match said {
            Ok(gone) => {
                assert_eq!(gone.iter().filter(|gone| **gone).count(), BATCH, "{cut:?}: each was there");
                assert_eq!(state, after, "{cut:?}");
            }
            Err(error) => refused_each(cut, &error, &state, &before, &after),
        },
    );
}

#[test]
fn an_atomic_batch_that_is_cut_is_there_whole_or_not_at_all() {
    let (before, after) = (state([("x", 1)]), state([("a", 1), ("b", 1), ("x", 2)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |_, store| {
        use dk_data::store::Write;
        store.write_all([
            Write::Create(Draft::of(counter("a", 1))),
            Write::Patch { id: dk_data::Id::new("x")?, changes: Changes::add("n", 1), expected: None },
            Write::Upsert(Draft::of(counter("b", 1))),
        ])
    });
}

// ---- transactions

#[test]
fn a_transaction_that_is_cut_is_there_whole_or_not_at_all() {
    let (before, after) = (state([("x", 1)]), state([("a", 1), ("x", 2)]));
    Line::new().write_once(&before, &after, Says::Perhaps, |db, _| {
        db.transaction(|tx| {
            let store = tx.store::<Counter>()?;
            store.create(counter("a", 1))?;
            store.patch("x", Changes::add("n", 1))?;
            store.count(Query::new())
        })
    });
}

#[test]
fn a_set_based_write_that_is_cut_changes_no_record_twice() {
    let before = all(1);
    Line::new().cut_everywhere(
        &before,
        |_, store| store.update_where(Counter::N.ge(0), Changes::add("n", 1)),
        |cut, said, state| {
            assert!(state.values().all(|n| (1..=2).contains(n)), "{cut:?}: a record was changed twice");
            match said {
                Ok(changed) => {
                    assert_eq!(changed, BATCH as u64, "{cut:?}");
                    assert_eq!(state, all(2), "{cut:?}");
                }
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Ambiguous | ErrorKind::Connection),
                    "{cut:?}: a cut is no {error:?}"
                ),
            }
        },
    );
}

// ---- reads

/// The answer of what can be asked again is right, wherever it was cut.
fn fine(cut: Cut, right: Result<bool>) {
    match right {
        Ok(right) => assert!(right, "{cut:?}: a wrong answer"),
        Err(error) => panic!("{cut:?}: a read can be asked again: {error:?}"),
    }
}

#[test]
fn a_read_that_is_cut_is_asked_again() {
    let before = all(1);
    let mut line = Line::new();
    line.cut_everywhere(&before, |_, s| s.read("k0001").map(|r| r.is_some()), |cut, said, _| fine(cut, said));
    line.cut_everywhere(
        &before,
        |_, s| s.count(Query::new()).map(|n| n == BATCH as u64),
        |cut, said, _| fine(cut, said),
    );
    line.cut_everywhere(
        &before,
        |_, s| s.read_batch(keys()).map(|rows| rows.iter().flatten().count() == BATCH),
        |cut, said, _| fine(cut, said),
    );
}

#[test]
fn aggregates_that_are_cut_are_asked_for_again() {
    let before = all(1);
    let mut line = Line::new();
    line.cut_everywhere(
        &before,
        |_, s| {
            s.aggregate(Query::new(), (Count, Counter::N.sum())).map(|sums| sums == (BATCH as u64, Some(BATCH as i128)))
        },
        |cut, said, _| fine(cut, said),
    );
    line.cut_everywhere(
        &before,
        |_, s| s.aggregate(Query::new().group_by(Counter::KEY), Count).map(|groups| groups.len() == BATCH),
        |cut, said, _| fine(cut, said),
    );
}

#[test]
fn a_search_for_words_that_is_cut_is_asked_again() {
    let before = all(1);
    let mut line = Line::new();
    line.cut_everywhere(
        &before,
        |_, s| {
            let hits = s.hits(Counter::KEY.search("k0001 or k0002"), &Highlight::of([Counter::KEY.path()]))?;
            Ok(hits.iter().filter(|hit| hit.rank > 0.0 && hit.highlights[0].is_some()).count() == 2)
        },
        |cut, said, _| fine(cut, said),
    );
}

#[test]
fn a_search_that_is_cut_is_whole_or_an_error() {
    let before = all(1);
    let mut line = Line::new();
    let query = || Query::<Counter>::new().sort(Counter::KEY.asc());
    line.cut_everywhere(
        &before,
        |_, store| store.search(query()),
        |cut, said, _| match said {
            Ok(rows) => assert_eq!(rows.len(), BATCH, "{cut:?}: an answer is never cut short in silence"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Connection, "{cut:?}: {error:?}"),
        },
    );
}

#[test]
fn a_stream_that_is_cut_ends_with_an_error() {
    let mut line = Line::new();
    line.reset(&all(1));
    for cut in Cut::ALL {
        let limits = dk_data::Limits::default().chunk(50);
        let mut rows = line.store.with(limits).stream(Query::new()).expect("nothing is armed");
        let first = rows.by_ref().take(10).filter(Result::is_ok).count();
        assert_eq!(first, 10);
        line.proxy.cut_nth("", 1, cut);
        let rest: Vec<Result<_>> = rows.collect();
        if line.proxy.disarm() {
            line.proxy.cut_all();
            assert_eq!(rest.iter().filter(|row| row.is_ok()).count(), BATCH - 10, "it was read ahead, whole");
        } else {
            let last = rest.last().expect("something comes").as_ref().expect_err("it is not whole");
            assert_eq!(last.kind(), ErrorKind::Connection, "{cut:?}: {last:?}");
            assert_eq!(rest.iter().filter(|row| row.is_err()).count(), 1, "the error is the last item");
        }
        assert_eq!(line.store.count(Query::new()).ok(), Some(BATCH as u64), "the pool has recovered");
    }
}

#[test]
fn idle_connections_that_died_are_not_noticed_by_the_caller() {
    let mut line = Line::new();
    line.reset(&state([("a", 1)]));
    // What the other side says needs a moment to arrive.
    let cut = |line: &Line| {
        line.proxy.cut_all();
        std::thread::sleep(std::time::Duration::from_millis(30));
    };
    for round in 1..=5 {
        cut(&line);
        let written = line.store.patch("a", Changes::add("n", 1)).expect("a dead idle connection is replaced");
        assert_eq!(written.effect, Effect::Updated);
        cut(&line);
        assert_eq!(line.store.read("a").expect("replaced").map(|row| row.n), Some(1 + round));
        cut(&line);
        line.store.create(counter(format!("c{round}"), 0)).expect("a create that was never sent is sent again");
    }
}

/// A pooler may have given the process to another client meanwhile, and tells it by its own numbers.
#[test]
fn a_process_that_may_be_anothers_is_not_ended() {
    for is_pooler in [true, false] {
        let scratch = Scratch::new();
        let proxy = Proxy::before(address(&url()));
        proxy.pose_as_pooler(is_pooler);
        let db = scratch.config_at(&proxy.address()).pool_size(1).connect().expect("the server answers");
        let store = db.store::<Counter>().expect("the table is made");
        store.create(counter("a", 1)).expect("it is new");
        proxy.take_log();
        proxy.cut_next("insert into", Cut::After);
        assert_eq!(store.create(counter("b", 1)).expect("it is found").effect, Effect::Created);
        let add = || store.patch("a", Changes::add("n", 1));
        add().expect("it is prepared now");
        proxy.cut_next("update \"", Cut::Before);
        let kind = add().map_err(|e| e.kind()).err();
        assert_eq!(kind, is_pooler.then_some(dk_data::ErrorKind::Ambiguous), "nobody can say that it will not happen");
        assert_eq!(proxy.struck(), 2);
        let ended = proxy.take_log().iter().any(|sql| sql.contains("pg_terminate_backend"));
        assert_eq!(ended, !is_pooler);
    }
}
