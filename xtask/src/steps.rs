//! Steps with a name and a duration, and the line at the end that counts them.

use crate::workspace::Outcome;
use std::time::{Duration, Instant};

/// Steps that were run so far. All are run, so that one report names everything that is broken.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration, Outcome)>,
}

impl Steps {
    /// Runs one step.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Outcome) {
        println!("\n== {name}");
        let began = Instant::now();
        let outcome = step();
        let took = began.elapsed();
        match &outcome {
            Ok(()) => println!("== {name}: passed in {:.1} s", took.as_secs_f64()),
            Err(message) => eprintln!("== {name}: FAILED after {:.1} s: {message}", took.as_secs_f64()),
        }
        self.done.push((name, took, outcome));
    }

    /// Whether nothing failed so far.
    pub(crate) fn all_passed(&self) -> bool {
        self.done.iter().all(|(_, _, outcome)| outcome.is_ok())
    }

    /// The table, and the line that ends it.
    pub(crate) fn finish(self) -> Outcome {
        let failed = self.done.iter().filter(|(_, _, outcome)| outcome.is_err()).count();
        println!();
        for (name, took, outcome) in &self.done {
            let word = if outcome.is_ok() { "passed" } else { "FAILED" };
            println!("{word}  {:>7.1} s  {name}", took.as_secs_f64());
        }
        println!("{} passed, {failed} failed", self.done.len() - failed);
        if failed == 0 { Ok(()) } else { Err(format!("{failed} steps failed, each is named above")) }
    }
}
