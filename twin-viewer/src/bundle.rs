//! An incident bundle as one file that opens anywhere (ZIP, ISO/IEC 21320-1), with a manifest that tells the length and the
//! SHA-256 of everything in it. The same content gives the same bytes.

use std::io::{self, Cursor, Write};

use serde_json::json;
use sha2::{Digest, Sha256};
use terrarium_view_model::BundleFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

const PICTURE: &str = "picture.png";
const MANIFEST: &str = "manifest.json";

/// The bundle of these files and a picture, its manifest first.
pub fn bundle(files: &[BundleFile], png: &[u8]) -> io::Result<Vec<u8>> {
    let texts = files
        .iter()
        .map(|file| (file.name, file.text.as_bytes(), CompressionMethod::Deflated));
    // A picture is packed already.
    let parts: Vec<_> = texts
        .chain([(PICTURE, png, CompressionMethod::Stored)])
        .collect();
    let listed: Vec<_> = parts
        .iter()
        .map(|(name, bytes, _)| {
            json!({
                "name": name,
                "bytes": bytes.len(),
                "sha256": hex(&Sha256::digest(bytes)),
            })
        })
        .collect();
    let manifest = json!({ "format": "terrarium-incident/1", "files": listed });
    let manifest = format!("{manifest:#}\n");

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8], method: CompressionMethod| -> io::Result<()> {
        // The moment is told by what is inside; the archive's own clock has no zone.
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::default());
        zip.start_file(name, options).map_err(io::Error::other)?;
        zip.write_all(bytes)
    };
    add(MANIFEST, manifest.as_bytes(), CompressionMethod::Deflated)?;
    for (name, bytes, method) in parts {
        add(name, bytes, method)?;
    }
    let written = zip.finish().map_err(io::Error::other)?;
    Ok(written.into_inner())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use zip::ZipArchive;

    use super::*;

    fn files() -> Vec<BundleFile> {
        vec![
            BundleFile {
                name: "incident.json",
                text: "{}\n".to_owned(),
            },
            BundleFile {
                name: "events.jsonl",
                text: "{\"事件\": 1}\n".repeat(200),
            },
        ]
    }

    #[test]
    fn a_bundle_is_one_file_whose_manifest_vouches_for_all_in_it() {
        let bytes = bundle(&files(), b"a picture").expect("a bundle");
        let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("it opens");
        let mut read = |name: &str| {
            let mut content = Vec::new();
            let mut file = archive.by_name(name).expect("it is in there");
            file.read_to_end(&mut content).expect("it is whole");
            content
        };
        let manifest: serde_json::Value =
            serde_json::from_slice(&read(MANIFEST)).expect("it is JSON");
        let listed = manifest["files"].as_array().expect("a list").clone();
        let names: Vec<&str> = listed
            .iter()
            .filter_map(|file| file["name"].as_str())
            .collect();
        assert_eq!(names, ["incident.json", "events.jsonl", "picture.png"]);
        for file in &listed {
            let content = read(file["name"].as_str().expect("a name"));
            assert_eq!(file["bytes"], content.len());
            assert_eq!(file["sha256"], hex(&Sha256::digest(&content)));
        }
        assert_eq!(read("events.jsonl"), files()[1].text.as_bytes());
    }

    #[test]
    fn the_same_incident_gives_the_same_bytes() {
        let one = bundle(&files(), b"a picture").expect("a bundle");
        assert_eq!(one, bundle(&files(), b"a picture").expect("a bundle"));
        assert_ne!(one, bundle(&files(), b"another").expect("a bundle"));
    }
}
