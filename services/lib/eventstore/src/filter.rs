//! Which events a reader of all events gets.

use std::collections::HashMap;
use std::sync::Arc;

use fancy_regex::Regex;
use thiserror::Error;

use crate::event::RecordedEvent;

/// How many names an expression's answers are kept for.
const KEPT_ANSWERS: usize = 4096;

/// What of an event a filter looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilterOn {
    StreamName,
    EventType,
}

/// Lets events through by stream name or type.
#[derive(Clone, Debug)]
pub struct Filter {
    on: FilterOn,
    rule: Rule,
    /// A checkpoint is due after this many events were looked at.
    checkpoint_every: u64,
}

#[derive(Clone, Debug)]
enum Rule {
    Prefixes(Vec<String>),
    /// Types and names repeat: an expression is asked once for each.
    Expression {
        expression: Regex,
        answers: HashMap<Arc<str>, bool>,
    },
}

/// Why there is no filter, or no answer from it.
#[derive(Debug, Error)]
pub enum FilterError {
    #[error("the filter's expression \"{expression}\" is wrong: {reason}")]
    Expression { expression: String, reason: String },
    #[error("the filter has neither prefixes nor an expression: give one of them")]
    Empty,
    #[error("the filter's checkpoint interval is 0: give 1 or more")]
    NoInterval,
    #[error("the filter's expression gave up on \"{name}\": {reason}; use a simpler one")]
    TooHard { name: String, reason: String },
}

impl Filter {
    /// Lets through what begins with one of `prefixes`.
    pub fn by_prefix(
        on: FilterOn,
        prefixes: Vec<String>,
        checkpoint_every: u64,
    ) -> Result<Filter, FilterError> {
        if prefixes.is_empty() {
            return Err(FilterError::Empty);
        }
        Filter::new(on, Rule::Prefixes(prefixes), checkpoint_every)
    }

    /// Lets through what an expression matches somewhere; look-around and back references work.
    pub fn by_expression(
        on: FilterOn,
        expression: &str,
        checkpoint_every: u64,
    ) -> Result<Filter, FilterError> {
        let parsed = Regex::new(expression).map_err(|error| FilterError::Expression {
            expression: expression.to_owned(),
            reason: error.to_string(),
        })?;
        let rule = Rule::Expression {
            expression: parsed,
            answers: HashMap::new(),
        };
        Filter::new(on, rule, checkpoint_every)
    }

    fn new(on: FilterOn, rule: Rule, checkpoint_every: u64) -> Result<Filter, FilterError> {
        if checkpoint_every == 0 {
            return Err(FilterError::NoInterval);
        }
        Ok(Filter {
            on,
            rule,
            checkpoint_every,
        })
    }

    pub(crate) fn checkpoint_every(&self) -> u64 {
        self.checkpoint_every
    }

    /// Whether an event gets through.
    pub fn lets_through(&mut self, event: &RecordedEvent) -> Result<bool, FilterError> {
        self.lets_names_through(&event.stream, &event.event_type)
    }

    /// Whether an event of this stream and type gets through.
    pub(crate) fn lets_names_through(
        &mut self,
        stream: &str,
        event_type: &str,
    ) -> Result<bool, FilterError> {
        let name = match self.on {
            FilterOn::StreamName => stream,
            FilterOn::EventType => event_type,
        };
        match &mut self.rule {
            Rule::Prefixes(prefixes) => Ok(prefixes
                .iter()
                .any(|prefix| name.starts_with(prefix.as_str()))),
            Rule::Expression {
                expression,
                answers,
            } => {
                if let Some(known) = answers.get(name) {
                    return Ok(*known);
                }
                let answer = expression
                    .is_match(name)
                    .map_err(|error| FilterError::TooHard {
                        name: name.to_owned(),
                        reason: error.to_string(),
                    })?;
                if answers.len() >= KEPT_ANSWERS {
                    answers.clear();
                }
                answers.insert(Arc::from(name), answer);
                Ok(answer)
            }
        }
    }
}
