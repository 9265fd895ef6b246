//! `terrarium config`, `ca`, `token`: what a server needs before it starts.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use terrarium_runtime::{Role, Settings, TokenBook, create_token, tls};

use crate::client::ClientArgs;
use crate::output::{Format, print_json, print_json_line, print_line};

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum ConfigAction {
    /// Print every setting with its value and where it comes from: defaults, file, environment
    ///
    /// With --format json: values [{key, value, source}], warnings.
    Check {
        /// Settings file (TOML)
        #[arg(long, env = "TERRARIUM_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// What to do with certificates.
#[derive(Debug, clap::Subcommand)]
pub enum CaAction {
    /// Make a certificate authority and a server certificate: ca.pem, ca-key.pem, server.pem, server-key.pem
    ///
    /// Existing files are never overwritten. With --format json: ca, ca_key, certificate, key (paths).
    Create {
        /// Host names and IP addresses that clients reach the server by
        #[arg(long = "host", required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// Folder for the files
        #[arg(long, default_value = "tls", value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub enum TokenAction {
    /// Make a named bearer token; it is shown once, the server's token file keeps its hash
    ///
    /// With --format json: name, role, park, token, entry.
    Create {
        /// Who gets it, such as gateway-1; every event names it as its actor
        #[arg(long)]
        name: String,
        /// device, operator, auditor, partner, simulator or admin
        #[arg(long)]
        role: Role,
        /// Only for this park [default: all parks]
        #[arg(long)]
        park: Option<String>,
        /// Token file of the server to add the entry to [default: print the entry]
        #[arg(long, value_name = "FILE")]
        tokens: Option<PathBuf>,
    },
}

/// Runs `terrarium config`.
pub fn run_config(client: &ClientArgs, action: ConfigAction) -> anyhow::Result<ExitCode> {
    let ConfigAction::Check { config } = action;
    let format = client.format.or_refuse_csv("config check")?;
    let effective = Settings::load(config.as_deref(), &[])?;
    if format == Format::Json {
        print_json(
            &serde_json::json!({ "values": effective.values, "warnings": effective.warnings }),
        )?;
    } else {
        print_line(effective.to_string().trim_end())?;
        for warning in &effective.warnings {
            eprintln!("warning: {warning}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `terrarium ca`.
pub fn run_ca(client: &ClientArgs, action: CaAction) -> anyhow::Result<ExitCode> {
    let CaAction::Create { hosts, folder } = action;
    let format = client.format.or_refuse_csv("ca create")?;
    let files = tls::create_authority(&folder, &hosts)?;
    if format == Format::Json {
        print_json_line(&serde_json::json!({
            "ca": files.ca, "ca_key": files.ca_key, "certificate": files.certificate, "key": files.key,
        }))?;
    } else {
        print_line(format!(
            "{}  for clients: --tls-ca or TERRARIUM_TLS_CA",
            files.ca.display()
        ))?;
        print_line(format!(
            "{}  signs further certificates; keep it away from servers",
            files.ca_key.display()
        ))?;
        print_line(format!(
            "{}  for the server: tls.certificate",
            files.certificate.display()
        ))?;
        print_line(format!("{}  for the server: tls.key", files.key.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `terrarium token`.
pub fn run_token(client: &ClientArgs, action: TokenAction) -> anyhow::Result<ExitCode> {
    let TokenAction::Create {
        name,
        role,
        park,
        tokens,
    } = action;
    let format = client.format.or_refuse_csv("token create")?;
    let (token, entry) = create_token(&name, role, park.as_deref())?;
    if let Some(file) = &tokens {
        append_entry(file, &entry)?;
    }
    match (format, &tokens) {
        (Format::Json, _) => print_json_line(&serde_json::json!({
            "name": name, "role": role.as_str(), "park": park, "token": token, "entry": entry,
        }))?,
        (_, Some(file)) => {
            eprintln!(
                "added {name} to {}; restart the server to let it in. The token, shown only now:",
                file.display()
            );
            print_line(token)?;
        }
        (_, None) => {
            eprintln!("The token, shown only now; below it the entry for the server's token file:");
            print_line(format!("{token}\n\n{}", entry.trim_end()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn append_entry(file: &std::path::Path, entry: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let name = file.display();
    let existing = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
    };
    let joined = if existing.is_empty() {
        entry.to_owned()
    } else {
        format!("{}\n\n{entry}", existing.trim_end())
    };
    // A file of its own first: the server never sees half an entry, and a second token of one name is refused unseen.
    let draft = file.with_extension("new");
    let draft_name = draft.display();
    let written = (|| {
        let mut opened = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        opened.write_all(joined.as_bytes())?;
        opened.sync_all()
    })();
    written.with_context(|| format!("cannot write {draft_name}"))?;
    if let Err(error) = TokenBook::read(&draft) {
        std::fs::remove_file(&draft).with_context(|| format!("cannot remove {draft_name}"))?;
        return Err(anyhow::Error::from(error)
            .context(format!("{name} stays as it was; choose another --name")));
    }
    std::fs::rename(&draft, file).with_context(|| format!("cannot write {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_added_to_one_file_and_a_second_of_one_name_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("tokens.toml");
        for name in ["gateway-1", "gateway-2"] {
            let (_, entry) = create_token(name, Role::Device, None).expect("a good name");
            append_entry(&file, &entry).expect("appends");
        }
        let before = std::fs::read_to_string(&file).expect("reads");
        let (_, entry) = create_token("gateway-1", Role::Admin, None).expect("a good name");
        let refusal = append_entry(&file, &entry).expect_err("the name is taken");
        assert!(format!("{refusal:#}").contains("gateway-1"), "{refusal:#}");
        assert_eq!(std::fs::read_to_string(&file).expect("reads"), before);
    }
}
