//! A picture against the one that a person looked at.

use std::path::{Path, PathBuf};

use crate::picture::Picture;

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

pub fn compare(picture: &Picture, name: &str, driver: &str) {
    let folder = golden_folder();
    let file = folder.join(format!("{name}.png"));
    let bytes = picture.png().expect("a PNG");
    if std::env::var_os("TERRARIUM_BLESS").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder of golden images");
        std::fs::write(&file, bytes).expect("a golden image is written");
        std::fs::write(folder.join("driver.txt"), driver).expect("the driver is written");
        return;
    }
    let golden = read(&file);
    let made_with = std::fs::read_to_string(folder.join("driver.txt")).unwrap_or_default();
    let is_right = if made_with == driver {
        golden == *picture
    } else {
        is_nearly_the_same(&golden, picture)
    };
    if !is_right {
        let actual = std::env::temp_dir().join(format!("terrarium-{name}.png"));
        std::fs::write(&actual, bytes).expect("the actual picture is written");
        panic!(
            "{name} does not look like {} any more (made with {made_with}, drawn with {driver}); it now looks like {}",
            file.display(),
            actual.display()
        );
    }
}

fn read(file: &Path) -> Picture {
    let opened =
        std::fs::File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(opened))
        .read_info()
        .expect("a PNG");
    let mut rgb = vec![0; reader.output_buffer_size().expect("a PNG of our size")];
    let info = reader.next_frame(&mut rgb).expect("a PNG");
    Picture {
        width: info.width,
        height: info.height,
        rgb,
    }
}

/// Other drivers round otherwise and cut edges otherwise.
fn is_nearly_the_same(one: &Picture, other: &Picture) -> bool {
    const FAR: u8 = 24;
    const MOST_FAR_SHARE: f64 = 0.03;
    let far = one
        .pixels()
        .zip(other.pixels())
        .filter(|(one, other)| one.iter().zip(other).any(|(a, b)| a.abs_diff(*b) > FAR))
        .count();
    (one.width, one.height) == (other.width, other.height)
        && far as f64 <= MOST_FAR_SHARE * f64::from(one.width * one.height)
}
