//! A compost bay: one batch at a time, fed, turned, measured and emptied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::waste::v1::{
    CompostBatchClosedV1, CompostFedV1, CompostMeasuredV1, CompostProductTakenV1, CompostTurnedV1,
};
use uuid::Uuid;

/// A batch is hygienised while its core is at least this warm, in thousandths of a degree Celsius.
pub const HOT_MC: i64 = 55_000;
/// Between measurements further apart than this nothing is known of the core.
const LONGEST_HOT_GAP_S: i64 = 86_400;
const TEMPERATURES_MC: std::ops::RangeInclusive<i64> = -40_000..=100_000;

facts! {
    /// What happened to a compost bay.
    pub enum CompostFact in "terrarium.waste.v1" {
        CompostFedV1 at time_s,
        CompostTurnedV1 at time_s,
        CompostMeasuredV1 at time_s,
        CompostProductTakenV1 at time_s,
        CompostBatchClosedV1 at time_s,
    }
}

/// Everything a decision needs beside the bay's own past.
#[derive(Clone, Debug)]
pub struct CompostContext {
    /// Park of the bay.
    pub park: ParkId,
    /// The bay.
    pub bay: AssetId,
    /// Grams it takes.
    pub capacity_g: i64,
    /// The park's time.
    pub now: UnixSeconds,
}

/// Something that was done to a batch.
#[derive(Clone, Debug)]
pub struct CompostCommand {
    /// The batch.
    pub batch: Arc<str>,
    /// When.
    pub time: UnixSeconds,
    /// What.
    pub step: CompostStep,
}

/// What can be done to a batch.
#[derive(Clone, Debug)]
pub enum CompostStep {
    /// Material was put in.
    Feed {
        /// Grams.
        weight_g: i64,
        /// Where it comes from.
        source: Arc<str>,
    },
    /// It was turned.
    Turn,
    /// Its core was measured.
    Measure {
        /// Thousandths of a degree Celsius.
        temperature_mc: i64,
        /// Water by mass, in thousandths.
        moisture_permille: Option<u32>,
    },
    /// Compost was taken out.
    TakeProduct {
        /// Grams.
        weight_g: i64,
    },
    /// It came to its end.
    Close,
}

/// A batch, as its past left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: Arc<str>,
    /// Its first feed.
    pub started: UnixSeconds,
    /// Grams fed so far.
    pub fed_g: i64,
    /// Grams of product so far.
    pub product_g: i64,
    /// Times it was turned.
    pub turns: u32,
    /// Newest temperature of its core, and when.
    pub core: Option<(UnixSeconds, i64)>,
    /// Newest share of water, in thousandths.
    pub moisture_permille: Option<u32>,
    /// Seconds at [`HOT_MC`] or more.
    pub hot_s: i64,
    newest: UnixSeconds,
}

/// A compost bay, as its past left it.
#[derive(Default)]
pub struct CompostBay {
    open: Option<Batch>,
    ended: BTreeMap<Arc<str>, UnixSeconds>,
    /// Ids of the reports of batches; those of the far past are let go of.
    recorded: BTreeMap<Arc<str>, BTreeSet<Uuid>>,
}

impl CompostBay {
    /// Lets go of what was reported of batches that ended, but for the last of them.
    pub fn forget_old(&mut self) {
        let last = self.ended.values().max().copied();
        let ended = &self.ended;
        self.recorded
            .retain(|batch, _| ended.get(batch).is_none_or(|ended| Some(*ended) == last));
    }

    /// Whether a command is about what was let go of.
    pub fn needs_forgotten(&self, command: &CompostCommand) -> bool {
        self.ended.contains_key(&command.batch) && !self.recorded.contains_key(&command.batch)
    }

    fn is_recorded(&self, batch: &str, id: &Uuid) -> bool {
        let of_batch = self.recorded.get(batch);
        of_batch.is_some_and(|recorded| recorded.contains(id))
    }

    /// The batch that is in it.
    pub fn open(&self) -> Option<&Batch> {
        self.open.as_ref()
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &CompostContext,
        command: &CompostCommand,
    ) -> Result<Vec<Event<CompostFact>>, Rejection> {
        if let Some(ended) = self.ended.get(&command.batch) {
            return self.after_the_end(context, command, *ended);
        }
        let batch = self.batch(context, command)?;
        let event = Event::of(&context.park, fact(context, command, batch));
        if self.is_recorded(&command.batch, &event.id) {
            return Ok(Vec::new());
        }
        if let Some(batch) = batch
            && command.time < batch.newest
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before {}, when batch {} of bay {} was last reported; report in the order of time",
                    format_rfc3339_utc(command.time),
                    format_rfc3339_utc(batch.newest),
                    batch.id,
                    context.bay
                ),
            ));
        }
        refuse_bad_step(context, command, batch)?;
        refuse_future("time", command.time, context.now)?;
        Ok(vec![event])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<CompostFact>) {
        let batch = batch_of(&event.fact);
        match self.recorded.get_mut(batch) {
            Some(recorded) => {
                recorded.insert(event.id);
            }
            None => {
                let recorded = BTreeSet::from([event.id]);
                self.recorded.insert(batch.into(), recorded);
            }
        }
        match &event.fact {
            CompostFact::CompostFedV1(fed) => {
                let time = UnixSeconds(fed.time_s);
                let batch = self
                    .open
                    .get_or_insert_with(|| Batch::begun(&fed.batch, time));
                batch.fed_g += fed.weight_g;
                batch.newest = time;
            }
            CompostFact::CompostTurnedV1(turned) => self.in_batch(turned.time_s, |batch| {
                batch.turns += 1;
            }),
            CompostFact::CompostMeasuredV1(measured) => self.in_batch(measured.time_s, |batch| {
                batch.measured(measured);
            }),
            CompostFact::CompostProductTakenV1(taken) => self.in_batch(taken.time_s, |batch| {
                batch.product_g += taken.weight_g;
            }),
            CompostFact::CompostBatchClosedV1(closed) => {
                self.open = None;
                self.ended
                    .insert(closed.batch.as_str().into(), UnixSeconds(closed.time_s));
            }
        }
    }

    fn in_batch(&mut self, time_s: i64, change: impl FnOnce(&mut Batch)) {
        if let Some(batch) = &mut self.open {
            change(batch);
            batch.newest = UnixSeconds(time_s);
        }
    }

    /// Sending what is recorded again changes nothing; anything else comes too late.
    fn after_the_end(
        &self,
        context: &CompostContext,
        command: &CompostCommand,
        ended: UnixSeconds,
    ) -> Result<Vec<Event<CompostFact>>, Rejection> {
        let is_the_end = matches!(command.step, CompostStep::Close) && command.time == ended;
        let sent = Event::<CompostFact>::of(&context.park, fact(context, command, None));
        let sent_again = !matches!(command.step, CompostStep::Close)
            && self.is_recorded(&command.batch, &sent.id);
        if is_the_end || sent_again {
            return Ok(Vec::new());
        }
        Err(Rejection::failed_precondition(
            "batch",
            format!(
                "batch {} of bay {} ended at {}; give the next one an id of its own",
                command.batch,
                context.bay,
                format_rfc3339_utc(ended)
            ),
        ))
    }

    /// The batch that a command is about; none: it begins with this feed.
    fn batch(
        &self,
        context: &CompostContext,
        command: &CompostCommand,
    ) -> Result<Option<&Batch>, Rejection> {
        match &self.open {
            Some(open) if open.id == command.batch => Ok(Some(open)),
            Some(open) => Err(Rejection::failed_precondition(
                "batch",
                format!(
                    "batch {} is in bay {} since {}; report its end first",
                    open.id,
                    context.bay,
                    format_rfc3339_utc(open.started)
                ),
            )),
            None if matches!(command.step, CompostStep::Feed { .. }) => Ok(None),
            None => Err(Rejection::not_found(
                "batch",
                format!(
                    "bay {} has no batch {}; report its first feed",
                    context.bay, command.batch
                ),
            )),
        }
    }
}

fn batch_of(fact: &CompostFact) -> &str {
    match fact {
        CompostFact::CompostFedV1(fed) => &fed.batch,
        CompostFact::CompostTurnedV1(turned) => &turned.batch,
        CompostFact::CompostMeasuredV1(measured) => &measured.batch,
        CompostFact::CompostProductTakenV1(taken) => &taken.batch,
        CompostFact::CompostBatchClosedV1(closed) => &closed.batch,
    }
}

impl Batch {
    fn begun(id: &str, time: UnixSeconds) -> Batch {
        Batch {
            id: id.into(),
            started: time,
            fed_g: 0,
            product_g: 0,
            turns: 0,
            core: None,
            moisture_permille: None,
            hot_s: 0,
            newest: time,
        }
    }

    fn measured(&mut self, measured: &CompostMeasuredV1) {
        let time = UnixSeconds(measured.time_s);
        if let Some((before, temperature_mc)) = self.core {
            let gap_s = time.0 - before.0;
            let stayed_hot = temperature_mc >= HOT_MC && measured.temperature_mc >= HOT_MC;
            if stayed_hot && gap_s <= LONGEST_HOT_GAP_S {
                self.hot_s += gap_s;
            }
        }
        self.core = Some((time, measured.temperature_mc));
        self.moisture_permille = measured.moisture_permille.or(self.moisture_permille);
    }
}

fn refuse_bad_step(
    context: &CompostContext,
    command: &CompostCommand,
    batch: Option<&Batch>,
) -> Result<(), Rejection> {
    let (fed_g, product_g) = batch.map_or((0, 0), |batch| (batch.fed_g, batch.product_g));
    match &command.step {
        CompostStep::Feed { weight_g, .. } => {
            refuse_no_weight("feed.weight_g", *weight_g)?;
            if fed_g.saturating_add(*weight_g) > context.capacity_g {
                return Err(Rejection::failed_precondition(
                    "feed.weight_g",
                    format!(
                        "batch {} has {fed_g} g, and {weight_g} g more is beyond what bay {} takes ({} g); check the scale's \
                         unit, or end the batch",
                        command.batch, context.bay, context.capacity_g
                    ),
                ));
            }
        }
        CompostStep::TakeProduct { weight_g } => {
            refuse_no_weight("product.weight_g", *weight_g)?;
            if product_g.saturating_add(*weight_g) > fed_g {
                return Err(Rejection::failed_precondition(
                    "product.weight_g",
                    format!(
                        "batch {} was fed {fed_g} g and gave {product_g} g; {weight_g} g more can't come out of it, check the \
                         scale",
                        command.batch
                    ),
                ));
            }
        }
        CompostStep::Measure {
            temperature_mc,
            moisture_permille,
        } => {
            if !TEMPERATURES_MC.contains(temperature_mc) {
                return Err(Rejection::invalid(
                    "measurement.temperature_mc",
                    format!(
                        "{temperature_mc} is no temperature of compost; send thousandths of a degree Celsius, {} to {}",
                        TEMPERATURES_MC.start(),
                        TEMPERATURES_MC.end()
                    ),
                ));
            }
            if moisture_permille.is_some_and(|moisture| moisture > 1_000) {
                return Err(Rejection::invalid(
                    "measurement.moisture_permille",
                    "more water than all; send thousandths of the mass, 0 to 1000",
                ));
            }
        }
        CompostStep::Turn | CompostStep::Close => {}
    }
    Ok(())
}

fn refuse_no_weight(field: &'static str, weight_g: i64) -> Result<(), Rejection> {
    if weight_g > 0 {
        return Ok(());
    }
    Err(Rejection::invalid(
        field,
        format!("{weight_g} g is nothing; send 1 g or more"),
    ))
}

fn fact(context: &CompostContext, command: &CompostCommand, batch: Option<&Batch>) -> CompostFact {
    let (bay, batch_id) = (context.bay.to_string(), command.batch.to_string());
    let time_s = command.time.0;
    match &command.step {
        CompostStep::Feed { weight_g, source } => CompostFedV1 {
            bay,
            batch: batch_id,
            time_s,
            weight_g: *weight_g,
            source: source.to_string(),
        }
        .into(),
        CompostStep::Turn => CompostTurnedV1 {
            bay,
            batch: batch_id,
            time_s,
        }
        .into(),
        CompostStep::Measure {
            temperature_mc,
            moisture_permille,
        } => CompostMeasuredV1 {
            bay,
            batch: batch_id,
            time_s,
            temperature_mc: *temperature_mc,
            moisture_permille: *moisture_permille,
        }
        .into(),
        CompostStep::TakeProduct { weight_g } => CompostProductTakenV1 {
            bay,
            batch: batch_id,
            time_s,
            weight_g: *weight_g,
        }
        .into(),
        CompostStep::Close => CompostBatchClosedV1 {
            bay,
            batch: batch_id,
            started_s: batch.map_or(time_s, |batch| batch.started.0),
            time_s,
            fed_g: batch.map_or(0, |batch| batch.fed_g),
            product_g: batch.map_or(0, |batch| batch.product_g),
            turns: batch.map_or(0, |batch| batch.turns),
            hot_s: batch.map_or(0, |batch| batch.hot_s),
        }
        .into(),
    }
}

#[cfg(test)]
mod tests;
