//! Compiles `terrarium/**/*.proto` without an installed protoc.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=terrarium");
    let mut protos = Vec::new();
    collect_protos(Path::new("terrarium"), &mut protos)?;
    protos.sort();
    let descriptors = protox::compile(&protos, ["."])?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out_dir.join("descriptors.bin"), descriptors.encode_to_vec())?;
    std::fs::write(
        out_dir.join("requests_and_answers.rs"),
        requests_and_answers(&descriptors),
    )?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}

/// What requests and answers of all services have in common, as implementations of the traits in `lib.rs`: a message with
/// the fields of a trait has the trait.
fn requests_and_answers(descriptors: &prost_types::FileDescriptorSet) -> String {
    let mut code = String::new();
    for file in &descriptors.file {
        for message in &file.message_type {
            let module = file.package().replacen("terrarium.", "", 1).replace('.', "::");
            let path = format!("crate::{module}::{}", message.name());
            let has = |name: &str| message.field.iter().any(|field| field.name() == name);
            if message.name().ends_with("Request") && has("park") {
                let id = if has("client_request_id") {
                    "&self.client_request_id"
                } else {
                    "\"\""
                };
                let _ = writeln!(
                    code,
                    "impl ParkRequest for {path} {{ fn park(&self) -> &str {{ &self.park }} \
                     fn client_request_id(&self) -> &str {{ {id} }} }}"
                );
            }
            if message.name().ends_with("Response") && has("recorded_position") && has("recorded") {
                let _ = writeln!(
                    code,
                    "impl RecordedAnswer for {path} {{ fn new(recorded_position: u64, recorded: bool) -> Self {{ \
                     {path} {{ recorded_position, recorded, ..Default::default() }} }} }}"
                );
            }
            let counts_reports = message
                .field
                .iter()
                .any(|field| field.type_name() == ".terrarium.report.v1.ReportCounts");
            if counts_reports && has("rejections") && has("recorded_position") {
                let _ = writeln!(
                    code,
                    "impl ReportAnswer for {path} {{ fn new(counts: crate::report::v1::ReportCounts, \
                     rejections: Vec<crate::report::v1::ReportRejection>, recorded_position: u64) -> Self {{ \
                     {path} {{ counts: Some(counts), rejections, recorded_position, ..Default::default() }} }} }}"
                );
            }
        }
    }
    code
}

fn collect_protos(folder: &Path, protos: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, protos)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            protos.push(path);
        }
    }
    Ok(())
}
