//! [`Plan`]: what an engine will do with a query, and what is done here. What `explain` answers.

use std::fmt;

use crate::query::filter::Filter;

/// How a query will be run (semantics 3.11).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The engine.
    pub engine: &'static str,
    /// The part of the predicate that the engine tests; `None` where it tests nothing.
    pub pushed: Option<Filter>,
    /// Whether the full predicate is tested again on what comes back.
    pub tested_again: bool,
    /// What the engine is asked, in its own language: SQL, DSL; empty where there is none.
    pub native: String,
    /// What is done, step by step.
    pub steps: Vec<String>,
}

impl Plan {
    /// A plan without steps.
    pub fn new(engine: &'static str) -> Plan {
        Plan { engine, pushed: None, tested_again: false, native: String::new(), steps: Vec::new() }
    }
    /// Adds a step.
    #[must_use]
    pub fn step(mut self, what: impl Into<String>) -> Plan {
        self.steps.push(what.into());
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.engine)?;
        if let Some(pushed) = &self.pushed {
            write!(f, "\n  filter: {pushed}")?;
        }
        if self.tested_again {
            write!(f, "\n  tested again here")?;
        }
        for line in self.native.lines() {
            write!(f, "\n  > {line}")?;
        }
        self.steps.iter().try_for_each(|step| write!(f, "\n  {step}"))
    }
}
