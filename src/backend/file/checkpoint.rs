//! The checkpoint: a new base beside the old one, made durable, put in its place; then the journal goes.
//!
//! It can be killed at any point. Before the rename the old base and the journal are all there is; the journal says what the
//! new base will be, so that behind the rename it is known to be in it, and is dropped whenever somebody comes by.

use super::{
    base::Base,
    commit::caught_up,
    config::Durability,
    core::{Core, View, Writer},
    disk::Disk,
    journal::{Entry, Fingerprint, Frame},
    lock::{Paths, shown},
    overlay::{Delta, Overlay},
    progress::{Watch, Work},
    sink::Sink,
};
use crate::error::{Error, Result};

/// Whether the journal is long enough to be worth a checkpoint, with so many bytes more.
pub(super) fn is_due<D: Disk>(core: &Core<D>, writer: &Writer<D>, more: u64) -> bool {
    let worth = core.setup.options.checkpoint_bytes.max(core.view().base.stamp().length / 2);
    bytes(writer, more) >= worth.max(writer.next_try)
}

fn bytes<D: Disk>(writer: &Writer<D>, more: u64) -> u64 {
    writer.log.as_ref().map_or(0, |log| log.bytes()) + more
}

/// A checkpoint where it is due. Where it fails, the journal still has everything, and the log says why.
pub(super) fn if_due<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) {
    if is_due(core, writer, 0)
        && let Err(failed) = run(core, writer, &[])
    {
        put_off(core, writer, 0, &failed.into_error());
    }
}

/// After one that failed, none is tried before there is twice as much to put into the base: whatever is in the way, all that is
/// tried in vain costs no more than a few times what was written.
pub(super) fn put_off<D: Disk>(core: &Core<D>, writer: &mut Writer<D>, more: u64, error: &Error) {
    writer.next_try = 2 * bytes(writer, more);
    warn(core, error);
}

pub(super) fn warn<D: Disk>(core: &Core<D>, error: &Error) {
    log::warn!("the checkpoint of {} failed: {error}", core.paths.base.display());
}

/// A checkpoint now, if there is anything to put into the base.
///
/// # Errors
/// What kept the new base from being made; the old one and the journal are as they were.
pub(super) fn now<D: Disk>(core: &Core<D>) -> Result<()> {
    let mut writer = core.writer();
    core.check_sound()?;
    if writer.log.is_none() && core.view().overlay.is_empty() {
        return Ok(());
    }
    let lock = core.lock(&mut writer)?;
    caught_up(core, &mut writer)?;
    let done = run(core, &mut writer, &[]).map_err(Failed::into_error);
    drop(lock);
    done
}

/// What closing a store does: a checkpoint, and nothing of ours is left beside the base.
///
/// # Errors
/// As [`now`].
pub(super) fn close<D: Disk>(core: &Core<D>) -> Result<()> {
    let done = now(core);
    let mut writer = core.writer();
    let lock = match core.let_in(&mut writer) {
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
    done
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

/// Why there was no checkpoint.
pub(super) enum Failed {
    /// The old base and the journal are as they were.
    Before(Error),
    /// The base is not the one that was read: something else has changed it meanwhile. Nothing was done.
    Changed(Error),
    /// The new base may be there.
    After(Error),
    /// The new base is there, and the journal is still beside it.
    Done(Error),
}

impl Failed {
    fn into_error(self) -> Error {
        match self {
            Failed::Before(error) | Failed::Changed(error) | Failed::After(error) | Failed::Done(error) => error,
        }
    }
}

/// Does it, with new records that no journal has: they are durable, and there, when this returns. The lock is held.
///
/// # Errors
/// What kept the new base from being made, and whether it may be there.
pub(super) fn run<D: Disk>(core: &Core<D>, writer: &mut Writer<D>, new: &[Entry]) -> Result<(), Failed> {
    let View { base, overlay, generation } = core.snapshot();
    if overlay.is_empty() && new.is_empty() {
        return Ok(());
    }
    let paths = &core.paths;
    let unneeded = |failed: Failed| {
        // What was written so far helps nobody, and may be what the device has no room for.
        let _ = core.disk.remove(&paths.fresh);
        failed
    };
    let written = written(core, &base, &Delta { overlay: &overlay, new });
    let looks = written.map_err(|error| unneeded(Failed::Before(error)))?;
    // Whatever the level: the old base goes, so what stands in for it must be there.
    let said = match &mut writer.log {
        Some(log) => log.append(&Frame::Checkpoint(looks), Durability::Fsync, paths),
        None => Ok(()),
    };
    if let Err(broken) = said {
        if broken.in_order {
            return Err(unneeded(Failed::Before(broken.cause)));
        }
        core.give_up(&broken.cause);
        return Err(unneeded(Failed::After(broken.cause)));
    }
    // What another tool has written into the base while this was made is not in it. A journal that tells of a checkpoint which
    // was never done goes on.
    core.check_base(base.stamp()).map_err(|error| unneeded(Failed::Changed(error)))?;
    if let Err(error) = in_place(&core.disk, paths) {
        // Which base a power failure would leave is not known: both are right, but nothing may be added to either.
        core.give_up(&error);
        return Err(Failed::After(error));
    }
    let base = Base::open(&core.disk, &paths.base, &core.setup).map_err(Failed::After)?;
    *core.view_mut() = View { base, overlay: Overlay::new(), generation: generation + 1 };
    writer.next_try = 0;
    match writer.log.take() {
        Some(log) => log.remove(&core.disk, paths).map_err(Failed::Done),
        None => Ok(()),
    }
}

/// Writes the new base beside the old one, durably.
fn written<D: Disk>(core: &Core<D>, base: &Base<D>, delta: &Delta<'_>) -> Result<Fingerprint> {
    let mut sink = Sink::create(&core.disk, &core.paths, core.setup.compression)?;
    let mut watch = Watch::new(core.setup.options.progress.clone(), Work::Checkpoint).of(None, None);
    base.rewrite(delta, &core.setup, &mut sink, &mut watch)?;
    let (looks, _) = sink.finish()?;
    watch.end();
    Ok(looks)
}
