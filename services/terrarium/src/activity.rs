//! `terrarium activity`: reports what no meter sees, and the documents and invoices behind it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use terrarium_proto::carbon::v1::{
    AttachEvidenceRequest, EvidenceKind, InvoiceCarrier, ListActivitiesRequest, PinnedFactorSet,
    RecordInvoiceRequest, ReportActivityRequest, SetAccountingProfileRequest, WasteRouting,
};

use crate::client::{Client, ClientArgs};
use crate::output::{Format, print_json, print_json_line, print_line};
use crate::wire::{Shape, print_csv};

/// What to do with activities.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Report fuel burnt, refrigerant topped up, goods carried, heat bought, and such
    ///
    /// JSON has recorded, recorded_position.
    Report(Box<ReportArgs>),
    /// List what was reported
    ///
    /// JSON is ListActivitiesResponse, CSV its activities (ActivityReportedV1).
    List {
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Attach a document by the SHA-256 of its file
    ///
    /// JSON has recorded, recorded_position, sha256.
    Attach {
        /// The document; only its hash is sent
        file: PathBuf,
        /// invoice, calibration, weighbridge-ticket, product-declaration, registry-receipt, service-log or other
        #[arg(long)]
        kind: String,
        /// Meter or asset, or "<asset>/<kind>/<activity>" of a reported activity
        #[arg(long)]
        about: String,
        /// What it holds for, RFC 3339 with an offset
        #[arg(long, value_name = "TIME")]
        from: String,
        /// End (exclusive)
        #[arg(long, value_name = "TIME")]
        to: String,
        /// In your words
        #[arg(long)]
        note: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Record what a supplier charged for, to be set against meters (`terrarium ledger reconcile`)
    ///
    /// JSON has recorded, recorded_position.
    Invoice(Box<InvoiceArgs>),
    /// Decide how activities are accounted for
    ///
    /// JSON has recorded, recorded_position.
    Profile {
        /// It holds from here, RFC 3339 with an offset
        #[arg(long, value_name = "TIME")]
        from: String,
        /// The park is let to tenants
        #[arg(long)]
        landlord: bool,
        /// Where a stream of waste goes, such as residual=landfill
        #[arg(long = "waste", value_name = "STREAM=ROUTE")]
        waste: Vec<String>,
        /// Region of factors, best first
        #[arg(long = "region", value_name = "REGION")]
        regions: Vec<String>,
        /// The set that alone prices a kind, such as fuel_property=cn-fuels-guidelines
        #[arg(long = "pin", value_name = "KIND=SET")]
        pins: Vec<String>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
}

/// An activity.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Asset of where it happened
    #[arg(long)]
    asset: String,
    /// Its own id among the activities of that asset and kind
    #[arg(long)]
    id: String,
    /// fuel, vehicle-fuel, refrigerant, refrigerant-charge, process, gas, heat, freight, freight-out, business-travel, commuting,
    /// visitor-travel, material or waste-water
    #[arg(long)]
    kind: String,
    /// With what, as the factors name it: diesel, R-410A, lorry-rigid-over-17t
    #[arg(long)]
    subject: String,
    /// Start, RFC 3339 with an offset
    #[arg(long, value_name = "TIME")]
    start: String,
    /// Length; 0: at once
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    seconds: u32,
    /// How much, a decimal
    value: String,
    /// Its unit: L, kg, t, Nm3, kWh, GJ, km, tkm, pkm, m3
    unit: String,
    /// A correction names the next revision
    #[arg(long, default_value_t = 0)]
    revision: u32,
    /// Why it is corrected
    #[arg(long, default_value = "")]
    reason: String,
    /// Tenant or partner that answers for it [default: the park]
    #[arg(long, default_value = "")]
    party: String,
    /// Tier of the data, 1 (metered and calibrated) to 6 (assumed)
    #[arg(long)]
    tier: u32,
    /// Where it is written
    #[arg(long)]
    source: String,
    /// The document; only its hash is sent
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Park [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
}

/// An invoice.
#[derive(Debug, clap::Args)]
pub struct InvoiceArgs {
    /// Opaque id of the supplier
    #[arg(long)]
    supplier: String,
    /// Its number
    #[arg(long)]
    number: String,
    /// A correction names the next revision
    #[arg(long, default_value_t = 0)]
    revision: u32,
    /// Meter of electricity that it is about
    #[arg(long = "meter", value_name = "METER")]
    meters: Vec<String>,
    /// Asset with metered water that it is about
    #[arg(long = "water", value_name = "ASSET")]
    water: Vec<String>,
    /// Start, RFC 3339 with an offset, a full hour
    #[arg(long, value_name = "TIME")]
    from: String,
    /// End (exclusive)
    #[arg(long, value_name = "TIME")]
    to: String,
    /// How much, a decimal
    value: String,
    /// kWh, MWh, L, m3
    unit: String,
    /// The document; only its hash is sent
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Park [default: the server's only park]
    #[arg(long)]
    park: Option<String>,
}

/// Runs `terrarium activity`.
pub async fn run(client: &ClientArgs, action: Action) -> anyhow::Result<ExitCode> {
    let format = client.format;
    if !matches!(action, Action::List { .. }) {
        format.or_refuse_csv("activity")?;
    }
    let server = client.connect().await?;
    match action {
        Action::Report(args) => report(&server, format, *args).await?,
        Action::List { park } => list(&server, format, park).await?,
        Action::Attach {
            file,
            kind,
            about,
            from,
            to,
            note,
            park,
        } => {
            let request = AttachEvidenceRequest {
                park: server.park_or_only(park.as_deref()).await?,
                sha256: sha256_of(&file)?,
                kind: kind_of(&kind)?.into(),
                about,
                from,
                to,
                note,
                client_request_id: fresh_id(),
            };
            let sha256 = hex::encode(&request.sha256);
            let answer = server.carbon().attach_evidence(request).await;
            let answer = answer.map_err(|status| server.failed(status))?.into_inner();
            told(
                format,
                answer.recorded,
                answer.recorded_position,
                Some(&sha256),
            )?;
        }
        Action::Invoice(args) => invoice(&server, format, *args).await?,
        Action::Profile {
            from,
            landlord,
            waste,
            regions,
            pins,
            reason,
            park,
        } => {
            let request = SetAccountingProfileRequest {
                park: server.park_or_only(park.as_deref()).await?,
                valid_from: from,
                landlord,
                waste_routes: pairs("--waste", &waste)?
                    .into_iter()
                    .map(|(stream, route)| WasteRouting { stream, route })
                    .collect(),
                regions,
                pinned_sets: pairs("--pin", &pins)?
                    .into_iter()
                    .map(|(kind, set)| PinnedFactorSet { kind, set })
                    .collect(),
                reason,
                client_request_id: fresh_id(),
            };
            let answer = server.carbon().set_accounting_profile(request).await;
            let answer = answer.map_err(|status| server.failed(status))?.into_inner();
            told(format, answer.recorded, answer.recorded_position, None)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn report(server: &Client, format: Format, args: ReportArgs) -> anyhow::Result<()> {
    let request = ReportActivityRequest {
        park: server.park_or_only(args.park.as_deref()).await?,
        asset: args.asset,
        activity: args.id,
        kind: args.kind,
        subject: args.subject,
        interval_start: args.start,
        interval_seconds: args.seconds,
        value: args.value,
        unit: args.unit,
        revision: args.revision,
        party: args.party,
        tier: args.tier,
        u95_ppm: 0,
        source: args.source,
        evidence_sha256: document(args.document.as_deref())?,
        reason: args.reason,
        client_request_id: fresh_id(),
    };
    let answer = server.carbon().report_activity(request).await;
    let answer = answer.map_err(|status| server.failed(status))?.into_inner();
    told(format, answer.recorded, answer.recorded_position, None)
}

async fn list(server: &Client, format: Format, park: Option<String>) -> anyhow::Result<()> {
    let park = server.park_or_only(park.as_deref()).await?;
    let answer = server
        .carbon()
        .list_activities(ListActivitiesRequest { park })
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.carbon.v1.ListActivitiesResponse").json(&answer))?;
        }
        Format::Csv => print_csv(
            &Shape::of("terrarium.carbon.v1.ActivityReportedV1"),
            &answer.activities,
        )?,
        Format::Table => {
            for one in &answer.activities {
                print_line(format!(
                    "{} {} {} {}: {} {} (revision {}, tier {}, {})",
                    one.asset,
                    one.kind,
                    one.activity,
                    one.subject,
                    one.value,
                    one.unit,
                    one.revision,
                    one.tier,
                    one.source
                ))?;
            }
        }
    }
    Ok(())
}

async fn invoice(server: &Client, format: Format, args: InvoiceArgs) -> anyhow::Result<()> {
    let (carrier, meters) = match (args.meters.is_empty(), args.water.is_empty()) {
        (false, true) => (InvoiceCarrier::Electricity, args.meters),
        (true, false) => (InvoiceCarrier::Water, args.water),
        _ => bail!(
            "an invoice is about electricity (--meter) or water (--water); name one or more of one of them"
        ),
    };
    let request = RecordInvoiceRequest {
        park: server.park_or_only(args.park.as_deref()).await?,
        supplier: args.supplier,
        number: args.number,
        revision: args.revision,
        carrier: carrier.into(),
        meters,
        from: args.from,
        to: args.to,
        value: args.value,
        unit: args.unit,
        evidence_sha256: document(args.document.as_deref())?,
        client_request_id: fresh_id(),
    };
    let answer = server.carbon().record_invoice(request).await;
    let answer = answer.map_err(|status| server.failed(status))?.into_inner();
    told(format, answer.recorded, answer.recorded_position, None)
}

fn told(
    format: Format,
    recorded: bool,
    recorded_position: u64,
    sha256: Option<&str>,
) -> anyhow::Result<()> {
    if format == Format::Json {
        print_json_line(&serde_json::json!({
            "recorded": recorded, "recorded_position": recorded_position, "sha256": sha256,
        }))?;
        return Ok(());
    }
    let outcome = if recorded {
        "recorded"
    } else {
        "already recorded"
    };
    let document = sha256.map_or_else(String::new, |sha256| format!(", SHA-256 {sha256}"));
    print_line(format!(
        "{outcome} at position {recorded_position}{document}"
    ))?;
    Ok(())
}

fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn document(file: Option<&Path>) -> anyhow::Result<bytes::Bytes> {
    file.map_or_else(|| Ok(bytes::Bytes::new()), sha256_of)
}

fn sha256_of(file: &Path) -> anyhow::Result<bytes::Bytes> {
    let content = std::fs::read(file)
        .with_context(|| format!("{}: cannot be read; check the path", file.display()))?;
    Ok(bytes::Bytes::copy_from_slice(&Sha256::digest(&content)))
}

fn kind_of(token: &str) -> anyhow::Result<EvidenceKind> {
    let name = format!("EVIDENCE_KIND_{}", token.to_uppercase().replace('-', "_"));
    EvidenceKind::from_str_name(&name)
        .filter(|kind| *kind != EvidenceKind::Unspecified)
        .with_context(|| {
            format!(
                "\"{token}\" is no kind of document; write invoice, calibration, weighbridge-ticket, product-declaration, \
                 registry-receipt, service-log or other"
            )
        })
}

fn pairs(option: &str, texts: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    texts
        .iter()
        .map(|text| {
            text.split_once('=')
                .map(|(one, other)| (one.to_owned(), other.to_owned()))
                .with_context(|| format!("{option} \"{text}\" has no '='; write such as one=other"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_pairs_are_read_and_others_refused() {
        assert_eq!(
            kind_of("weighbridge-ticket").expect("known"),
            EvidenceKind::WeighbridgeTicket
        );
        assert!(kind_of("receipt").is_err() && kind_of("unspecified").is_err());
        assert_eq!(
            pairs("--waste", &["residual=landfill".to_owned()]).expect("a pair"),
            [("residual".to_owned(), "landfill".to_owned())]
        );
        assert!(pairs("--waste", &["residual".to_owned()]).is_err());
    }
}
