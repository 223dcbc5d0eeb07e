//! The checkpoint: a new base beside the old one, made durable, put in its place; then the journal goes.
//!
//! It can be killed at any point. Before the rename the old base and the journal are all there is; the journal says what the
//! new base will be, so that behind the rename it is known to be in it, and is dropped whenever somebody comes by.

use super::{
    base::Base,
    commit::{check_sound, drop_contained},
    config::Durability,
    core::{Core, View, Writer},
    disk::Disk,
    journal::Frame,
    lock::{Paths, shown},
    overlay::Overlay,
    progress::{Watch, Work},
    sink::Sink,
};
use crate::error::{Error, Result};

/// The longest journal, in bytes, to which a batch adds without a checkpoint. A base that grows with a batch would be written
/// over and over, and what is in the journal is in memory.
const MOST_JOURNAL: u64 = 256 << 20;

/// A checkpoint where the journal is long enough to be worth one; `more` of a batch may come at once.
///
/// # Errors
/// As [`run`].
pub(super) fn if_due<D: Disk>(core: &Core<D>, writer: &mut Writer<D>, more: bool) -> Result<()> {
    let bytes = writer.log.as_ref().map_or(0, |log| log.bytes());
    let base = core.view().base.stamp().length;
    let least = core.setup.options.checkpoint_bytes.max(base / 2);
    if bytes < least || (more && bytes < MOST_JOURNAL) {
        return Ok(());
    }
    run(core, writer)
}

/// A checkpoint now, if there is anything to put into the base.
///
/// # Errors
/// What kept the new base from being made; the old one and the journal are as they were.
pub(super) fn now<D: Disk>(core: &Core<D>) -> Result<()> {
    let mut writer = core.writer();
    check_sound(&writer)?;
    if writer.log.is_none() && core.view().overlay.is_empty() {
        return Ok(());
    }
    let lock = core.lock(&writer)?;
    core.catch_up(&mut writer)?;
    drop_contained(core, &mut writer)?;
    let done = run(core, &mut writer);
    drop(lock);
    done
}

/// What closing a store does: a checkpoint, and nothing of ours is left beside the base.
///
/// # Errors
/// As [`now`].
pub(super) fn close<D: Disk>(core: &Core<D>) -> Result<()> {
    now(core)?;
    let mut writer = core.writer();
    let lock = match writer.lock.take() {
        Some(lock) => Some(lock),
        // The lock file goes only where there is one, and nobody else has it.
        None if matches!(core.disk.stamp(&core.paths.lock), Ok(Some(_))) => {
            super::lock::Lock::take(&core.disk, &core.paths.lock, std::time::Duration::ZERO).ok()
        }
        None => None,
    };
    if let Some(lock) = lock {
        lock.remove_file(&core.disk, &core.paths.lock);
    }
    Ok(())
}

/// Puts a new file in the place of the old one, durably.
///
/// # Errors
/// `Backend` where the system refuses.
pub(super) fn in_place<D: Disk>(disk: &D, paths: &Paths) -> Result<()> {
    disk.rename(&paths.fresh, &paths.base).and_then(|()| disk.sync_folder(&paths.folder)).map_err(|cause| {
        Error::backend("the new file cannot take the old one's place").caused_by(cause).at_url(&shown(&paths.base))
    })
}

/// Does it. The lock is held.
fn run<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) -> Result<()> {
    let Some(log) = &mut writer.log else { return Ok(()) };
    let View { base, overlay, generation } = core.snapshot();
    if overlay.is_empty() {
        return Ok(());
    }
    let paths = &core.paths;
    let mut sink = Sink::create(&core.disk, &paths.fresh, core.setup.compression)?;
    let mut watch = Watch::new(core.setup.options.progress.clone(), Work::Checkpoint).of(None, None);
    base.rewrite(&overlay, &core.setup, &mut sink, &mut watch)?;
    let (looks, _) = sink.finish()?;
    watch.end();
    // Whatever the level: the old base goes, so what stands in for it must be there.
    if let Err(broken) = log.append(&Frame::Checkpoint(looks), Durability::Fsync, paths) {
        if !broken.in_order {
            writer.broken = Some(broken.cause.message().to_owned());
        }
        return Err(broken.cause);
    }
    if let Err(error) = in_place(&core.disk, paths) {
        // Which base a power failure would leave is not known: both are right, but nothing may be added to either.
        writer.broken = Some("the new file could not take the old one's place".to_owned());
        return Err(error);
    }
    let base = Base::open(&core.disk, &paths.base, &core.setup)?;
    *core.view_mut() = View { base, overlay: Overlay::new(), generation: generation + 1 };
    match writer.log.take() {
        Some(log) => log.remove(&core.disk, paths),
        None => Ok(()),
    }
}
