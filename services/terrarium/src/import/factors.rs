//! `terrarium import factors`: publishes factor sets and tables from files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use terrarium_carbon::table_intake::take_in_table;
use terrarium_ledger::FactorSet as TakenRow;
use terrarium_ledger::factor_check::{CheckedRow, check_rows};
use terrarium_proto::carbon::v1::factor_set::Values;
use terrarium_proto::carbon::v1::{
    FactorSet, FactorTable, PublishFactorSetRequest, PublishFactorTableRequest,
};

use crate::client::{Client, ClientArgs};
use crate::import::factor_file::{read_factor_set, read_text};
use crate::import::factor_table_file::{is_table, read_factor_table};
use crate::output::{Format, count, print_json_line, print_line};

/// Arguments of `terrarium import factors`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// TOML files, or folders of them: all are checked, by themselves and against each other, before anything is sent
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Park to publish the sets to [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
    /// CSV file of the hourly values, instead of the one that the TOML file names
    #[arg(long, value_name = "CSV")]
    series: Option<PathBuf>,
}

#[derive(serde::Serialize)]
struct Published<'a> {
    park: &'a str,
    set: &'a str,
    version: &'a str,
    values: usize,
    recorded: bool,
    recorded_position: u64,
}

enum ToPublish {
    Set(FactorSet),
    Table(FactorTable),
}

impl ToPublish {
    fn name(&self) -> (&str, &str, usize) {
        match self {
            ToPublish::Set(set) => {
                let values = match &set.values {
                    Some(Values::Series(series)) => series.hourly.len(),
                    _ => 1,
                };
                (&set.set, &set.version, values)
            }
            ToPublish::Table(table) => (&table.set, &table.version, table.rows.len()),
        }
    }
}

/// Runs `terrarium import factors`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("import factors")?;
    let to_publish = read_all(&args)?;
    let server = client.connect().await?;
    let park = server.park_or_only(args.park.as_deref()).await?;
    for one in to_publish {
        let (set, version, values) = one.name();
        let (set, version) = (set.to_owned(), version.to_owned());
        let (recorded, recorded_position) = publish(&server, &park, one).await?;
        let published = Published {
            park: &park,
            set: &set,
            version: &version,
            values,
            recorded,
            recorded_position,
        };
        match format {
            Format::Json => print_json_line(&published)?,
            _ => {
                let outcome = if recorded {
                    "recorded"
                } else {
                    "already recorded"
                };
                let values = count(values as u64);
                print_line(format!(
                    "{outcome}: factor set {set}, version {version}, {values} values, for park {park}, at position \
                     {recorded_position}"
                ))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_all(args: &Args) -> anyhow::Result<Vec<ToPublish>> {
    let mut paths = Vec::new();
    for path in &args.files {
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let name = path.display();
        let mut files: Vec<PathBuf> = std::fs::read_dir(path)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect()
            })
            .with_context(|| format!("{name}: cannot be read"))?;
        files.retain(|file| {
            file.extension()
                .is_some_and(|extension| extension == "toml")
        });
        files.sort();
        if files.is_empty() {
            bail!("{name}: there is no .toml file in it; name a folder with factor files");
        }
        paths.extend(files);
    }
    if args.series.is_some() && paths.len() != 1 {
        bail!("--series is for one file; import the others by themselves");
    }
    let mut to_publish = Vec::new();
    let mut rows: Vec<(String, std::sync::Arc<TakenRow>)> = Vec::new();
    for path in paths {
        let file = path.display().to_string();
        let text = read_text(&path)?;
        if !is_table(&text) {
            to_publish.push(ToPublish::Set(read_factor_set(
                &path,
                args.series.as_deref(),
            )?));
            continue;
        }
        if args.series.is_some() {
            bail!("{file}: --series is for a set with an [hourly] section, and this is a table");
        }
        let table = read_factor_table(&file, &text)?;
        let publication = take_in_table(&table)
            .map_err(|refusal| anyhow::anyhow!("{file}, {}: {}", refusal.field, refusal.problem))?;
        let of_file = publication.rows().iter().cloned();
        rows.extend(of_file.map(|row| (file.clone(), row)));
        to_publish.push(ToPublish::Table(table));
    }
    let checked: Vec<CheckedRow<'_>> = rows
        .iter()
        .map(|(_, row)| CheckedRow {
            row,
            is_explained: row.detail.note.contains("unusual: "),
        })
        .collect();
    if let Some(problem) = check_rows(&checked).into_iter().next() {
        let file = &rows[problem.index].0;
        bail!("{file}, row \"{}\": {}", problem.row, problem.problem);
    }
    Ok(to_publish)
}

async fn publish(server: &Client, park: &str, one: ToPublish) -> anyhow::Result<(bool, u64)> {
    let park = park.to_owned();
    let client_request_id = uuid::Uuid::new_v4().to_string();
    let mut carbon = server.carbon();
    Ok(match one {
        ToPublish::Set(factor_set) => {
            let request = PublishFactorSetRequest {
                park,
                factor_set: Some(factor_set),
                client_request_id,
            };
            let answer = carbon.publish_factor_set(request).await;
            let answer = answer.map_err(|status| server.failed(status))?.into_inner();
            (answer.recorded, answer.recorded_position)
        }
        ToPublish::Table(table) => {
            let request = PublishFactorTableRequest {
                park,
                table: Some(table),
                client_request_id,
            };
            let answer = carbon.publish_factor_table(request).await;
            let answer = answer.map_err(|status| server.failed(status))?.into_inner();
            (answer.recorded, answer.recorded_position)
        }
    })
}
