//! `terrarium status`: how far the server's projection is.

use std::process::ExitCode;

use terrarium_proto::ledger::v1::{GetStateRequest, GetStateResponse};

use crate::client::ClientArgs;
use crate::output::{Format, count, print_json, print_line, table};
use crate::wire::Shape;

/// Runs `terrarium status`; JSON is `GetStateResponse`.
pub async fn run(client: &ClientArgs) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("status")?;
    let server = client.connect().await?;
    let request = GetStateRequest { hashes: true };
    let state = server
        .ledger()
        .get_state(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.GetStateResponse").json(&state))?
        }
        _ => print_line(text_of(&state))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text_of(state: &GetStateResponse) -> String {
    let position = state
        .position
        .map_or("none, nothing is recorded yet".to_owned(), |position| {
            position.to_string()
        });
    let mut text = format!(
        "position      {position}\nevents        {}\nstate hash    {}\ncontent hash  {}",
        count(state.events),
        hex::encode(&state.state_hash),
        hex::encode(&state.content_hash)
    );
    if !state.parks.is_empty() {
        let headers = [
            "park",
            "readings",
            "superseded",
            "quarantined",
            "factor sets",
            "content hash",
        ];
        let rows = state.parks.iter().map(|park| {
            vec![
                park.park.clone(),
                count(park.readings),
                count(park.readings_superseded),
                count(park.quarantined),
                count(park.factor_sets),
                hex::encode(&park.content_hash),
            ]
        });
        text.push_str("\n\n");
        text.push_str(&table(&headers, &["park", "content hash"], rows));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_server_says_so() {
        assert!(
            text_of(&GetStateResponse::default())
                .starts_with("position      none, nothing is recorded yet\n")
        );
    }
}
