//! Statements of the ledger in the view model's words.

use terrarium_proto::ledger::v1 as wire;
use terrarium_proto::ledger::v1::figure_source::Source;
use terrarium_view_model as view;
use terrarium_view_model::{FigureSource, Treatment};

/// `position`: of the projection that made it.
pub(crate) fn statement(message: wire::Statement, position: u64) -> view::Statement {
    let instruments = &message.instruments;
    let lines = message.lines.into_iter();
    let period = message.period.unwrap_or_default();
    view::Statement {
        claim: message.claim,
        title: words(message.title),
        standard: words(message.standard),
        from: period.from,
        to: period.to,
        period_state: message.period_state,
        is_provisional: message.provisional,
        gwp: message.gwp,
        lines: lines.map(|message| line(message, instruments)).collect(),
        netting: message.netting.into_iter().map(netting).collect(),
        verdict: words(message.verdict.and_then(|verdict| verdict.words)),
        notes: message
            .notes
            .into_iter()
            .map(|note| words(Some(note)))
            .collect(),
        postings: message.postings.into_iter().map(posting).collect(),
        position,
    }
}

fn line(
    message: wire::StatementLine,
    instruments: &[wire::StatementInstrument],
) -> view::StatementLine {
    let sources = message.sources.into_iter();
    view::StatementLine {
        id: message.id,
        words: words(message.words),
        value: message.value,
        unit: message.unit,
        half95: message.half95,
        is_result: message.role == "result",
        is_beside: message.role == "beside",
        depth: message.depth,
        sources: sources
            .filter_map(|source| figure_source(source, instruments))
            .collect(),
        remark: message.remark.map(|remark| words(Some(remark))),
    }
}

fn figure_source(
    message: wire::FigureSource,
    instruments: &[wire::StatementInstrument],
) -> Option<FigureSource> {
    Some(match message.source? {
        Source::Posting(place) => FigureSource::Posting(usize::try_from(place).ok()?),
        Source::Energy(account) => FigureSource::Account(view::EnergyAccount::from_wire(account)?),
        Source::Instrument(place) => {
            let instrument = instruments.get(usize::try_from(place).ok()?)?;
            FigureSource::Told(format!("{} {}", instrument.registry, instrument.serial))
        }
        Source::Line(id) => FigureSource::Line(id),
        Source::Decision(position) => FigureSource::Decision(position),
        Source::Standard(standard) => FigureSource::Told(standard),
    })
}

fn netting(message: wire::NettingLine) -> view::NettingLine {
    view::NettingLine {
        flow: words(message.flow),
        treatment: Treatment::from_wire(&message.treatment),
        amount: message.amount,
        unit: message.unit,
        why: words(message.why),
    }
}

fn posting(message: wire::StatementPosting) -> view::StatementPosting {
    view::StatementPosting {
        book: message.book,
        asset: message.asset,
        activity: message.activity,
        interval_start: message.interval_start,
        interval_seconds: message.interval_seconds,
        co2e_mg: message.co2e_mg,
        method: message.method,
    }
}

fn words(message: Option<wire::Words>) -> view::Words {
    let message = message.unwrap_or_default();
    view::Words {
        en: message.en,
        zh: message.zh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_keep_their_kind_and_what_this_viewer_does_not_know_is_left_out() {
        let source = |source| wire::FigureSource {
            source: Some(source),
            share_ppm: 1_000_000,
        };
        let message = wire::Statement {
            claim: "iso14064".into(),
            lines: vec![wire::StatementLine {
                id: "gross".into(),
                value: Some(5),
                role: "result".into(),
                sources: vec![
                    source(Source::Posting(0)),
                    source(Source::Energy(3)),
                    source(Source::Energy(9_999)),
                    source(Source::Instrument(0)),
                    source(Source::Instrument(7)),
                    source(Source::Decision(42)),
                    wire::FigureSource::default(),
                ],
                ..wire::StatementLine::default()
            }],
            netting: vec![wire::NettingLine {
                treatment: "beside".into(),
                ..wire::NettingLine::default()
            }],
            instruments: vec![wire::StatementInstrument {
                registry: "gec".into(),
                serial: "7".into(),
                ..wire::StatementInstrument::default()
            }],
            ..wire::Statement::default()
        };
        let read = statement(message, 99);
        assert_eq!((read.claim.as_str(), read.position), ("iso14064", 99));
        let gross = read.line("gross").expect("it was told");
        assert!(gross.is_result && !gross.is_beside);
        assert_eq!(
            gross.sources,
            [
                FigureSource::Posting(0),
                FigureSource::Account(view::EnergyAccount::Import),
                FigureSource::Told("gec 7".into()),
                FigureSource::Decision(42),
            ]
        );
        assert_eq!(read.netting[0].treatment, Some(Treatment::Beside));
    }
}
