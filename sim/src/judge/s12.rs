//! S12: the same controller, given the same input, does the same.

use super::{About, Checker, Fact, Result, Truth, violated};
use evenkeel::core::{Controller, Output};

/// Every so many inputs a copy is asked too.
const EVERY: u32 = 97;

/// The checker.
#[derive(Clone, Debug, Default)]
pub struct S12 {
    inputs: u32,
    copy: Option<(u32, Vec<Output>, usize)>,
}

impl S12 {
    /// Whether the next input is one to ask a copy about.
    pub(super) fn is_due(&mut self) -> bool {
        self.inputs = (self.inputs + 1) % EVERY;
        self.inputs == 0
    }

    /// What the copy does on that input.
    pub(super) fn ask(
        &mut self,
        process: u32,
        mut copy: Controller,
        at: evenkeel::core::Time,
        input: evenkeel::core::Input,
    ) {
        copy.handle(at, input);
        let outputs = std::iter::from_fn(|| copy.poll()).collect();
        self.copy = Some((process, outputs, 0));
    }
}

impl Checker for S12 {
    fn name(&self) -> &'static str {
        "S12"
    }

    fn about(&self) -> &'static [About] {
        &[About::Said, About::Silent]
    }

    fn look(&mut self, fact: &Fact<'_>, _truth: &Truth) -> Result {
        let Some((process, expected, next)) = &mut self.copy else {
            return Ok(());
        };
        match fact {
            Fact::Said {
                process: who,
                output,
                ..
            } if who == process => {
                let same = expected.get(*next) == Some(output);
                *next += 1;
                if !same {
                    return violated(format!("a copy of the controller does not say {output:?}"));
                }
            }
            Fact::Silent { process: who, .. } if who == process => {
                let rest = expected.get(*next).cloned();
                self.copy = None;
                if let Some(output) = rest {
                    return violated(format!("a copy of the controller says {output:?} too"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
