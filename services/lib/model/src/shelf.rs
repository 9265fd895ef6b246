//! Where goes what is seldom asked for.

use std::fmt;

/// Keeps bytes outside of memory, for as long as the process runs: a file that is thrown away with it. Whoever holds a shelf
/// still answers exactly as if everything stood in memory.
pub trait Shelf: fmt::Debug + Send + Sync {
    /// Puts bytes away and gives their place. `None`: there is no room for them now, they have to stay in memory.
    fn put(&self, bytes: &[u8]) -> Option<u64>;

    /// What was put at a place. What can't be read back is lost for this process, so that there is nothing to give but a panic
    /// that says so.
    fn get(&self, place: u64, bytes: usize) -> Vec<u8>;
}
