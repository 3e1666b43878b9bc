//! A model of an engine: executors register a while after they run, and drain a while after they are asked to.

use evenkeel::core::{Input, Span, input::EngineReport, output::Notice};

/// How an engine behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineModel {
    /// There is none (`engine: none`).
    None,
    /// Executors register and drain, so long after they start, or are asked.
    Prompt {
        /// From a pod's start to its registration.
        registers_after: Span,
        /// From the request to drain to its end.
        drains_after: Span,
    },
}

impl EngineModel {
    /// What the engine says on a notice, and how long after it.
    pub(crate) fn reply(self, notice: &Notice) -> Option<(Span, Input)> {
        let Self::Prompt {
            registers_after,
            drains_after,
        } = self
        else {
            return None;
        };
        let (after, report) = match notice {
            Notice::Started { executor, .. } => {
                (registers_after, EngineReport::Registered(*executor))
            }
            Notice::Drain { executor, .. } => (drains_after, EngineReport::Drained(*executor)),
            _ => return None,
        };
        Some((after, Input::Engine(report)))
    }
}
