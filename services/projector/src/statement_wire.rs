//! Statements as the wire carries them.

use std::collections::BTreeMap;

use terrarium_ledger::claims::statement::{
    Chart, ChartKind, Line, LineRole, Netting, Source, Statement, Words,
};
use terrarium_ledger::{
    Basis, CarbonBook, InstrumentKind, InstrumentLine, InstrumentState, Posting, Scope,
};
use terrarium_ledger::{GwpSet, MethodId};
use terrarium_model::{ParkDefinition, TimeZone};
use terrarium_proto::ledger::v1 as wire;

use crate::ledger_wire;

pub(crate) fn statement(statement: &Statement, definition: &ParkDefinition) -> wire::Statement {
    let zone = &definition.time_zone;
    let used = Used::by(statement);
    wire::Statement {
        claim: statement.claim.to_owned(),
        title: Some(words(&statement.title)),
        standard: Some(words(&statement.standard)),
        park: statement.park.to_string(),
        park_name: Some(wire::Words {
            en: definition.name.en.clone(),
            zh: definition.name.zh.clone(),
        }),
        period: Some(wire::Period {
            from: zone.format_rfc3339(statement.period.from),
            to: zone.format_rfc3339(statement.period.to),
        }),
        period_name: statement.period_name.clone().unwrap_or_default(),
        period_state: String::new(),
        provisional: statement.provisional,
        gwp: statement.gwp.token().to_owned(),
        lines: statement.lines.iter().map(|of| line(of, &used)).collect(),
        netting: statement.netting.iter().map(netting).collect(),
        verdict: Some(wire::Verdict {
            kind: statement.verdict.kind.token().to_owned(),
            words: Some(words(&statement.verdict.words)),
        }),
        notes: statement.notes.iter().map(words).collect(),
        charts: statement.charts.iter().map(chart).collect(),
        postings: used
            .postings
            .keys()
            .map(|index| {
                let park = statement.posting_parks.get(*index);
                let park = park.map_or_else(String::new, ToString::to_string);
                posting(&statement.postings[*index], park, statement.gwp, zone)
            })
            .collect(),
        instruments: used
            .instruments
            .keys()
            .map(|index| instrument(&statement.instruments[*index]))
            .collect(),
        as_of: None,
        calculated_by: concat!("terrarium ", env!("CARGO_PKG_VERSION")).to_owned(),
        years: Vec::new(),
    }
}

/// What sources name goes over the wire, and nothing else: its place there by its place in the books.
struct Used {
    postings: BTreeMap<usize, u32>,
    instruments: BTreeMap<usize, u32>,
}

impl Used {
    fn by(statement: &Statement) -> Used {
        let mut used = Used {
            postings: BTreeMap::new(),
            instruments: BTreeMap::new(),
        };
        for source in statement.lines.iter().flat_map(|line| &line.from) {
            match source {
                Source::Posting { index, .. } => {
                    used.postings.insert(*index, 0);
                }
                Source::Instrument(index) => {
                    used.instruments.insert(*index, 0);
                }
                _ => {}
            }
        }
        for places in [&mut used.postings, &mut used.instruments] {
            for (place, number) in (0_u32..).zip(places.values_mut()) {
                *number = place;
            }
        }
        used
    }
}

pub(crate) fn bare_line(of: &Line) -> wire::StatementLine {
    line(
        of,
        &Used {
            postings: BTreeMap::new(),
            instruments: BTreeMap::new(),
        },
    )
}

fn line(of: &Line, used: &Used) -> wire::StatementLine {
    wire::StatementLine {
        id: of.id.clone(),
        words: Some(words(&of.words)),
        value: of.value,
        unit: of.unit.token().to_owned(),
        half95: of.half95,
        role: match of.role {
            LineRole::Part => "part",
            LineRole::Sum => "sum",
            LineRole::Result => "result",
            LineRole::Beside => "beside",
            LineRole::Limit => "limit",
        }
        .to_owned(),
        depth: of.depth.into(),
        sources: of.from.iter().filter_map(|of| source(of, used)).collect(),
        remark: of.remark.as_ref().map(words),
    }
}

fn source(source: &Source, used: &Used) -> Option<wire::FigureSource> {
    use wire::figure_source::Source as Of;
    let (of, share_ppm) = match source {
        Source::Posting { index, share_ppm } => {
            (Of::Posting(*used.postings.get(index)?), *share_ppm)
        }
        Source::Energy(account) => (Of::Energy(ledger_wire::account(*account).into()), 0),
        Source::Instrument(index) => (Of::Instrument(*used.instruments.get(index)?), 1_000_000),
        Source::Line { id, sign } => (Of::Line(id.clone()), i64::from(*sign) * 1_000_000),
        Source::Decision { position, .. } => (Of::Decision(*position), 0),
        Source::Standard(standard) => (Of::Standard((*standard).to_owned()), 0),
    };
    Some(wire::FigureSource {
        source: Some(of),
        share_ppm,
    })
}

fn netting(of: &Netting) -> wire::NettingLine {
    wire::NettingLine {
        flow: Some(words(&of.flow)),
        treatment: of.treatment.token().to_owned(),
        amount: of.amount.map(|(amount, _)| amount),
        unit: of
            .amount
            .map_or_else(String::new, |(_, unit)| unit.token().to_owned()),
        why: Some(words(&of.why)),
    }
}

fn chart(of: &Chart) -> wire::Chart {
    wire::Chart {
        title: Some(words(&of.words)),
        kind: match of.kind {
            ChartKind::StackedBars => "stacked-bars",
            ChartKind::Lines => "lines",
        }
        .to_owned(),
        unit: of.unit.token().to_owned(),
        labels: of.labels.clone(),
        series: of
            .series
            .iter()
            .map(|series| wire::ChartSeries {
                title: Some(words(&series.words)),
                values: series
                    .values
                    .iter()
                    .map(|value| wire::ChartValue { value: *value })
                    .collect(),
            })
            .collect(),
    }
}

fn posting(of: &Posting, park: String, gwp: GwpSet, zone: &TimeZone) -> wire::StatementPosting {
    let (scope, category) = match of.scope {
        None => (0, 0),
        Some(Scope::One) => (1, 0),
        Some(Scope::Two) => (2, 0),
        Some(Scope::Three(category)) => (3, category.into()),
    };
    let MethodId { token, version } = of.method;
    wire::StatementPosting {
        book: match of.book {
            CarbonBook::Emission => "emission",
            CarbonBook::Removal => "removal",
            CarbonBook::Biogenic => "biogenic",
            CarbonBook::Avoided => "avoided",
            CarbonBook::Instrument => "instrument",
            CarbonBook::Embodied => "embodied",
        }
        .to_owned(),
        asset: of.asset.to_string(),
        party: of.party.clone(),
        scope,
        category,
        basis: match of.basis {
            Basis::Both => "both",
            Basis::Location => "location",
            Basis::Market => "market",
        }
        .to_owned(),
        activity: of.activity.clone(),
        interval_start: zone.format_rfc3339(of.interval.start),
        interval_seconds: of.interval.seconds,
        amount: of.amount,
        unit: of.unit.to_owned(),
        method: format!("{token}/{version}"),
        factors: of.factors.iter().map(|factor| factor.key.clone()).collect(),
        gases: of
            .gases
            .iter()
            .map(|(gas, mg)| wire::StatementGasMass {
                gas: gas.token().to_owned(),
                mg,
            })
            .collect(),
        // A claim was made with this set, so every gas has a potential in it.
        co2e_mg: of.gases.co2e_mg(gwp).unwrap_or_default(),
        tier: of.tier.into(),
        park,
    }
}

fn instrument(of: &InstrumentLine) -> wire::StatementInstrument {
    wire::StatementInstrument {
        registry: of.registry.clone(),
        serial: of.serial.clone(),
        kind: match of.kind {
            InstrumentKind::Certificate => "certificate",
            InstrumentKind::Credit => "credit",
            InstrumentKind::Allowance => "allowance",
        }
        .to_owned(),
        amount: of.amount,
        state: match of.state {
            InstrumentState::Issued => "issued",
            InstrumentState::Held => "held",
            InstrumentState::Retired => "retired",
            InstrumentState::Sold => "sold",
            InstrumentState::Surrendered => "surrendered",
        }
        .to_owned(),
        used_for: of.used_for.clone().unwrap_or_default(),
    }
}

fn words(of: &Words) -> wire::Words {
    wire::Words {
        en: of.en.clone(),
        zh: of.zh.clone(),
    }
}
