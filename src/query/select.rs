//! What a query gives back of each record: all of it, the fields of a smaller record, or chosen fields as a document.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    error::Result,
    record::{Document, FieldDef, Path, RecordCodec, Schema, Target, Typed},
};

/// What comes out of a query (semantics 4.5).
pub trait Select<R: RecordCodec>: Clone + Send + Sync + 'static {
    /// The record that comes out.
    type Out: RecordCodec;
    /// The fields that must be read, by path; `None` for all.
    fn columns(&self) -> Option<Vec<Path>>;
    /// Resolves its paths; called when a query is made runnable.
    ///
    /// # Errors
    /// `Query` for an unknown field.
    fn resolve(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }
    /// The schema of what comes out: a backend that can, reads only that.
    ///
    /// # Errors
    /// `Query` for an unknown field.
    fn shape(&self, of: &R::Shape) -> Result<<Self::Out as RecordCodec>::Shape>;
    /// What comes out of a record.
    fn pick(&self, record: &R) -> Self::Out;
    /// The same of a record that is not needed any more.
    fn take(&self, record: R) -> Self::Out {
        self.pick(&record)
    }
}

/// The whole record.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

impl<R: RecordCodec> Select<R> for Whole {
    type Out = R;
    fn columns(&self) -> Option<Vec<Path>> {
        None
    }
    fn shape(&self, of: &R::Shape) -> Result<R::Shape> {
        Ok(of.clone())
    }
    fn pick(&self, record: &R) -> R {
        record.clone()
    }
    fn take(&self, record: R) -> R {
        record
    }
}

/// A smaller record, whose fields are fields of `R` of the same types; `#[record(of = Person)]` makes one and the
/// compiler checks it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as a part of `{R}`",
    label = "not a part of `{R}`",
    note = "add `#[record(of = ..)]` with the name of the larger record to the struct"
)]
pub trait SubsetOf<R>: Typed {
    /// The part of a record.
    fn pick(record: &R) -> Self;
}

/// The fields of a smaller record.
pub struct As<T>(PhantomData<fn() -> T>);

impl<T> As<T> {
    pub(crate) const fn new() -> As<T> {
        As(PhantomData)
    }
}
impl<T> Clone for As<T> {
    fn clone(&self) -> Self {
        As(PhantomData)
    }
}

impl<R: RecordCodec, T: SubsetOf<R>> Select<R> for As<T> {
    type Out = T;
    fn columns(&self) -> Option<Vec<Path>> {
        Some(T::SCHEMA.fields.iter().map(|field| Path::field(field.name.clone())).collect())
    }
    fn shape(&self, _: &R::Shape) -> Result<&'static Schema> {
        Ok(T::SCHEMA)
    }
    fn pick(&self, record: &R) -> T {
        T::pick(record)
    }
}

/// Chosen fields, as a [`Document`] with one field for each path, named as the path is written.
#[derive(Clone, Debug)]
pub struct Fields {
    paths: Arc<[Path]>,
    /// The paths resolved, once the query is made runnable.
    targets: Arc<[Target]>,
}

impl Fields {
    pub(crate) fn new(paths: impl IntoIterator<Item = Path>) -> Fields {
        Fields { paths: paths.into_iter().collect(), targets: Arc::new([]) }
    }
}

impl<R: RecordCodec> Select<R> for Fields {
    type Out = Document;
    fn columns(&self) -> Option<Vec<Path>> {
        Some(self.paths.to_vec())
    }
    fn resolve(&mut self, schema: &Schema) -> Result<()> {
        self.targets = self.paths.iter().map(|path| schema.resolve(path)).collect::<Result<_>>()?;
        Ok(())
    }
    fn shape(&self, of: &R::Shape) -> Result<Arc<Schema>> {
        let fields = self.paths.iter().map(|path| {
            let target = of.resolve(path)?;
            Ok(FieldDef { nullable: target.nullable, ..FieldDef::new(path.to_string(), target.ty) })
        });
        let schema = Schema::new(of.name.clone());
        Ok(Arc::new(Schema { fields: fields.collect::<Result<_>>()?, ..schema }))
    }
    fn pick(&self, record: &R) -> Document {
        let fields =
            self.targets.iter().map(|target| (target.path.to_string(), record.cell(target.steps()).into_owned()));
        fields.collect()
    }
}
