use std::collections::HashSet;
use std::sync::{Arc, RwLock};

/// One shared copy of every stream and type name, so that an event costs pointers and not text.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    names: RwLock<HashSet<Arc<str>>>,
}

impl NameTable {
    pub fn intern(&self, name: &str) -> Arc<str> {
        if let Some(known) = self
            .names
            .read()
            .expect("no one panics holding the names")
            .get(name)
        {
            return known.clone();
        }
        let mut names = self.names.write().expect("no one panics holding the names");
        if let Some(known) = names.get(name) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(name);
        names.insert(new.clone());
        new
    }
}
