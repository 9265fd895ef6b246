//! `terrarium ledger natural`: the balances in natural units.

use terrarium_proto::ledger::v1::{
    GetNaturalBalanceRequest, GetNaturalBalanceResponse, NaturalBalance,
};

use crate::client::Client;
use crate::output::{Format, print_json, print_line, short_enum, table};
use crate::wire::{Shape, print_csv};

/// Asks for the balances of a period and prints them.
pub async fn balance(
    server: &Client,
    format: Format,
    request: GetNaturalBalanceRequest,
) -> anyhow::Result<()> {
    let answer = server
        .natural_books()
        .get_natural_balance(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.ledger.v1.GetNaturalBalanceResponse").json(&answer))?
        }
        Format::Csv => print_csv(
            &Shape::of("terrarium.ledger.v1.NaturalBalance"),
            &answer.balances,
        )?,
        Format::Table => print_line(table_of(&answer))?,
    }
    Ok(())
}

fn table_of(answer: &GetNaturalBalanceResponse) -> String {
    let headers = [
        "asset",
        "medium",
        "in",
        "out",
        "stored",
        "unexplained",
        "unexplained abs.",
        "balanced",
        "of them open",
    ];
    let rows = answer.balances.iter().map(row);
    let mut text = table(&headers, &["asset", "medium"], rows);
    let period = answer.period.clone().unwrap_or_default();
    text.push_str(&format!(
        "\n\npark {}, {} to {}, record through position {}; in = out + stored + unexplained",
        answer.park, period.from, period.to, answer.position
    ));
    text
}

fn row(balance: &NaturalBalance) -> Vec<String> {
    let asset = match balance.asset.as_str() {
        "" => "collections",
        asset => asset,
    };
    let medium = short_enum(balance.medium().as_str_name(), "NATURAL_MEDIUM_");
    let amounts = [
        balance.r#in,
        balance.out,
        balance.stored,
        balance.unexplained,
        balance.unexplained_absolute,
    ];
    let mut row = vec![asset.to_owned(), medium];
    row.extend(amounts.map(|amount| amount.to_string()));
    row.extend([balance.closed, balance.open].map(|number| number.to_string()));
    row
}

#[cfg(test)]
mod tests {
    use terrarium_proto::ledger::v1::NaturalMedium;

    use super::*;

    #[test]
    fn what_no_meter_explains_has_a_column() {
        let heat = NaturalBalance {
            medium: NaturalMedium::HeatWh.into(),
            asset: "toilet-building".to_owned(),
            closed: 24,
            open: 3,
            r#in: 120_000,
            out: 119_400,
            unexplained: 600,
            unexplained_absolute: 640,
            ..NaturalBalance::default()
        };
        let answer = GetNaturalBalanceResponse {
            park: "haotian".to_owned(),
            balances: vec![heat],
            ..GetNaturalBalanceResponse::default()
        };
        let text = table_of(&answer);
        let line = text.lines().find(|line| line.contains("toilet")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words[1..],
            [
                "heat", "wh", "120000", "119400", "0", "600", "640", "24", "3"
            ]
        );
    }
}
