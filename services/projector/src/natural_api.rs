//! The natural books over gRPC.

use std::sync::Arc;

use terrarium_journal::field_status;
use terrarium_ledger::natural::{
    BalanceSums, DayPeriod, NaturalAccount, NaturalBook, NaturalMedium, Thermal,
};
use terrarium_model::{AssetId, ParkId, SECONDS_PER_HOUR, UnixSeconds, parse_rfc3339_with_offset};
use terrarium_proto::ledger::v1 as wire;
use terrarium_proto::ledger::v1::natural_book_service_server::{
    NaturalBookService, NaturalBookServiceServer,
};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};

use crate::follow::Projector;
use crate::projection::Projection;

/// Hours of meters of heat and cold that one query may look at: a hundred meters over two decades.
const MOST_METER_HOURS: u64 = 20_000_000;

/// The natural books over a projector.
#[derive(Clone)]
pub struct NaturalBookApi {
    projector: Arc<Projector>,
}

impl NaturalBookApi {
    /// Serves what `projector` holds.
    pub fn new(projector: Arc<Projector>) -> NaturalBookApi {
        NaturalBookApi { projector }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> NaturalBookServiceServer<NaturalBookApi> {
        NaturalBookServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl NaturalBookService for NaturalBookApi {
    async fn get_natural_balance(
        &self,
        request: Request<wire::GetNaturalBalanceRequest>,
    ) -> Result<Response<wire::GetNaturalBalanceResponse>, Status> {
        actor(&request)?.require(&Role::ALL, &request.get_ref().park)?;
        if !self.projector.caught_up().await {
            return Err(Status::unavailable(
                "the projection is still catching up with the record; try again in a moment",
            ));
        }
        let request = request.into_inner();
        let projector = Arc::clone(&self.projector);
        // Heat and cold are added up hour by hour and meter by meter.
        let answer = tokio::task::spawn_blocking(move || answer(&projector.read(), &request));
        answer
            .await
            .map_err(|error| Status::internal(format!("the books were not added up: {error}")))?
            .map(Response::new)
    }
}

/// What the books of a park say of the days that are asked for.
pub(crate) fn answer(
    projection: &Projection,
    request: &wire::GetNaturalBalanceRequest,
) -> Result<wire::GetNaturalBalanceResponse, Status> {
    let park = ParkId::new(&request.park).ok();
    let known = park.as_ref().and_then(|park| {
        let ledger = projection.park(park)?;
        Some((ledger, ledger.definition()?, projection.natural(park)?))
    });
    let Some((ledger, definition, book)) = known else {
        return Err(field_status(
            Code::NotFound,
            "park",
            format!(
                "no park \"{}\" is defined here; `terrarium status` lists the parks",
                request.park
            ),
        ));
    };
    let metered = match definition.thermal_networks.is_empty() {
        true => None,
        false => ledger.reported_period(),
    };
    let known = book.days_with(metered).unwrap_or(DayPeriod {
        from: UnixSeconds(0),
        to: UnixSeconds(0),
    });
    let period = period_of(book, known, request.period.as_ref())?;
    // Nothing was metered outside of it, whatever is asked for.
    let metered = metered.map_or((UnixSeconds(0), UnixSeconds(0)), |of| (of.from, of.to));
    let of_meters = DayPeriod {
        from: period.from.clamp(metered.0, metered.1),
        to: period.to.clamp(metered.0, metered.1),
    };
    let networks = definition.thermal_networks.values();
    check_size(
        of_meters,
        networks.map(|network| network.meters.len()).sum(),
    )?;
    let mut answer = sums((book, period), (&Thermal::of(ledger), of_meters));
    answer.park = definition.id.to_string();
    answer.period = Some(wire::Period {
        from: definition.time_zone.format_rfc3339(period.from),
        to: definition.time_zone.format_rfc3339(period.to),
    });
    answer.position = projection.position().unwrap_or(0);
    Ok(answer)
}

/// Refuses what takes too long to add up.
fn check_size(period: DayPeriod, thermal_meters: usize) -> Result<(), Status> {
    let hours = (period.to.0 - period.from.0) as u64 / SECONDS_PER_HOUR as u64;
    let meter_hours = hours * thermal_meters as u64;
    if meter_hours > MOST_METER_HOURS {
        return Err(field_status(
            Code::InvalidArgument,
            "period",
            format!(
                "it has {meter_hours} hours of meters of heat and cold; ask for at most {MOST_METER_HOURS} at once"
            ),
        ));
    }
    Ok(())
}

fn period_of(
    book: &NaturalBook,
    known: DayPeriod,
    asked: Option<&wire::Period>,
) -> Result<DayPeriod, Status> {
    let bound = |field: &'static str, text: &str, default: UnixSeconds| {
        if text.is_empty() {
            return Ok(default);
        }
        let instant = parse_rfc3339_with_offset(text)
            .map_err(|error| field_status(Code::InvalidArgument, field, error.to_string()))?;
        if !book.is_midnight(instant) {
            return Err(field_status(
                Code::InvalidArgument,
                field,
                format!("{text} is no midnight of the park; these books are kept by the day"),
            ));
        }
        Ok(instant)
    };
    let (from, to) = asked.map_or(("", ""), |asked| (&asked.from, &asked.to));
    let period = DayPeriod {
        from: bound("period.from", from, known.from)?,
        to: bound("period.to", to, known.to)?,
    };
    if period.to < period.from {
        return Err(field_status(
            Code::InvalidArgument,
            "period.to",
            "it is before period.from",
        ));
    }
    Ok(period)
}

/// Totals and balances of both books, each of its period.
fn sums(
    (book, period): (&NaturalBook, DayPeriod),
    (thermal, of_meters): (&Thermal<'_>, DayPeriod),
) -> wire::GetNaturalBalanceResponse {
    let mut totals = book.totals(period);
    let of_networks = thermal.totals(of_meters).into_iter();
    totals.extend(of_networks.map(|((account, asset), amount)| ((account, Some(asset)), amount)));
    let mut balances = book.balances(period);
    let of_networks = thermal.balances(of_meters).into_iter();
    balances.extend(of_networks.map(|(medium, node, sums)| (medium, Some(node), sums)));
    balances.sort_by_key(|(medium, asset, _)| (*asset, *medium));
    wire::GetNaturalBalanceResponse {
        totals: totals
            .into_iter()
            .map(|((account, asset), amount)| wire::NaturalTotal {
                account: account_to_wire(account).into(),
                asset: asset.map(ToString::to_string).unwrap_or_default(),
                amount,
            })
            .collect(),
        balances: balances
            .into_iter()
            .map(|(medium, asset, sums)| balance_to_wire(medium, asset, sums))
            .collect(),
        ..wire::GetNaturalBalanceResponse::default()
    }
}

fn balance_to_wire(
    medium: NaturalMedium,
    asset: Option<&AssetId>,
    sums: BalanceSums,
) -> wire::NaturalBalance {
    wire::NaturalBalance {
        medium: match medium {
            NaturalMedium::WaterL => wire::NaturalMedium::WaterL,
            NaturalMedium::MassG => wire::NaturalMedium::MassG,
            NaturalMedium::HeatWh => wire::NaturalMedium::HeatWh,
            NaturalMedium::ColdWh => wire::NaturalMedium::ColdWh,
        }
        .into(),
        asset: asset.map(ToString::to_string).unwrap_or_default(),
        closed: sums.closed,
        open: sums.open,
        r#in: sums.incoming,
        out: sums.outgoing,
        stored: sums.stored,
        unexplained: sums.unexplained,
        unexplained_absolute: sums.unexplained_absolute,
    }
}

fn account_to_wire(account: NaturalAccount) -> wire::NaturalAccount {
    match account {
        NaturalAccount::TankRainInL => wire::NaturalAccount::TankRainInL,
        NaturalAccount::TankReclaimedInL => wire::NaturalAccount::TankReclaimedInL,
        NaturalAccount::TankSupplyInL => wire::NaturalAccount::TankSupplyInL,
        NaturalAccount::TankSpilledL => wire::NaturalAccount::TankSpilledL,
        NaturalAccount::TankDrawnL => wire::NaturalAccount::TankDrawnL,
        NaturalAccount::UsedSupplyL => wire::NaturalAccount::UsedSupplyL,
        NaturalAccount::UsedReclaimedL => wire::NaturalAccount::UsedReclaimedL,
        NaturalAccount::UsedRainL => wire::NaturalAccount::UsedRainL,
        NaturalAccount::HeatGivenWh => wire::NaturalAccount::HeatGivenWh,
        NaturalAccount::HeatSuppliedWh => wire::NaturalAccount::HeatSuppliedWh,
        NaturalAccount::ColdSuppliedWh => wire::NaturalAccount::ColdSuppliedWh,
        NaturalAccount::HeatUsedWh => wire::NaturalAccount::HeatUsedWh,
        NaturalAccount::ColdUsedWh => wire::NaturalAccount::ColdUsedWh,
        NaturalAccount::HeatLostWh => wire::NaturalAccount::HeatLostWh,
        NaturalAccount::ColdLostWh => wire::NaturalAccount::ColdLostWh,
        NaturalAccount::EmptiedG => wire::NaturalAccount::EmptiedG,
        NaturalAccount::TicketsG => wire::NaturalAccount::TicketsG,
        NaturalAccount::CompostFedG => wire::NaturalAccount::CompostFedG,
        NaturalAccount::CompostTakenG => wire::NaturalAccount::CompostTakenG,
        NaturalAccount::CompostLostG => wire::NaturalAccount::CompostLostG,
        NaturalAccount::ToVehiclesWh => wire::NaturalAccount::ToVehiclesWh,
        NaturalAccount::FromVehiclesWh => wire::NaturalAccount::FromVehiclesWh,
        NaturalAccount::Sessions => wire::NaturalAccount::Sessions,
        NaturalAccount::ShuttleDistanceM => wire::NaturalAccount::ShuttleDistanceM,
        NaturalAccount::TreesGrownG => wire::NaturalAccount::TreesGrownG,
        NaturalAccount::TreesLostG => wire::NaturalAccount::TreesLostG,
        NaturalAccount::TreesDied => wire::NaturalAccount::TreesDied,
        NaturalAccount::Visitors => wire::NaturalAccount::Visitors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_to_add_up_is_refused() {
        let hours = |hours: i64| DayPeriod {
            from: UnixSeconds(0),
            to: UnixSeconds(hours * SECONDS_PER_HOUR),
        };
        assert!(check_size(hours(200_000), 100).is_ok());
        let refused = check_size(hours(200_001), 100).expect_err("too much");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("20000100 hours"), "{refused}");
        assert!(check_size(hours(1_000_000), 0).is_ok());
    }
}
