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
