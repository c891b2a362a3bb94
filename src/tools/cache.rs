//! Data that can no longer change: kept in memory, within a limit, never on disk.
//!
//! Whoever reads a final batch, the names of its files or a finished document keeps it here, so that the next page of it costs no
//! request. What may still change is never kept. A value is found by its type, the scope in which it was read, and an id.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use quick_cache::sync::DefaultLifecycle;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync};

use crate::llamacloud::Scope;

const CAPACITY_BYTES: u64 = 32 * 1024 * 1024;
/// How many values are usually kept; the cache sizes its tables by it.
const ESTIMATED_ITEMS: usize = 32;

/// Something that can be kept.
pub(crate) trait Keep: Send + Sync + 'static {
    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize;
}

/// A bounded cache. Clones share what they hold.
#[derive(Clone)]
pub(crate) struct Cache(Arc<sync::Cache<Key, Entry, ByBytes>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    kind: TypeId,
    scope: Scope,
    id: String,
}

#[derive(Clone)]
struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Entry> for ByBytes {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        entry.bytes
    }
}

impl Cache {
    /// An empty cache of 32 MiB.
    pub(crate) fn new() -> Self {
        Self::with_capacity(CAPACITY_BYTES)
    }

    fn with_capacity(bytes: u64) -> Self {
        // With several shards, a large document would have to fit into one of them. If their number is left open, the cache asks
        // the system how many processors there are, which reads files.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(ESTIMATED_ITEMS)
            .weight_capacity(bytes)
            .build();
        // Only options without a capacity are refused.
        Self(Arc::new(options.map_or_else(
            |_| sync::Cache::with_weighter(ESTIMATED_ITEMS, bytes, ByBytes),
            |options| {
                sync::Cache::with_options(
                    options,
                    ByBytes,
                    DefaultHashBuilder::default(),
                    DefaultLifecycle::default(),
                )
            },
        )))
    }

    /// The value kept under this id, unless it was evicted.
    pub(crate) fn get<T: Keep>(&self, scope: &Scope, id: &str) -> Option<Arc<T>> {
        self.0.get(&Key::of::<T>(scope, id))?.value.downcast().ok()
    }

    /// The value kept under this id, or the one that `read` returns, which is then kept. Equal concurrent calls read once.
    ///
    /// # Errors
    /// Those of `read`. Then nothing is kept, and the next waiting call reads.
    pub(crate) async fn get_or_read<T: Keep, E>(
        &self,
        scope: &Scope,
        id: &str,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let key = Key::of::<T>(scope, id);
        match self
            .0
            .get_value_or_guard_async(&key)
            .await
            .map(|entry| entry.value.downcast())
        {
            Ok(Ok(value)) => Ok(value),
            // A key names its type, so this does not happen.
            Ok(Err(_)) => read.await.map(Arc::new),
            Err(guard) => {
                let value = Arc::new(read.await?);
                drop(guard.insert(Entry::of(Arc::clone(&value), id)));
                Ok(value)
            }
        }
    }

    /// Keeps a value that can no longer change.
    pub(crate) fn keep<T: Keep>(&self, scope: &Scope, id: &str, value: Arc<T>) {
        self.0.insert(Key::of::<T>(scope, id), Entry::of(value, id));
    }
}

impl Entry {
    fn of<T: Keep>(value: Arc<T>, id: &str) -> Self {
        const OVERHEAD: usize = 256;
        let bytes = u64::try_from(value.bytes() + id.len() + OVERHEAD).unwrap_or(u64::MAX);
        Self { value, bytes }
    }
}

impl Key {
    fn of<T: 'static>(scope: &Scope, id: &str) -> Self {
        Self {
            kind: TypeId::of::<T>(),
            scope: scope.clone(),
            id: id.to_owned(),
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cache({} bytes)", self.0.weight())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use futures_util::FutureExt as _;
    use futures_util::future::join3;
    use tokio::task::yield_now;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Text(usize);

    #[derive(Debug, PartialEq)]
    struct Other(usize);

    impl Keep for Text {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    impl Keep for Other {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    fn scope(project: &str) -> Scope {
        Scope {
            project_id: Some(project.parse().unwrap()),
            organization_id: None,
        }
    }

    #[test]
    fn a_value_is_found_by_type_scope_and_id() {
        let cache = Cache::new();
        let here = scope("5a11ba5e-0000-4000-8000-000000000001");
        let there = scope("5a11ba5e-0000-4000-8000-000000000002");
        cache.keep(&here, "bat-1", Arc::new(Text(1)));
        cache.keep(&here, "bat-2", Arc::new(Text(2)));
        assert_eq!(cache.get::<Text>(&here, "bat-1").as_deref(), Some(&Text(1)));
        assert_eq!(cache.get::<Text>(&here, "bat-2").as_deref(), Some(&Text(2)));
        assert_eq!(cache.get::<Text>(&there, "bat-1"), None);
        assert_eq!(cache.get::<Other>(&here, "bat-1"), None);
    }

    #[tokio::test]
    async fn calls_at_the_same_time_read_once() {
        let cache = Cache::new();
        let scope = Scope::default();
        let reads = Cell::new(0);
        let read = async |size| {
            reads.set(reads.get() + 1);
            yield_now().await;
            if size == 0 { Err(()) } else { Ok(Text(size)) }
        };
        let (first, second, third) = join3(
            cache.get_or_read(&scope, "job", read(0)),
            cache.get_or_read(&scope, "job", read(7)),
            cache.get_or_read(&scope, "job", read(7)),
        )
        .await;
        assert_eq!((first.err(), reads.get()), (Some(()), 2));
        assert_eq!((second.as_deref(), third.as_deref()), (Ok(&Text(7)), Ok(&Text(7))));
    }

    #[tokio::test]
    async fn who_waits_reads_when_the_first_call_is_given_up() {
        let cache = Cache::new();
        let scope = Scope::default();
        let mut given_up = Box::pin(cache.get_or_read::<Text, ()>(&scope, "job", pending()));
        assert!(given_up.as_mut().now_or_never().is_none());
        let mut waits = Box::pin(cache.get_or_read(&scope, "job", async { Ok::<_, ()>(Text(1)) }));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(given_up);
        assert_eq!(waits.await.as_deref(), Ok(&Text(1)));
    }

    #[tokio::test]
    async fn what_is_too_large_is_read_again() {
        let cache = Cache::with_capacity(1000);
        let scope = Scope::default();
        for size in [5000, 6000] {
            let read = cache.get_or_read(&scope, "job", async { Ok::<_, ()>(Text(size)) });
            assert_eq!(read.await.as_deref(), Ok(&Text(size)));
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let cache = Cache::with_capacity(1_000_000);
        for number in 0..200_usize {
            cache.keep(
                &Scope::default(),
                &number.to_string(),
                Arc::new(Text(number * 997 % 90_000)),
            );
            assert!(cache.0.weight() <= 1_000_000, "{cache:?}");
        }
        cache.keep(&Scope::default(), "too large", Arc::new(Text(2_000_000)));
        assert_eq!(cache.get::<Text>(&Scope::default(), "too large"), None);
        assert!(cache.0.weight() <= 1_000_000);
    }

    #[test]
    fn a_document_of_many_megabytes_is_kept() {
        let cache = Cache::new();
        cache.keep(&Scope::default(), "job", Arc::new(Text(24 << 20)));
        assert!(cache.get::<Text>(&Scope::default(), "job").is_some());
    }
}
