//! The suite that every backend must pass: a test for each clause of semantics 1 to 8 that needs no files and no network, named
//! after it.
//!
//! A backend joins with one macro call, which makes one `#[test]` of each clause:
//!
//! ```
//! # use dk_data::conformance::Supports;
//! # mod mine { pub fn make() -> Never { unreachable!() } pub struct Never; }
//! // dk_data::conformance::suite!(my_backend, || MyDatabase::new());
//! // dk_data::conformance::suite!(my_files, || MyFiles::new(), Supports { atomic_batches: false, ..Supports::ALL });
//! // dk_data::conformance::suite!(my_server, || MyServer::new(), Supports::ALL, [aggregates, split, own_code, transactions, in_transaction]);
//! assert!(Supports::ALL.versions);
//! ```
//!
//! What not all databases can stands in the last argument: `aggregates` ([`Aggregating`](crate::Aggregating)), `split`
//! ([`Split`](crate::Split)), `own_code` ([`OwnCode`](crate::capability::OwnCode)), `transactions` ([`Transactional`]), and `in_transaction`, which runs the whole of what all must do once
//! more, each test inside one transaction.
//!
//! The closure is called once for each test and makes a database, or a handle of one that is shared: every test opens stores
//! under names of its own. The random tests print their seed when they fail, and take it from `DK_SEED`.
//!
//! This module does no I/O of its own, and panics where a promise is broken: it is for tests only.

pub mod aggregates;
pub mod errors;
mod handles;
pub mod ids;
pub mod model;
mod naive;
pub mod order;
pub mod predicates;
pub mod queries;
mod random;
pub mod split;
pub mod streams;
pub mod threads;
pub mod transactions;
pub mod typed;
pub mod values;
pub mod writes;

use std::fmt::Debug;

pub use crate::conformance_suite as suite;
use crate::{
    capability::Engine,
    document,
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{AsQuery, Filter, RunsOn},
    record::{Document, Draft, FieldDef, Schema, Type, Typed},
    store::{Database, Store, Transactional},
};

/// What a backend is asked for beyond what all must do.
#[derive(Clone, Copy, Debug)]
pub struct Supports {
    /// Records have versions, and writes can require them (semantics 5.2).
    pub versions: bool,
    /// Batches can be all or nothing (semantics 5.4); where not, they must be refused.
    pub atomic_batches: bool,
    /// Streams can be split (semantics 6.5); where not, although it compiles, they must be refused.
    pub split: bool,
    /// There are transactions (semantics 5.8); where not, although it compiles, they must be refused.
    pub transactions: bool,
    /// There are aggregates (semantics 4.8); where not, although it compiles, they must be refused.
    pub aggregates: bool,
    /// There are regular expressions; where not, they must be refused.
    pub regex: bool,
    /// Random queries of one run, multiplied by `DK_ROUNDS`. Fewer do where the same engine is tested once more behind
    /// something that only passes on.
    pub queries: usize,
    /// The same inside a transaction: fewer do where queries take the same way there.
    pub queries_in_transaction: usize,
}

impl Supports {
    /// Everything.
    pub const ALL: Supports = Supports {
        versions: true,
        atomic_batches: true,
        split: true,
        transactions: true,
        aggregates: true,
        regex: true,
        queries: 5_000,
        queries_in_transaction: 1_000,
    };
}

/// A database under test.
#[derive(Debug)]
pub struct Suite<D> {
    /// The database.
    pub database: D,
    /// What it is asked for.
    pub supports: Supports,
}

impl<D: Database> Suite<D> {
    /// The suite over this database.
    pub fn new(database: D, supports: Supports) -> Suite<D> {
        Suite { database, supports }
    }
    /// A store name that nobody has used.
    pub fn fresh_name(&self) -> String {
        format!("c-{}", Id::generate())
    }
    /// An empty store of documents with this schema.
    ///
    /// # Errors
    /// What the database reports.
    pub fn store(&self, schema: Schema) -> Result<D::Store<Document>> {
        self.database.documents(&self.fresh_name(), schema)
    }
    /// An empty store that keeps any field.
    ///
    /// # Errors
    /// What the database reports.
    pub fn open_store(&self) -> Result<D::Store<Document>> {
        self.store(Schema::open("things"))
    }
    /// An empty store of a derived record type; none where the engine says that it cannot hold one of its field types, so
    /// that a program which opens it does not compile.
    ///
    /// # Errors
    /// What the database reports.
    pub(crate) fn typed<R: Typed>(&self) -> Result<Option<D::Store<R>>> {
        self.typed_named(&self.fresh_name())
    }
    /// The same under a name.
    pub(crate) fn typed_named<R: Typed>(&self, name: &str) -> Result<Option<D::Store<R>>> {
        if !R::TYPES.within(<D::Engine as Engine>::HOLDS) {
            return Ok(None);
        }
        self.database.open::<R>(name, R::SCHEMA).map(Some)
    }
    /// An empty store of people.
    ///
    /// # Errors
    /// What the database reports.
    pub fn people(&self) -> Result<D::Store<Document>> {
        self.store(people())
    }
}

/// Runs a test on a database.
///
/// # Errors
/// What the test did not expect.
pub fn alone<D: Database>(database: D, supports: Supports, test: impl FnOnce(&Suite<D>) -> Result<()>) -> Result<()> {
    test(&Suite::new(database, supports))
}

/// Runs a test inside a transaction, which is undone.
///
/// # Errors
/// What the test did not expect.
pub fn in_transaction<D: Transactional>(
    database: D,
    supports: Supports,
    test: impl FnOnce(&Suite<&D::Transaction<'_>>) -> Result<()>,
) -> Result<()> {
    let supports = Supports { queries: supports.queries_in_transaction, ..supports };
    let mut tested = Ok(());
    let undone: Result<()> = database.transaction(|transaction| {
        tested = test(&Suite::new(transaction, supports));
        Err(Error::invalid("undone"))
    });
    refused(undone, ErrorKind::Invalid, "what the closure returned");
    tested
}

/// The record of most tests: a name, and four fields that may be null.
pub(crate) fn people() -> Schema {
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("age", Type::I64).nullable())
        .field(FieldDef::new("city", Type::Text).nullable())
        .field(FieldDef::new("score", Type::F64).nullable())
        .field(FieldDef::new("active", Type::Bool).nullable())
}

/// A store of so many people: ids and names are their numbers, ages go from 0 to 6 and begin again.
pub(crate) fn filled<D: Database>(suite: &Suite<D>, many: i64) -> Result<D::Store<Document>> {
    let store = suite.people()?;
    let people =
        (0..many).map(|n| Draft::of(document! { "name" => format!("{n:04}"), "age" => n % 7 }).id(format!("{n:04}")));
    let outcomes = store.create_batch(people.collect::<Result<Vec<_>>>()?)?;
    outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?;
    Ok(store)
}

/// Fails unless the result is an error of this kind.
#[track_caller]
pub(crate) fn refused<T: Debug>(result: Result<T>, kind: ErrorKind, what: impl Debug) {
    match result {
        Err(error) => assert_eq!(error.kind(), kind, "{what:?} was refused for another reason: {error:?}"),
        Ok(done) => panic!("{what:?} should have been refused as {kind:?}, and was {done:?}"),
    }
}

/// The texts of one field, in the order of the answer.
#[track_caller]
pub(crate) fn texts<S, Q>(store: &S, query: Q, field: &str) -> Result<Vec<String>>
where
    S: Store<Document>,
    Q: AsQuery<Document, Select = crate::query::Whole>,
    Q::Predicate: RunsOn<S::Engine>,
{
    let rows = store.search(query)?;
    Ok(rows.iter().map(|row| row.record[field].as_text().unwrap_or("").to_owned()).collect())
}

/// The texts of one field of the records of which the filter is true, sorted.
#[track_caller]
pub(crate) fn matching<S: Store<Document>>(store: &S, filter: Filter, field: &str) -> Result<Vec<String>> {
    let mut found = texts(store, filter.bind::<Document>(store.shape())?, field)?;
    found.sort();
    Ok(found)
}

/// Makes a module with one test for each clause; see the [module](crate::conformance).
#[macro_export]
macro_rules! conformance_suite {
    ($name:ident, $make:expr) => {
        $crate::conformance_suite!($name, $make, $crate::conformance::Supports::ALL);
    };
    ($name:ident, $make:expr, $supports:expr) => {
        $crate::conformance_suite!($name, $make, $supports, []);
    };
    ($name:ident, $make:expr, $supports:expr, [$($family:ident),* $(,)?]) => {
        mod $name {
            #[allow(unused_imports, reason = "the arguments of the macro name what is in scope where it is called")]
            use super::*;
            $crate::conformance_family! { core, $make, $supports }
            $($crate::conformance_family! { $family, $make, $supports })*
        }
    };
}

/// The tests of what all databases must do, and of each of what some can.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_family {
    (core, $make:expr, $supports:expr) => {
        $crate::conformance_family! { core alone, $make, $supports }
    };
    (core $how:ident, $make:expr, $supports:expr) => {
        $crate::conformance_clauses! { $how, $make, $supports;
            ids:
                semantics_1_1_ids_hold_any_text_of_up_to_512_bytes,
                semantics_1_1_other_ids_are_refused_by_every_verb,
                semantics_1_2_the_store_assigns_uuids_that_grow,
                semantics_1_2_a_record_with_an_id_is_stored_under_it,
                semantics_1_2_a_record_with_an_id_cannot_be_stored_under_another,
                semantics_1_3_integer_ids_order_by_number,
                semantics_1_3_text_ids_order_by_bytes,
                semantics_1_4_storing_never_changes_the_callers_record,
                semantics_1_4_what_the_store_adds_comes_back_in_the_envelope,
                semantics_1_5_metadata_is_filtered_and_sorted_on,
                semantics_1_5_the_envelope_is_asked_like_fields,
                semantics_1_5_metadata_is_kept_unless_a_draft_brings_some,
                semantics_1_5_metadata_changes_without_the_record,
                semantics_1_5_metadata_has_limits;
            values:
                semantics_2_1_null_and_missing_are_one,
                semantics_2_1_null_inside_json_is_kept,
                semantics_2_2_a_round_trip_is_the_identity,
                semantics_2_2_open_documents_keep_the_types_of_their_values,
                semantics_2_2_some_of_all_nulls_is_not_none,
                semantics_2_2_equality_is_by_value,
                semantics_2_3_what_the_engine_cannot_hold_is_refused_on_opening,
                semantics_2_3_what_the_field_cannot_hold_is_refused,
                semantics_2_4_timestamps_are_cut_to_microseconds_toward_the_past,
                semantics_2_4_literals_are_not_cut,
                semantics_2_5_nan_and_infinities_are_refused_with_their_field,
                semantics_2_5_minus_zero_is_zero,
                semantics_2_6_text_is_never_normalised,
                semantics_2_6_the_character_zero_is_refused,
                semantics_2_7_text_sorts_by_bytes,
                semantics_2_8_text_has_limits,
                semantics_2_9_integers_compare_with_floats_exactly;
            predicates:
                semantics_3_1_a_query_and_its_negation_split_the_store,
                semantics_3_2_positive_operators_are_false_of_null,
                semantics_3_3_negative_operators_are_true_of_null,
                semantics_3_4_empty_lists_and_reversed_bounds,
                semantics_3_5_null_is_no_literal,
                semantics_3_6_like,
                semantics_3_6_a_lone_escape_is_refused,
                semantics_3_6_like_is_linear,
                semantics_3_7_what_does_not_fit_is_refused_with_the_nearest_name,
                semantics_3_8_unlike_types_are_unequal_and_unordered,
                semantics_3_9_paths_lead_into_records,
                semantics_3_9_lists,
                semantics_3_10_two_hundred_levels,
                semantics_3_10_ten_thousand_values,
                semantics_3_11_the_plan_names_the_engine,
                regular_expressions_match_or_are_refused;
            order:
                semantics_4_1_nulls_come_last_unless_asked,
                semantics_4_1_ties_go_by_id_in_the_last_keys_direction,
                semantics_4_1_a_page_without_keys_is_in_id_order,
                semantics_4_1_an_unordered_query_gives_each_record_once,
                semantics_4_2_limit_and_offset,
                semantics_4_3_pages_follow_mixed_directions_and_nulls,
                semantics_4_3_pages_stand_while_others_write,
                semantics_4_3_an_offset_moves_the_first_page_only,
                semantics_4_3_foreign_and_damaged_cursors_are_refused,
                semantics_4_4_results_of_any_size,
                semantics_4_5_a_projection_has_the_named_fields_only,
                semantics_4_6_count_and_exists,
                semantics_4_7_counts_have_no_order;
            writes:
                semantics_5_1_create_fails_where_the_id_is_taken,
                semantics_5_1_update_of_what_is_missing_is_not_found,
                semantics_5_1_delete_says_whether_there_was_something,
                semantics_5_1_upsert_says_which_it_did,
                semantics_5_1_unique_values_are_kept_apart,
                semantics_2_3_unique_fields_of_records_inside_are_kept_apart,
                semantics_5_2_every_write_makes_a_fresh_version,
                semantics_5_2_conditional_writes_lose_when_the_version_moved_on,
                semantics_5_2_save_writes_back_what_nobody_else_wrote,
                semantics_5_3_times_follow_the_writes,
                semantics_5_3_a_copy_keeps_its_times,
                semantics_5_3_an_update_of_what_was_read_moves_its_time,
                semantics_5_4_a_batch_has_one_outcome_each_in_order,
                semantics_5_4_an_id_twice_in_a_batch,
                semantics_5_4_large_batches_keep_their_order,
                semantics_5_4_all_or_nothing,
                semantics_5_5_a_load_of_any_length,
                semantics_5_7_what_was_written_is_seen,
                semantics_5_10_a_patch_is_atomic,
                semantics_5_10_a_sum_that_does_not_fit_is_refused,
                semantics_5_10_update_where_and_delete_where_give_counts,
                semantics_5_10_read_or_create;
            streams:
                semantics_6_2_a_stream_honours_the_whole_query,
                semantics_6_3_what_is_there_throughout_is_delivered_exactly_once,
                semantics_6_4_a_stream_can_be_dropped_early,
                semantics_6_4_a_stream_stops_when_it_is_told_to,
                semantics_7_1_what_was_stopped_names_its_store,
                semantics_6_6_progress_says_how_far_a_stream_has_come;
            errors:
                semantics_7_1_an_error_says_what_and_where,
                semantics_7_4_naughty_texts_are_only_texts,
                semantics_7_4_nothing_panics_or_hangs,
                semantics_8_4_store_names,
                semantics_8_4_stores_are_kept_apart;
            threads:
                semantics_8_1_no_acknowledged_write_is_lost,
                semantics_8_1_one_create_wins,
                semantics_8_1_compare_and_set_has_one_winner,
                semantics_8_1_patches_are_atomic,
                semantics_8_1_read_or_create_makes_one,
                semantics_8_1_unique_values_under_threads,
                semantics_8_4_no_user_code_runs_under_a_lock,
                semantics_8_4_a_panic_leaves_the_store_sound;
            model:
                random_operations_do_what_a_map_does;
            queries:
                random_queries_mean_what_the_naive_evaluator_says,
                random_queries_on_typed_records_mean_the_same;
            typed:
                semantics_1_2_typed_ids_are_fields,
                semantics_1_5_metadata_of_typed_records,
                semantics_2_2_typed_scalars_come_back,
                semantics_2_2_typed_lists_records_and_json_come_back,
                semantics_2_2_typed_vectors_come_back,
                semantics_2_5_typed_minus_zero_is_zero,
                semantics_3_7_handles_mean_what_filters_and_loops_mean,
                semantics_3_9_handles_lead_into_records_and_lists,
                semantics_4_1_typed_keys_sort_and_page,
                semantics_4_5_typed_projections,
                semantics_5_10_typed_patches,
                semantics_5_10_what_is_not_compared_is_set,
                semantics_5_10_a_typed_update_keeps_what_the_type_does_not_know,
                semantics_6_2_typed_streams_honour_the_whole_query;
        }
    };
    (aggregates, $make:expr, $supports:expr) => {
        $crate::conformance_clauses! { alone, $make, $supports;
            aggregates:
                semantics_4_8_sums_of_integers_are_exact,
                semantics_4_8_sums_of_decimals_are_exact,
                semantics_4_8_a_sum_that_does_not_fit_is_an_error,
                semantics_4_8_of_nothing_aggregates_are_null,
                semantics_4_8_groups_come_in_key_order_nulls_last,
                semantics_4_8_an_aggregate_has_no_page,
                semantics_4_8_random_sales_fold_as_a_loop_does;
        }
    };
    (own_code, $make:expr, $supports:expr) => {
        $crate::conformance_clauses! { alone, $make, $supports;
            predicates:
                semantics_3_11_own_code_is_a_predicate_like_others;
        }
    };
    (transactions, $make:expr, $supports:expr) => {
        $crate::conformance_clauses! { alone, $make, $supports;
            transactions:
                semantics_5_8_a_transaction_is_all_or_nothing,
                semantics_5_8_a_panic_undoes_everything,
                semantics_5_8_it_reads_its_own_writes,
                semantics_5_8_nobody_sees_half_of_it,
                semantics_5_8_a_refused_write_does_not_end_it,
                semantics_5_8_a_lost_update_is_a_conflict,
                semantics_5_8_retried_transactions_add_up,
                semantics_5_8_closures_are_run_again_only_when_asked,
                semantics_5_8_a_stream_inside_shows_where_it_began,
                semantics_5_8_a_stream_inside_can_be_dropped,
                semantics_5_8_generic_code_runs_inside_unchanged,
                semantics_5_8_versions_given_inside_hold_outside,
                semantics_5_8_what_must_be_unique_goes_to_one;
        }
    };
    (in_transaction, $make:expr, $supports:expr) => {
        mod in_transaction {
            #[allow(
                unused_imports,
                reason = "the arguments of the macro name what is in scope where it is called"
            )]
            use super::*;
            $crate::conformance_family! { core in_transaction, $make, $supports }
        }
    };
    (split, $make:expr, $supports:expr) => {
        $crate::conformance_clauses! { alone, $make, $supports;
            split:
                semantics_6_5_parts_are_disjoint_and_together_complete,
                semantics_6_5_an_order_or_no_parts_are_refused,
                semantics_6_5_parts_show_one_moment,
                semantics_6_5_parts_hold_while_others_write;
        }
    };
}

/// One test for each name.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_clauses {
    ($how:ident, $make:expr, $supports:expr; $($area:ident: $($clause:ident),*;)*) => {
        $($(
            #[test]
            fn $clause() -> $crate::Result<()> {
                let make = $make;
                $crate::conformance::$how(make(), $supports, |suite| $crate::conformance::$area::$clause(suite))
            }
        )*)*
    };
}
