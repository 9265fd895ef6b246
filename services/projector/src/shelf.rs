//! A file for what the twins seldom ask for. It is nobody else's and is gone with the process: a projection is disposable.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use terrarium_model::Shelf;

/// A file without a name.
#[derive(Debug)]
pub struct FileShelf {
    file: File,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    end: u64,
    /// It is told once that there is no room, and once that there is again.
    is_full: bool,
}

impl FileShelf {
    /// An empty one in a folder, which is made if it is not there.
    pub fn create(folder: &Path) -> io::Result<FileShelf> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("far-past-{}.tmp", std::process::id()));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        // From now on only this process knows it.
        std::fs::remove_file(&path)?;
        Ok(FileShelf {
            file,
            written: Mutex::default(),
        })
    }
}

impl Shelf for FileShelf {
    fn put(&self, bytes: &[u8]) -> Option<u64> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let place = written.end;
        match self.file.write_all_at(bytes, place) {
            Ok(()) => {
                written.end += bytes.len() as u64;
                if written.is_full {
                    tracing::info!("the projection puts its far past on disk again");
                    written.is_full = false;
                }
                Some(place)
            }
            Err(error) => {
                if !written.is_full {
                    tracing::warn!(%error, "the projection keeps its far past in memory: it can't be written to its folder");
                    written.is_full = true;
                }
                None
            }
        }
    }

    fn get(&self, place: u64, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        if let Err(error) = self.file.read_exact_at(&mut read, place) {
            panic!(
                "the far past of the projection can't be read from its file ({error}); start again, it is made anew from the record"
            );
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_away_is_found_again_and_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = FileShelf::create(&folder.path().join("projection")).expect("it is made");
        let places: Vec<u64> = (0..50_u8)
            .map(|number| shelf.put(&vec![number; 1_000]).expect("there is room"))
            .collect();
        for (number, place) in (0..50_u8).zip(places) {
            assert_eq!(shelf.get(place, 1_000), vec![number; 1_000]);
        }
        let left = std::fs::read_dir(folder.path().join("projection")).expect("it is there");
        assert_eq!(left.count(), 0);
    }
}
