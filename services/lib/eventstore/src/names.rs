use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Arc, RwLock};

/// Names that are kept, at most twice as many: those that were not asked for since are forgotten.
const KEPT_NAMES: usize = 256 * 1024;

/// One shared copy of the stream and type names in use, so that an event costs pointers and not text.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    names: RwLock<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    new: HashSet<Arc<str>>,
    old: HashSet<Arc<str>>,
}

impl NameTable {
    pub fn intern(&self, name: &str) -> Arc<str> {
        let names = self.names.read().expect("no one panics holding the names");
        if let Some(known) = names.new.get(name) {
            return known.clone();
        }
        drop(names);
        let mut names = self.names.write().expect("no one panics holding the names");
        if let Some(known) = names.new.get(name) {
            return known.clone();
        }
        let kept = names.old.take(name).unwrap_or_else(|| Arc::from(name));
        if names.new.len() >= KEPT_NAMES {
            names.old = std::mem::take(&mut names.new);
        }
        names.new.insert(kept.clone());
        kept
    }
}

/// Names that one reader asked for lately, so that it rarely asks the table that all share.
#[derive(Debug)]
pub(crate) struct NameCache<'a> {
    table: &'a NameTable,
    known: RefCell<[Option<Arc<str>>; CACHED_NAMES]>,
}

/// A power of two.
const CACHED_NAMES: usize = 64;

impl<'a> NameCache<'a> {
    pub fn over(table: &'a NameTable) -> NameCache<'a> {
        NameCache {
            table,
            known: RefCell::new([const { None }; CACHED_NAMES]),
        }
    }

    pub fn intern(&self, name: &str) -> Arc<str> {
        let mut known = self.known.borrow_mut();
        let entry = &mut known[place_of(name)];
        match entry {
            Some(known) if **known == *name => Arc::clone(known),
            _ => {
                let interned = self.table.intern(name);
                *entry = Some(Arc::clone(&interned));
                interned
            }
        }
    }
}

/// From the end of a name, where names differ most.
fn place_of(name: &str) -> usize {
    let mut word = [0; 8];
    let end = &name.as_bytes()[name.len().saturating_sub(8)..];
    word[..end.len()].copy_from_slice(end);
    // The golden ratio spreads the bits (Knuth, The Art of Computer Programming, 6.4).
    let spread = u64::from_le_bytes(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (64 - CACHED_NAMES.trailing_zeros())) as usize
}
