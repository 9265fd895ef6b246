//! The natural books over gRPC.

use std::sync::Arc;

use terrarium_journal::field_status;
use terrarium_ledger::natural::{
    BalanceSums, DayPeriod, NaturalAccount, NaturalBook, NaturalMedium, Thermal,
};
use terrarium_ledger::park_ledger::Period;
use terrarium_model::{AssetId, ParkDefinition, ParkId, UnixSeconds, parse_rfc3339_with_offset};
use terrarium_proto::ledger::v1 as wire;
use terrarium_proto::ledger::v1::natural_book_service_server::{
    NaturalBookService, NaturalBookServiceServer,
};
use terrarium_runtime::{Role, actor};
use tonic::{Code, Request, Response, Status};

use crate::follow::Projector;

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
        let projection = self.projector.read();
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
        let period = period_of(book, metered, request.period.as_ref())?;
        Ok(Response::new(answer(
            definition,
            book,
            &Thermal::of(ledger),
            period,
            projection.position().unwrap_or(0),
        )))
    }
}

fn period_of(
    book: &NaturalBook,
    metered: Option<Period>,
    asked: Option<&wire::Period>,
) -> Result<DayPeriod, Status> {
    let known = book.days_with(metered).unwrap_or(DayPeriod {
        from: UnixSeconds(0),
        to: UnixSeconds(0),
    });
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

fn answer(
    definition: &ParkDefinition,
    book: &NaturalBook,
    thermal: &Thermal<'_>,
    period: DayPeriod,
    position: u64,
) -> wire::GetNaturalBalanceResponse {
    let mut totals = book.totals(period);
    let of_networks = thermal.totals(period).into_iter();
    totals.extend(of_networks.map(|((account, asset), amount)| ((account, Some(asset)), amount)));
    let mut balances = book.balances(period);
    let of_networks = thermal.balances(period).into_iter();
    balances.extend(of_networks.map(|(medium, node, sums)| (medium, Some(node), sums)));
    balances.sort_by_key(|(medium, asset, _)| (*asset, *medium));
    wire::GetNaturalBalanceResponse {
        park: definition.id.to_string(),
        period: Some(wire::Period {
            from: definition.time_zone.format_rfc3339(period.from),
            to: definition.time_zone.format_rfc3339(period.to),
        }),
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
        position,
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
