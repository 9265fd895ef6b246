//! A collection: asked of people, acknowledged, executed with a weighbridge ticket, or missed.

use std::sync::Arc;

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

/// Bins of one collection at most.
pub const MOST_BINS_PER_COLLECTION: usize = 200;

/// Everything a decision needs beside the collection's own past.
#[derive(Clone, Debug)]
pub struct CollectionContext {
    /// Park of the collection.
    pub park: ParkId,
    /// Its id.
    pub collection: Arc<str>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What people are asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionOrder {
    /// In order, each once.
    pub bins: Vec<AssetId>,
    /// Opaque id of who is asked.
    pub assignee: Arc<str>,
    /// By when.
    pub due: UnixSeconds,
}

/// That the bins were emptied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// When.
    pub time: UnixSeconds,
    /// Number of the weighbridge ticket.
    pub ticket: Arc<str>,
    /// Net weight on the ticket.
    pub weight_g: i64,
    /// SHA-256 of the ticket's scan, where there is one.
    pub evidence_sha256: Option<[u8; 32]>,
}

/// What can be asked of a collection.
#[derive(Clone, Debug)]
pub enum CollectionCommand {
    /// Ask people.
    Order(CollectionOrder),
    /// They have seen it.
    Acknowledge,
    /// They have done it.
    ReportExecution(Execution),
    /// They have not done it in time.
    ReportMissed,
}

/// An event of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The collection.
    pub collection: Arc<str>,
    /// What happened.
    pub fact: CollectionFact,
}

/// What happened to a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionFact {
    /// People were asked.
    Ordered {
        /// What for.
        order: CollectionOrder,
        /// When.
        time: UnixSeconds,
    },
    /// They have seen it.
    Acknowledged {
        /// When.
        time: UnixSeconds,
    },
    /// They have done it.
    Executed {
        /// As ordered.
        bins: Vec<AssetId>,
        /// What was reported.
        execution: Execution,
    },
    /// It was not done when it was due.
    Missed {
        /// When that was found out.
        time: UnixSeconds,
        /// When it was due.
        due: UnixSeconds,
    },
}

/// A collection, as its past left it.
#[derive(Default)]
pub struct Collection {
    order: Option<CollectionOrder>,
    is_acknowledged: bool,
    is_missed: bool,
    executed: Option<(Uuid, Execution)>,
}

impl Collection {
    /// What was asked for, once it was.
    pub fn order(&self) -> Option<&CollectionOrder> {
        self.order.as_ref()
    }

    /// Whether the people asked have seen it.
    pub fn is_acknowledged(&self) -> bool {
        self.is_acknowledged
    }

    /// Whether it was not done when it was due.
    pub fn is_missed(&self) -> bool {
        self.is_missed
    }

    /// The event that executed it, and what it said.
    pub fn executed(&self) -> Option<&(Uuid, Execution)> {
        self.executed.as_ref()
    }

    /// The first second at which it is missed, while it is open.
    pub fn due(&self) -> Option<UnixSeconds> {
        let order = self.order.as_ref()?;
        let is_open = self.executed.is_none() && !self.is_missed;
        is_open.then_some(UnixSeconds(order.due.0 + 1))
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &CollectionContext,
        command: &CollectionCommand,
    ) -> Result<Vec<CollectionEvent>, Rejection> {
        match command {
            CollectionCommand::Order(order) => self.take_order(context, order),
            CollectionCommand::Acknowledge => self.acknowledge(context),
            CollectionCommand::ReportExecution(execution) => self.execute(context, execution),
            CollectionCommand::ReportMissed => self.miss(context),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &CollectionEvent) {
        match &event.fact {
            CollectionFact::Ordered { order, .. } => self.order = Some(order.clone()),
            CollectionFact::Acknowledged { .. } => self.is_acknowledged = true,
            CollectionFact::Executed { execution, .. } => {
                self.executed = Some((event.id, execution.clone()))
            }
            CollectionFact::Missed { .. } => self.is_missed = true,
        }
    }

    fn take_order(
        &self,
        context: &CollectionContext,
        order: &CollectionOrder,
    ) -> Result<Vec<CollectionEvent>, Rejection> {
        match &self.order {
            Some(recorded) if recorded == order => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "collection",
                    format!(
                        "collection {} is ordered of {} by {} ({} bins); give another order an id of its own",
                        context.collection,
                        recorded.assignee,
                        format_rfc3339_utc(recorded.due),
                        recorded.bins.len()
                    ),
                ));
            }
            None => {}
        }
        if order.bins.is_empty() || order.bins.len() > MOST_BINS_PER_COLLECTION {
            return Err(Rejection::invalid(
                "bins",
                format!(
                    "there are {} bins; order 1 to {MOST_BINS_PER_COLLECTION} at once",
                    order.bins.len()
                ),
            ));
        }
        if let Some(pair) = order.bins.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Rejection::invalid(
                "bins",
                format!("{} stands there twice; name each bin once", pair[1]),
            ));
        }
        if order.due <= context.now {
            return Err(Rejection::failed_precondition(
                "due",
                format!(
                    "{} is not after the park's time {}; give people time to do it",
                    format_rfc3339_utc(order.due),
                    format_rfc3339_utc(context.now)
                ),
            ));
        }
        let fact = CollectionFact::Ordered {
            order: order.clone(),
            time: context.now,
        };
        // One order to a collection: its id says it all, and so do those of what happens to it once.
        Ok(vec![collection_event(context, b"ordered", fact)])
    }

    fn acknowledge(&self, context: &CollectionContext) -> Result<Vec<CollectionEvent>, Rejection> {
        self.ordered(context)?;
        if self.is_acknowledged {
            return Ok(Vec::new());
        }
        if self.executed.is_some() {
            return Err(Rejection::failed_precondition(
                "collection",
                format!(
                    "collection {} is executed; nothing is left to acknowledge",
                    context.collection
                ),
            ));
        }
        let fact = CollectionFact::Acknowledged { time: context.now };
        Ok(vec![collection_event(context, b"acknowledged", fact)])
    }

    fn execute(
        &self,
        context: &CollectionContext,
        execution: &Execution,
    ) -> Result<Vec<CollectionEvent>, Rejection> {
        let order = self.ordered(context)?;
        match &self.executed {
            Some((_, recorded)) if recorded == execution => return Ok(Vec::new()),
            Some((_, recorded)) => {
                return Err(Rejection::already_exists(
                    "collection",
                    format!(
                        "collection {} is recorded as executed at {} (ticket {}, {} g); it is executed once",
                        context.collection,
                        format_rfc3339_utc(recorded.time),
                        recorded.ticket,
                        recorded.weight_g
                    ),
                ));
            }
            None => {}
        }
        if execution.weight_g < 0 {
            return Err(Rejection::invalid(
                "weight_g",
                format!(
                    "{} g is below zero; send the net weight of the ticket",
                    execution.weight_g
                ),
            ));
        }
        refuse_future("time", execution.time, context.now)?;
        let mut events = Vec::new();
        if execution.time > order.due && !self.is_missed {
            events.push(missed(context, execution.time, order.due));
        }
        let fact = CollectionFact::Executed {
            bins: order.bins.clone(),
            execution: execution.clone(),
        };
        events.push(collection_event(context, b"executed", fact));
        Ok(events)
    }

    fn miss(&self, context: &CollectionContext) -> Result<Vec<CollectionEvent>, Rejection> {
        let order = self.ordered(context)?;
        if self.is_missed {
            return Ok(Vec::new());
        }
        if let Some((_, execution)) = &self.executed {
            return Err(Rejection::failed_precondition(
                "collection",
                format!(
                    "collection {} was executed in time, at {}",
                    context.collection,
                    format_rfc3339_utc(execution.time)
                ),
            ));
        }
        if context.now <= order.due {
            return Err(Rejection::failed_precondition(
                "collection",
                format!(
                    "collection {} is due at {}, and it is {}; wait until then",
                    context.collection,
                    format_rfc3339_utc(order.due),
                    format_rfc3339_utc(context.now)
                ),
            ));
        }
        Ok(vec![missed(context, context.now, order.due)])
    }

    fn ordered(&self, context: &CollectionContext) -> Result<&CollectionOrder, Rejection> {
        self.order.as_ref().ok_or_else(|| {
            Rejection::not_found(
                "collection",
                format!(
                    "park {} has no collection \"{}\"; order it first",
                    context.park, context.collection
                ),
            )
        })
    }
}

fn missed(context: &CollectionContext, time: UnixSeconds, due: UnixSeconds) -> CollectionEvent {
    collection_event(context, b"missed", CollectionFact::Missed { time, due })
}

fn collection_event(
    context: &CollectionContext,
    statement: &[u8],
    fact: CollectionFact,
) -> CollectionEvent {
    let content = match &fact {
        CollectionFact::Ordered { order, .. } => {
            let bins: Vec<&str> = order.bins.iter().map(AssetId::as_str).collect();
            format!("{} {} {}", order.due.0, order.assignee, bins.join(" "))
        }
        CollectionFact::Acknowledged { .. } | CollectionFact::Missed { .. } => String::new(),
        CollectionFact::Executed { execution, .. } => {
            format!(
                "{} {} {:?} {}",
                execution.time.0, execution.weight_g, execution.evidence_sha256, execution.ticket
            )
        }
    };
    CollectionEvent {
        id: event_id(&[
            b"terrarium.waste.collection",
            statement,
            context.park.as_str().as_bytes(),
            context.collection.as_bytes(),
            content.as_bytes(),
        ]),
        collection: Arc::clone(&context.collection),
        fact,
    }
}

#[cfg(test)]
mod tests;
