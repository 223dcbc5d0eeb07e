//! The store of a database whose backend was chosen at run time: one match a method, and the chosen store does the rest.

/// `$then` where the list names a capability, `$else` where it is empty.
macro_rules! provided {
    ([$capability:ident], $then:expr, $else:expr) => {
        $then
    };
    ([], $then:expr, $else:expr) => {
        $else
    };
}

/// An enum of stores, an enum of their rows, and the contract on both. Of each backend: its variant, its store, and whether
/// its streams split, it aggregates and finds words.
macro_rules! any_store {
    (
        $(#[$about:meta])* $store:ident [$($life:lifetime)?], $rows:ident;
        $($(#[doc = $doc:expr])+ $name:ident($inner:ty), $when:tt, $split:tt, $aggregates:tt, $search:tt;)+
    ) => {
        $(#[$about])*
        #[non_exhaustive]
        pub enum $store<$($life,)? R: RecordCodec> { $($(#[doc = $doc])+ #[cfg $when] $name($inner)),+ }

        #[doc = concat!("The records of a query on an [`", stringify!($store), "`].")]
        #[non_exhaustive]
        pub enum $rows<$($life,)? R: RecordCodec, P: Predicate<R>, S: Select<R>> {
            $($(#[doc = $doc])+ #[cfg $when] $name(<$inner as Driver<R>>::Rows<P, S>)),+
        }

        impl<$($life,)? R: RecordCodec> Clone for $store<$($life,)? R> {
            fn clone(&self) -> Self {
                match self { $(#[cfg $when] Self::$name(store) => Self::$name(store.clone())),+ }
            }
        }

        impl<$($life,)? R: RecordCodec, P: Predicate<R>, S: Select<R>> Iterator for $rows<$($life,)? R, P, S> {
            type Item = Result<Stored<S::Out>>;
            fn next(&mut self) -> Option<Self::Item> {
                match self { $(#[cfg $when] Self::$name(rows) => rows.next()),+ }
            }
            fn size_hint(&self) -> (usize, Option<usize>) {
                match self { $(#[cfg $when] Self::$name(rows) => rows.size_hint()),+ }
            }
        }

        impl<$($life,)? R: RecordCodec> Driver<R> for $store<$($life,)? R> {
            type Engine = AnyDatabase;
            type Rows<P: Predicate<R>, S: Select<R>> = $rows<$($life,)? R, P, S>;

            fn shape(&self) -> &R::Shape {
                match self { $(#[cfg $when] Self::$name(store) => store.shape()),+ }
            }
            fn name(&self) -> &str {
                match self { $(#[cfg $when] Self::$name(store) => store.name()),+ }
            }
            fn write<'a>(
                &self,
                writes: impl IntoIterator<Item = Write<'a, R>>,
                atomicity: Atomicity,
                limits: &Limits,
            ) -> Result<Vec<Outcome>>
            where
                R: 'a,
            {
                match self { $(#[cfg $when] Self::$name(store) => store.write(writes, atomicity, limits)),+ }
            }
            fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
                match self { $(#[cfg $when] Self::$name(store) => store.fetch(ids, limits)),+ }
            }
            fn scan<P: Predicate<R>, S: Select<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, S>,
                limits: &Limits,
            ) -> Result<Self::Rows<P, S>> {
                match self { $(
                    #[cfg $when] Self::$name(store) => store.scan(query.retarget()?, limits).map($rows::$name)
                ),+ }
            }
            fn gather<P: Predicate<R>, S: Select<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, S>,
                limits: &Limits,
            ) -> Result<Vec<Stored<S::Out>>> {
                match self { $(#[cfg $when] Self::$name(store) => store.gather(query.retarget()?, limits)),+ }
            }
            fn count_matching<P: Predicate<R>, S: Select<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, S>,
                limits: &Limits,
            ) -> Result<u64> {
                match self { $(
                    #[cfg $when] Self::$name(store) => store.count_matching(query.retarget()?, limits)
                ),+ }
            }
            fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<AnyDatabase, R, P, S>) -> Result<Plan> {
                match self { $(#[cfg $when] Self::$name(store) => store.plan(&query.clone().retarget()?)),+ }
            }
            fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
                match self { $(#[cfg $when] Self::$name(store) => store.write_one(write, limits)),+ }
            }
            fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
                match self { $(#[cfg $when] Self::$name(store) => store.fetch_one(id, limits)),+ }
            }
            fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
                match self { $(#[cfg $when] Self::$name(store) => store.show(id, look, limits)),+ }
            }
            fn patch_matching<P: Predicate<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, Whole>,
                changes: &Changes<R>,
                limits: &Limits,
            ) -> Result<u64> {
                match self { $(
                    #[cfg $when] Self::$name(store) => store.patch_matching(query.retarget()?, changes, limits)
                ),+ }
            }
            fn delete_matching<P: Predicate<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, Whole>,
                limits: &Limits,
            ) -> Result<u64> {
                match self { $(
                    #[cfg $when] Self::$name(store) => store.delete_matching(query.retarget()?, limits)
                ),+ }
            }
            fn limits(&self) -> &Limits {
                match self { $(#[cfg $when] Self::$name(store) => store.limits()),+ }
            }
            fn close(self) -> Result<()> {
                match self { $(#[cfg $when] Self::$name(store) => store.close()),+ }
            }
        }

        /// A backend without aggregates answers with `Unsupported`.
        impl<$($life,)? R: RecordCodec> Aggregating<R> for $store<$($life,)? R> {
            fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, Whole>,
                keys: &K,
                aggregates: &A,
                limits: &Limits,
            ) -> Result<Vec<(K::Row, A::Out)>> {
                match self { $(
                    #[allow(unused_variables, reason = "a backend that cannot is not asked")]
                    #[cfg $when] Self::$name(store) => provided!(
                        $aggregates,
                        store.fold(query.retarget()?, keys, aggregates, limits),
                        Err(Caps::AGGREGATES.missing_in(Caps::NONE, stringify!($name)))
                    )
                ),+ }
            }
        }

        /// A backend without full text answers with `Unsupported`.
        impl<$($life,)? R: RecordCodec> Searching<R> for $store<$($life,)? R> {
            #[allow(unused_variables, reason = "a backend that cannot is not asked")]
            fn ranked<P: Predicate<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, Whole>,
                highlight: &Highlight,
                limits: &Limits,
            ) -> Result<Vec<Hit<R>>> {
                match self { $(
                    #[cfg $when] Self::$name(store) => provided!(
                        $search,
                        store.ranked(query.retarget()?, highlight, limits),
                        Err(Caps::FULL_TEXT.missing_in(Caps::NONE, stringify!($name)))
                    )
                ),+ }
            }
        }

        /// A backend whose streams do not split answers with `Unsupported`.
        impl<$($life,)? R: RecordCodec> Split<R> for $store<$($life,)? R> {
            fn split<P: Predicate<R>, S: Select<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, S>,
                parts: usize,
                limits: &Limits,
            ) -> Result<Vec<Self::Rows<P, S>>> {
                match self { $(
                    #[allow(unused_variables, reason = "a backend that cannot is not asked")]
                    #[cfg $when] Self::$name(store) => provided!(
                        $split,
                        {
                            let parts = store.split(query.retarget()?, parts, limits)?;
                            Ok(parts.into_iter().map($rows::$name).collect())
                        },
                        Err(Error::unsupported(concat!("streams on ", stringify!($name), " do not split")))
                    )
                ),+ }
            }
        }
    };
}
