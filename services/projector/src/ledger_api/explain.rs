//! From an entry's kilograms down to the reading events.

use std::collections::BTreeMap;

use terrarium_energy::MeterFact;
use terrarium_energy::events as energy_events;
use terrarium_journal::{Metadata, Position, RecordedEvent, field_status, read_status};
use terrarium_ledger::entry::amount;
use terrarium_ledger::entry::{EnergyAccount, EntryLine};
use terrarium_ledger::{AsOf, Contribution, Entry, EntryId, HourAmounts};
use terrarium_model::{Measures, MeterId, NodeMetering, ParkDefinition, emission_fraction_mg};
use terrarium_proto::ledger::v1 as wire;
use tonic::{Code, Status};

use super::{LedgerApi, on_park};
use crate::ledger_wire;

/// What is taken from the books under the lock; the events are read afterwards.
struct Parts {
    entry: Entry,
    metering: NodeMetering,
    has_storage_meters: bool,
    amounts: HourAmounts,
    contributions: Vec<(MeterId, Measures, Contribution)>,
    definition: std::sync::Arc<ParkDefinition>,
    position: u64,
}

impl LedgerApi {
    pub(super) async fn explain_entry(
        &self,
        request: &wire::ExplainRequest,
    ) -> Result<wire::ExplainResponse, Status> {
        let id = EntryId::parse(&request.entry_id)
            .map_err(|error| field_status(Code::InvalidArgument, "entry_id", error.to_string()))?;
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        let parts = self.parts(&request.park, as_of, &id)?;

        let mut events: BTreeMap<u64, RecordedEvent> = BTreeMap::new();
        let positions = parts
            .contributions
            .iter()
            .flat_map(|(_, _, contribution)| {
                let opening = contribution.opening_read.map(|read| read.position);
                opening.into_iter().chain([contribution.reading.position])
            })
            .chain(parts.entry.factor.as_ref().map(|row| row.origin.position));
        for position in positions {
            let event = self
                .projector
                .store
                .event_at(Position(position))
                .await
                .map_err(|error| read_status(&error))?;
            events.insert(position, event);
        }

        let zone = &parts.definition.time_zone;
        let mut entry = ledger_wire::entry(&parts.entry, zone);
        if let (Some(factor), Some(row)) = (&mut entry.factor, &parts.entry.factor) {
            factor.event = Some(event_ref(&events[&row.origin.position])?);
        }
        let contributions = parts
            .contributions
            .iter()
            .map(|(meter, measures, contribution)| {
                meter_contribution(meter, *measures, contribution, &events, zone)
            })
            .collect::<Result<Vec<_>, Status>>()?;

        let activity = match parts.entry.id.line {
            EntryLine::Energy(account) => account,
            EntryLine::Scope2Location => EnergyAccount::Import,
            EntryLine::AvoidedExport => EnergyAccount::Export,
        };
        let storage_accounts = [EnergyAccount::Charge, EnergyAccount::Discharge];
        let inputs = [
            EnergyAccount::Consumption,
            EnergyAccount::Generation,
            EnergyAccount::Import,
            EnergyAccount::Export,
        ]
        .into_iter()
        .chain(
            storage_accounts
                .into_iter()
                .filter(|_| parts.has_storage_meters),
        )
        .map(|account| wire::AccountAmount {
            account: ledger_wire::account(account).into(),
            energy_wh: amount(&parts.amounts, account),
        })
        .collect();
        let fraction = parts
            .entry
            .factor
            .as_ref()
            .and_then(|row| emission_fraction_mg(parts.entry.energy, row.value()));
        Ok(wire::ExplainResponse {
            entry: Some(entry),
            activity_formula: HourAmounts::formula(
                parts.metering,
                parts.has_storage_meters,
                activity,
            )
            .to_owned(),
            contributions,
            inputs,
            result_formula: match fraction {
                Some(_) => {
                    "mass_mg = round_half_even(energy_wh x factor_in_kg_per_kwh x 1000)".to_owned()
                }
                None => "energy_wh, no further step".to_owned(),
            },
            exact_numerator: fraction
                .map_or_else(String::new, |(numerator, _)| numerator.to_string()),
            exact_denominator: fraction
                .map_or_else(String::new, |(_, denominator)| denominator.to_string()),
            rounding: match fraction {
                Some(_) => "once, to whole milligrams, half to even".to_owned(),
                None => "each reading once, to whole Wh, half to even".to_owned(),
            },
            calculated_by: concat!("terrarium ", env!("CARGO_PKG_VERSION")).to_owned(),
            position: parts.position,
        })
    }

    fn parts(&self, park: &str, as_of: AsOf, id: &EntryId) -> Result<Parts, Status> {
        on_park(self, park, as_of, |view, definition, position| {
            let entry = view.entry(id).ok_or_else(|| {
                field_status(
                    Code::NotFound,
                    "entry_id",
                    format!(
                        "the books of park {} hold no entry {id}: the hour is incomplete, has no factor, or nothing flowed; see \
                         `terrarium ledger completeness` and `terrarium ledger entries`",
                        definition.id
                    ),
                )
            })?;
            let node = &definition.nodes[&id.asset];
            let contributions = node
                .meters
                .iter()
                .flat_map(|meter| {
                    view.contributions(meter, id.hour_start)
                        .into_iter()
                        .map(|contribution| {
                            (
                                meter.clone(),
                                definition.meters[meter].measures,
                                contribution,
                            )
                        })
                })
                .collect();
            Ok(Parts {
                entry,
                metering: node.metering,
                has_storage_meters: node.has_storage_meters,
                amounts: view.node_hour(&id.asset, id.hour_start).amounts,
                contributions,
                definition: std::sync::Arc::clone(definition),
                position,
            })
        })
    }
}

fn meter_contribution(
    meter: &MeterId,
    measures: Measures,
    contribution: &Contribution,
    events: &BTreeMap<u64, RecordedEvent>,
    zone: &terrarium_model::TimeZone,
) -> Result<wire::MeterContribution, Status> {
    let closing = &events[&contribution.reading.position];
    let (value, unit) = reported(closing)?;
    let opening = contribution
        .opening_read
        .map(|read| event_ref(&events[&read.position]))
        .transpose()?;
    let account = match measures {
        Measures::Consumption => EnergyAccount::Consumption,
        Measures::Generation => EnergyAccount::Generation,
        Measures::GridImport => EnergyAccount::Import,
        Measures::GridExport => EnergyAccount::Export,
        Measures::StorageCharge => EnergyAccount::Charge,
        Measures::StorageDischarge => EnergyAccount::Discharge,
        Measures::HeatSupply | Measures::HeatUse | Measures::ColdSupply | Measures::ColdUse => {
            unreachable!("no meter of heat or cold counts in a node of electricity")
        }
    };
    Ok(wire::MeterContribution {
        meter: meter.to_string(),
        account: ledger_wire::account(account).into(),
        energy_wh: contribution.energy.0,
        interval_start: zone.format_rfc3339(contribution.interval.start),
        interval_seconds: contribution.interval.seconds,
        value,
        unit,
        revision: contribution.reading.revision,
        reading_wh: contribution.interval_energy.0,
        events: opening.into_iter().chain([event_ref(closing)?]).collect(),
    })
}

/// The decimal and unit as reported.
fn reported(event: &RecordedEvent) -> Result<(String, String), Status> {
    let fact = energy_events::decode(event.id, &event.event_type, &event.data)
        .map_err(|error| Status::data_loss(error.to_string()))?
        .fact;
    let (MeterFact::IntervalMetered(reading)
    | MeterFact::RegisterRead(reading)
    | MeterFact::RegisterContinued { reading, .. }
    | MeterFact::Swapped { last: reading, .. }
    | MeterFact::Corrected { reading, .. }
    | MeterFact::Quarantined { reading, .. }
    | MeterFact::QuarantineDecided { reading, .. }) = fact;
    Ok((reading.value.to_string(), reading.unit.token().to_owned()))
}

fn event_ref(event: &RecordedEvent) -> Result<wire::EventRef, Status> {
    let metadata =
        Metadata::parse(&event.metadata).map_err(|error| Status::data_loss(error.to_string()))?;
    Ok(wire::EventRef {
        position: event.position.0,
        event_id: event.id.to_string(),
        r#type: event.event_type.to_string(),
        stream: event.stream.to_string(),
        revision: event.revision,
        recorded_time: metadata.recordedtime,
        actor: metadata.actor,
    })
}
