//! A group of trees as a carbon sink: planted, surveyed, and lost again.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc, round_half_even_div};
use terrarium_proto::carbon::v1::{TreesDiedV1, TreesMonitoredV1, TreesPlantedV1};

facts! {
    /// What happened to a tree group.
    pub enum TreeFact in "terrarium.carbon.v1" {
        TreesPlantedV1 at time_s,
        TreesMonitoredV1 at time_s,
        TreesDiedV1 at time_s,
    }
}

/// Everything a decision needs beside the group's own past.
#[derive(Clone, Debug)]
pub struct TreeContext {
    /// Park of the group.
    pub park: ParkId,
    /// The group.
    pub group: AssetId,
    /// Trees that the park definition says it has: no more may live.
    pub most: u32,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be reported of a tree group. What follows from the past (numbers, reversals) is filled in by the decision.
#[derive(Clone, Debug)]
pub enum TreeCommand {
    /// Trees were planted.
    Plant(TreesPlantedV1),
    /// The group was surveyed.
    Monitor(TreesMonitoredV1),
    /// Trees died or were felled.
    Lose(TreesDiedV1),
}

/// A tree group, as its past left it.
#[derive(Default)]
pub struct TreeGroup {
    plantings: BTreeMap<String, TreesPlantedV1>,
    surveys: BTreeMap<i64, TreesMonitoredV1>,
    losses: BTreeMap<String, TreesDiedV1>,
    /// When the trees died whose numbers are known.
    dead: BTreeMap<u32, UnixSeconds>,
    planted: u32,
    living: u32,
    co2_g: i64,
    reversed_co2_g: i64,
}

impl TreeGroup {
    /// Trees planted so far.
    pub fn planted(&self) -> u32 {
        self.planted
    }

    /// Trees that live.
    pub fn living(&self) -> u32 {
        self.living
    }

    /// Grams of CO2 held.
    pub fn co2_g(&self) -> i64 {
        self.co2_g
    }

    /// Grams of CO2 that were held once and were lost.
    pub fn reversed_co2_g(&self) -> i64 {
        self.reversed_co2_g
    }

    /// The newest survey.
    pub fn newest_survey(&self) -> Option<&TreesMonitoredV1> {
        self.surveys.last_key_value().map(|(_, survey)| survey)
    }

    /// A planting.
    pub fn planting(&self, id: &str) -> Option<&TreesPlantedV1> {
        self.plantings.get(id)
    }

    /// A loss.
    pub fn loss(&self, id: &str) -> Option<&TreesDiedV1> {
        self.losses.get(id)
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &TreeContext,
        command: &TreeCommand,
    ) -> Result<Vec<Event<TreeFact>>, Rejection> {
        match command {
            TreeCommand::Plant(sent) => self.plant(context, sent),
            TreeCommand::Monitor(sent) => self.monitor(context, sent),
            TreeCommand::Lose(sent) => self.lose(context, sent),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<TreeFact>) {
        match &event.fact {
            TreeFact::TreesPlantedV1(planted) => {
                self.planted += planted.count;
                self.living += planted.count;
                self.plantings
                    .insert(planted.planting.clone(), planted.clone());
            }
            TreeFact::TreesMonitoredV1(survey) => {
                self.co2_g = survey.co2_g;
                self.surveys.insert(survey.time_s, survey.clone());
            }
            TreeFact::TreesDiedV1(died) => {
                let time = UnixSeconds(died.time_s);
                self.dead
                    .extend(died.numbers.iter().map(|number| (*number, time)));
                self.living = died.living;
                self.co2_g = died.co2_g;
                self.reversed_co2_g += died.reversed_co2_g;
                self.losses.insert(died.loss.clone(), died.clone());
            }
        }
    }

    fn plant(
        &self,
        context: &TreeContext,
        sent: &TreesPlantedV1,
    ) -> Result<Vec<Event<TreeFact>>, Rejection> {
        if let Some(recorded) = self.plantings.get(&sent.planting) {
            let same = TreesPlantedV1 {
                first_number: recorded.first_number,
                species: recorded.species.clone(),
                ..sent.clone()
            };
            return said_before(&same == recorded, "planting", &sent.planting, context);
        }
        if sent.count == 0 {
            return Err(Rejection::invalid("count", "no tree; plant 1 or more"));
        }
        let room = context.most.saturating_sub(self.living);
        if sent.count > room {
            return Err(Rejection::failed_precondition(
                "count",
                format!(
                    "{} trees of group {} live, and the park definition has room for {}; {} more don't fit, correct the count \
                     there first",
                    self.living, context.group, context.most, sent.count
                ),
            ));
        }
        self.refuse_before_survey(context, sent.time_s)?;
        let planted = TreesPlantedV1 {
            first_number: self.planted + 1,
            ..sent.clone()
        };
        Ok(vec![Event::of(&context.park, planted)])
    }

    fn monitor(
        &self,
        context: &TreeContext,
        sent: &TreesMonitoredV1,
    ) -> Result<Vec<Event<TreeFact>>, Rejection> {
        if let Some(recorded) = self.surveys.get(&sent.time_s) {
            let time = format_rfc3339_utc(UnixSeconds(sent.time_s));
            return said_before(recorded == sent, "time", &time, context);
        }
        if sent.living != self.living {
            return Err(Rejection::failed_precondition(
                "living",
                format!(
                    "{} living trees of group {} are on record, and {} were counted; report plantings and losses first",
                    self.living, context.group, sent.living
                ),
            ));
        }
        if sent.co2_g < 0 {
            return Err(Rejection::invalid(
                "co2_g",
                format!("{} g is below zero; a loss is reported as one", sent.co2_g),
            ));
        }
        if sent.living == 0 && sent.co2_g != 0 {
            return Err(Rejection::invalid(
                "co2_g",
                "no tree lives, so none holds CO2; send 0",
            ));
        }
        self.refuse_before_survey(context, sent.time_s)?;
        Ok(vec![Event::of(&context.park, sent.clone())])
    }

    fn lose(
        &self,
        context: &TreeContext,
        sent: &TreesDiedV1,
    ) -> Result<Vec<Event<TreeFact>>, Rejection> {
        if let Some(recorded) = self.losses.get(&sent.loss) {
            let same = TreesDiedV1 {
                reversed_co2_g: recorded.reversed_co2_g,
                living: recorded.living,
                co2_g: recorded.co2_g,
                ..sent.clone()
            };
            return said_before(&same == recorded, "loss", &sent.loss, context);
        }
        self.refuse_dead_trees(context, sent)?;
        if sent.count == 0 {
            return Err(Rejection::invalid("count", "no tree; report 1 or more"));
        }
        if sent.count > self.living {
            return Err(Rejection::failed_precondition(
                "count",
                format!(
                    "{} trees of group {} live; {} can't die",
                    self.living, context.group, sent.count
                ),
            ));
        }
        self.refuse_before_survey(context, sent.time_s)?;
        let share = i128::from(self.co2_g) * i128::from(sent.count);
        let reversed_co2_g = i64::try_from(round_half_even_div(share, i128::from(self.living)))
            .expect("a share is no more than the whole");
        let died = TreesDiedV1 {
            reversed_co2_g,
            living: self.living - sent.count,
            co2_g: self.co2_g - reversed_co2_g,
            ..sent.clone()
        };
        Ok(vec![Event::of(&context.park, died)])
    }

    /// The numbers of a loss are those of living trees, each once.
    fn refuse_dead_trees(
        &self,
        context: &TreeContext,
        sent: &TreesDiedV1,
    ) -> Result<(), Rejection> {
        if sent.numbers.is_empty() {
            return Ok(());
        }
        if sent.numbers.len() != sent.count as usize {
            return Err(Rejection::invalid(
                "numbers",
                format!(
                    "there are {} for {} trees; send the number of each, or none",
                    sent.numbers.len(),
                    sent.count
                ),
            ));
        }
        let mut seen = BTreeSet::new();
        for number in &sent.numbers {
            if !(1..=self.planted).contains(number) || !seen.insert(number) {
                return Err(Rejection::invalid(
                    "numbers",
                    format!(
                        "group {} has trees 1 to {}; {number} is none of them, or stands there twice",
                        context.group, self.planted
                    ),
                ));
            }
            if let Some(died) = self.dead.get(number) {
                return Err(Rejection::failed_precondition(
                    "numbers",
                    format!(
                        "tree {number} of group {} is dead since {}; a dead tree can't be felled or die again",
                        context.group,
                        format_rfc3339_utc(*died)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What a survey found can't be changed by what happened before it.
    fn refuse_before_survey(&self, context: &TreeContext, time_s: i64) -> Result<(), Rejection> {
        if let Some(survey) = self.newest_survey()
            && time_s < survey.time_s
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "{} is before the survey of group {} at {}, which found {} living trees; send a time after it",
                    format_rfc3339_utc(UnixSeconds(time_s)),
                    context.group,
                    format_rfc3339_utc(UnixSeconds(survey.time_s)),
                    survey.living
                ),
            ));
        }
        refuse_future("time", UnixSeconds(time_s), context.now)
    }
}

fn said_before(
    is_same: bool,
    field: &'static str,
    id: &str,
    context: &TreeContext,
) -> Result<Vec<Event<TreeFact>>, Rejection> {
    if is_same {
        return Ok(Vec::new());
    }
    Err(Rejection::already_exists(
        field,
        format!(
            "{field} {id} of group {} is recorded with other values; give another one an id of its own",
            context.group
        ),
    ))
}

#[cfg(test)]
mod tests;
