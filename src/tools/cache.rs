//! What was read about things that no longer change: kept in memory, within a bound, never on disk.
//!
//! Whoever reads a final batch, the names of its files or a finished document keeps it here, so that the next page of it costs no
//! request. What may still change is never kept. A value is found by its type, the scope in which it was read, and an id.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use quick_cache::{Weighter, sync};

use crate::llamacloud::Scope;

const CAPACITY_BYTES: u64 = 32 * 1024 * 1024;
/// An estimate. At most 32 also makes the cache one piece: in several, a large document would have to fit into one of them.
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
        Self(Arc::new(sync::Cache::with_weighter(ESTIMATED_ITEMS, bytes, ByBytes)))
    }

    /// What was kept under this id, unless it had to make room.
    pub(crate) fn get<T: Keep>(&self, scope: &Scope, id: &str) -> Option<Arc<T>> {
        self.0.get(&Key::of::<T>(scope, id))?.value.downcast().ok()
    }

    /// Keeps a value that will not change any more.
    pub(crate) fn keep<T: Keep>(&self, scope: &Scope, id: &str, value: Arc<T>) {
        const OVERHEAD: usize = 256;
        let bytes = u64::try_from(value.bytes() + id.len() + OVERHEAD).unwrap_or(u64::MAX);
        self.0.insert(Key::of::<T>(scope, id), Entry { value, bytes });
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
