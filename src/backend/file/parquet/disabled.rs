//! What stands in for Parquet in builds without it: a base that cannot be had.

use std::{marker::PhantomData, path::Path, sync::Arc};

use super::super::{
    base::{Ask, BaseRow, Setup},
    disk::{Disk, Stamp},
    index::Index,
    overlay::Delta,
    progress::Watch,
    rows::Row,
    sink::Sink,
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::Filter,
    record::{RecordCodec, Stored},
    store::Limits,
};

/// There is none.
pub(in super::super) struct ParquetBase<D: Disk>(Never, PhantomData<D>);

/// There are none.
pub(in super::super) struct ParquetRows<R: RecordCodec, D: Disk>(Never, PhantomData<(R, D)>);

enum Never {}

impl<D: Disk> ParquetBase<D> {
    pub(in super::super) fn open(_: &D, path: &Path) -> Result<ParquetBase<D>> {
        let why = "this build reads no Parquet: turn the feature `parquet` on";
        Err(Error::configuration(why).at_url(&super::super::lock::shown(path)))
    }
    pub(in super::super) fn open_damaged(disk: &D, path: &Path, _: &mut Vec<Error>) -> Result<ParquetBase<D>> {
        ParquetBase::open(disk, path)
    }
    pub(in super::super) fn stamp(&self) -> Stamp {
        match self.0 {}
    }
    pub(in super::super) fn scan<R: RecordCodec>(self: &Arc<Self>, _: Ask<R>) -> Result<ParquetRows<R, D>> {
        match self.0 {}
    }
    pub(in super::super) fn read<R: RecordCodec>(&self, _: u64, _: &Id, _: &Ask<R>) -> Result<Option<Stored<R>>> {
        match self.0 {}
    }
    pub(in super::super) fn look_up<R: RecordCodec>(&self, _: &Id, _: &Ask<R>) -> Result<Option<Option<Stored<R>>>> {
        match self.0 {}
    }
    pub(in super::super) fn count(&self) -> u64 {
        match self.0 {}
    }
    pub(in super::super) fn index(self: &Arc<Self>, _: &Setup, _: &Limits) -> Result<Arc<Index>> {
        match self.0 {}
    }
    pub(in super::super) fn explain(&self, _: Option<&Filter>, _: &Setup) -> Vec<String> {
        match self.0 {}
    }
    pub(in super::super) fn admit(&self, _: Option<&Row>, _: &Setup) -> Result<()> {
        match self.0 {}
    }
    pub(in super::super) fn rewrite(
        self: &Arc<Self>,
        _: &Delta<'_>,
        _: &Setup,
        _: &mut Sink<D>,
        _: &mut Watch,
    ) -> Result<()> {
        match self.0 {}
    }
}

/// What an export says of Parquet alone: a level, rows of a row group, decimal fields with precision and scale.
pub(in super::super) type Said<'e> = (Option<i32>, Option<usize>, &'e [(String, u8, u8)]);

/// Refuses to write it.
pub(in super::super) fn export<R: RecordCodec, D: Disk>(
    _: impl Iterator<Item = Result<Stored<R>>>,
    _: &R::Shape,
    _: (bool, bool),
    _: Said<'_>,
    _: &mut Sink<D>,
    _: &mut impl FnMut(u64, u64),
) -> Result<u64> {
    Err(Error::configuration("this build writes no Parquet: turn the feature `parquet` on"))
}

impl<R: RecordCodec, D: Disk> Iterator for ParquetRows<R, D> {
    type Item = Vec<BaseRow<R>>;
    fn next(&mut self) -> Option<Vec<BaseRow<R>>> {
        match self.0 {}
    }
}
