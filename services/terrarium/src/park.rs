//! `terrarium park`: park definition files, and what is published beside what is recorded.

mod compare;
mod figures;

use std::path::PathBuf;
use std::process::ExitCode;

use terrarium_model::ParkDefinition;

use crate::client::ClientArgs;
use crate::exit;
use crate::output::{Format, count, print_json_line, print_line};

/// What to do with park files.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Check park definition files; problems go to stderr, each with its line and remedy
    ///
    /// With --format json one object per good file is printed: file, park, zones, assets, meters, nodes.
    Check {
        /// Park files (TOML)
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Hold what is published of a park beside a year of its record
    ///
    /// The rows stand in the park file as [[published]]. JSON: one object with the park, the period and its rows.
    Compare(compare::Args),
}

#[derive(serde::Serialize)]
struct Summary {
    file: String,
    park: String,
    zones: usize,
    assets: usize,
    meters: usize,
    nodes: usize,
}

/// Runs `terrarium park`.
pub async fn run(client: &ClientArgs, action: Action) -> anyhow::Result<ExitCode> {
    let files = match action {
        Action::Check { files } => files,
        Action::Compare(args) => return compare::run(client, args).await,
    };
    let format = client.format.or_refuse_csv("park check")?;
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let name = file.display().to_string();
        match check(&file, &name) {
            Ok(summary) if format == Format::Json => print_json_line(&summary)?,
            Ok(Summary {
                file,
                park,
                zones,
                assets,
                meters,
                nodes,
            }) => print_line(format!(
                "{file}: park {park} is good: {} zones, {} assets, {} meters, {} nodes",
                count(zones as u64),
                count(assets as u64),
                count(meters as u64),
                count(nodes as u64)
            ))?,
            Err(problems) => {
                eprintln!("{problems}");
                code = ExitCode::from(exit::FAILURE);
            }
        }
    }
    Ok(code)
}

fn check(file: &std::path::Path, name: &str) -> Result<Summary, String> {
    let bytes = std::fs::read(file)
        .map_err(|error| format!("{name}: cannot be read: {error}; check the path"))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("{name}: this is no UTF-8 text; save it as UTF-8"))?;
    let park = ParkDefinition::parse(&text, name).map_err(|problems| problems.to_string())?;
    Ok(Summary {
        file: name.to_owned(),
        park: park.id.to_string(),
        zones: park.zones.len(),
        assets: park.assets.len(),
        meters: park.meters.len(),
        nodes: park.nodes.len(),
    })
}
