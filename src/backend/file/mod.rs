//! Files: a store in the user's own CSV or JSON file, which every other tool can open.
//!
//! A store is one *base file* in its own format and, while there are writes that are not in it yet, a *journal* beside it
//! (`people.csv.journal`). A write is in the journal, on the device, before it is acknowledged; a *checkpoint* puts the
//! journal into the base. What is where, what is safe and what other tools see when is on [a page of its
//! own](crate::docs::files).
//!
//! ```
//! use dk_data::{Database, Schema, Store, backend::file::Files, document};
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let db = Files::open(folder)?;
//! let people = db.documents("people", Schema::open("people"))?;
//! let written = people.create(document! { "name" => "Ann", "age" => 40 })?;
//! people.checkpoint()?;
//! let text = std::fs::read_to_string(folder.join("people.csv"))?;
//! assert!(text.starts_with("name,age,_id,"));
//! assert_eq!(people.read(&written.id)?.map(|p| p["name"].clone()), Some("Ann".into()));
//! # Ok::<(), dk_data::Error>(())
//! ```

mod aggregate;
mod apart;
mod base;
mod batch;
mod bounds;
mod checkpoint;
mod coding;
mod commit;
mod config;
mod core;
pub mod disk;
mod export;
mod identity;
mod index;
mod intent;
mod journal;
mod layout;
mod lock;
mod log;
mod overlay;
mod own;
mod parquet;
mod planner;
mod progress;
mod query;
mod raw;
mod rewrite;
mod row;
mod rows;
mod salvage;
mod sidecar;
mod sink;
mod sort;
mod split;
mod store;
mod text;
mod transaction;
mod unique;

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

pub use self::{
    config::{Compression, Durability, Format, Options},
    export::{Export, Exported, Import},
    progress::{Progress, Work},
    query::FileRows,
    salvage::{Salvaged, salvage, salvage_with},
    store::FileStore,
    transaction::{FileTransaction, FileTransactionStore},
};
use self::{
    config::{ending, format_of_one, named},
    core::{Core, locked},
    disk::{Disk, Os},
    lock::shown,
};
use crate::{
    capability::{Aggregates, Caps, Engine, OwnCode, Provides, Regex},
    error::{Error, Result},
    record::{Document, RecordCodec, Schema},
    store::{Database, check_name},
};

/// A folder with a file for each store, or one file; a cheap handle.
#[derive(Clone)]
pub struct Files<D: Disk = Os>(Arc<Inner<D>>);

struct Inner<D: Disk> {
    place: Place,
    options: Options,
    disk: D,
    /// The stores that were opened. They stay open for as long as the database does.
    cores: Mutex<HashMap<PathBuf, Arc<Core<D>>>>,
}

enum Place {
    Folder(PathBuf),
    /// Whatever the store is called, it is in this file.
    File(PathBuf),
}

impl Files {
    /// A folder, which is made where there is none. Its stores are the files in it; new ones are CSV.
    ///
    /// # Errors
    /// `Backend` where the folder cannot be made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Files> {
        Files::open_with(folder, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`open`](Files::open).
    pub fn open_with(folder: impl AsRef<Path>, options: Options) -> Result<Files> {
        Files::open_on(Os, folder, options)
    }

    /// One file, as a database of one store: it has whatever name it is opened under.
    ///
    /// # Errors
    /// `Configuration` where neither the name nor an option says the format.
    pub fn open_file(path: impl AsRef<Path>, options: Options) -> Result<Files> {
        Files::open_file_on(Os, path, options)
    }

    /// What stands behind `file:` in a URL: a file, where its name says a format, else a folder.
    pub(crate) fn open_url(rest: &str) -> Result<Files> {
        let (path, options) = Options::of_url(rest)?;
        match named(&path).is_some() || path.is_file() {
            true => Files::open_file(path, options),
            false => Files::open_with(path, options),
        }
    }
}

impl<D: Disk> Files<D> {
    /// A folder on a disk of one's own.
    ///
    /// # Errors
    /// As [`open`](Files::open).
    pub fn open_on(disk: D, folder: impl AsRef<Path>, options: Options) -> Result<Files<D>> {
        let folder = &absolute(folder.as_ref())?;
        let failed =
            |cause: std::io::Error| Error::backend("the folder cannot be made").caused_by(cause).at_url(&shown(folder));
        disk.create_folder(folder).map_err(failed)?;
        Ok(Files::at(disk, Place::Folder(folder.to_owned()), options))
    }

    /// One file on a disk of one's own.
    ///
    /// # Errors
    /// As [`open_file`](Files::open_file).
    pub fn open_file_on(disk: D, path: impl AsRef<Path>, options: Options) -> Result<Files<D>> {
        let path = path.as_ref();
        format_of_one(path, &options)?;
        Ok(Files::at(disk, Place::File(absolute(path)?), options))
    }

    fn at(disk: D, place: Place, options: Options) -> Files<D> {
        Files(Arc::new(Inner { place, options, disk, cores: Mutex::default() }))
    }

    /// The file of a store: the one that is there, or where a new one will be.
    fn path_of(&self, name: &str) -> Result<PathBuf> {
        let folder = match &self.0.place {
            Place::File(path) => return Ok(path.clone()),
            Place::Folder(folder) => folder,
        };
        let failed =
            |cause: std::io::Error| Error::backend("the folder cannot be read").caused_by(cause).at_url(&shown(folder));
        let is_its = |path: &PathBuf| {
            let text = path.file_name().and_then(|text| text.to_str()).unwrap_or_default();
            named(path).is_some()
                && text.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && is_ending(rest))
        };
        // A store whose base was never written has only a journal.
        let of_journal = |path: PathBuf| match path.extension() {
            Some(extension) if extension == "journal" => path.with_extension(""),
            _ => path,
        };
        let mut found: Vec<_> =
            self.0.disk.list(folder).map_err(failed)?.into_iter().map(of_journal).filter(is_its).collect();
        found.sort();
        found.dedup();
        match found.as_slice() {
            [] => {
                let (format, compression) = self.0.options.format.unwrap_or((Format::Csv, Compression::None));
                Ok(folder.join(format!("{name}.{}", ending(format, compression))))
            }
            [one] => Ok(one.clone()),
            [first, second, ..] => {
                let why = format!("two files could be the store: {} and {}", first.display(), second.display());
                Err(Error::configuration(why).in_store(name))
            }
        }
    }

    fn core(&self, name: &str, schema: &Schema) -> Result<Arc<Core<D>>> {
        let path = self.path_of(name)?;
        let core = Core::open(&self.0.disk, &path, name, &self.0.options, schema).map_err(|e| e.in_store(name))?;
        // One that writes no more goes where nobody has it any more, and not under the lock.
        let replaced = locked(&self.0.cores).insert(core.paths.base.clone(), core.clone());
        drop(replaced);
        Ok(core)
    }
}

/// A path that means the same when the process works in another folder.
fn absolute(path: &Path) -> Result<PathBuf> {
    let failed = |cause| Error::configuration("the path has no meaning").caused_by(cause).at_url(&shown(path));
    std::path::absolute(path).map_err(failed)
}

/// Whether nothing but the endings of a format and a compression follows a store's name.
fn is_ending(rest: &str) -> bool {
    let plain = rest.strip_suffix(".gz").or_else(|| rest.strip_suffix(".zst")).unwrap_or(rest);
    plain.matches('.').count() == 1
}

impl FileStore<crate::record::Document> {
    /// A file as a store of documents, with the types that its text has.
    ///
    /// # Errors
    /// As [`Files::open_file`] and as [`Database::documents`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Files::open_file(path, Options::default())?.documents("file", Schema::open("file"))
    }
}

impl<D: Disk> fmt::Debug for Files<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Place::Folder(path) | Place::File(path)) = &self.0.place;
        f.debug_tuple("Files").field(path).finish()
    }
}

impl<D: Disk> Engine for Files<D> {
    const NAME: &'static str = "file";
    const PROVIDES: Caps = Caps::OWN_CODE.or(Caps::REGEX).or(Caps::AGGREGATES);
}
impl<D: Disk> Provides<OwnCode> for Files<D> {}
impl<D: Disk> Provides<Regex> for Files<D> {}
impl<D: Disk> Provides<Aggregates> for Files<D> {}

impl<D: Disk> Database for Files<D> {
    type Engine = Files<D>;
    type Store<R: RecordCodec> = FileStore<R, D>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<FileStore<R, D>> {
        Ok(FileStore::new(self.core(name, &shape)?, shape))
    }

    /// Of an open schema, the types of other fields are those that a file beside the base declares
    /// (`people.csv.schema.json`), where there is one.
    fn documents(&self, name: &str, schema: Schema) -> Result<FileStore<Document, D>> {
        check_name(name)?;
        schema.validate()?;
        let completed = sidecar::completed(&self.0.disk, &self.path_of(name)?, schema);
        self.open(name, Arc::new(completed.map_err(|error| error.in_store(name))?))
    }
}
