//! Trouble that passes, and that an answer tells of in its data.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::Context;

/// Stands in a request's data, as an `Arc`, where the one who executes it wants to know whether the
/// same request would be answered in another way later, although nothing changed.
#[derive(Debug, Default)]
pub struct PassingTrouble(AtomicBool);

impl PassingTrouble {
    /// Notes that a resolver was stopped by such a trouble.
    pub fn note(context: &Context<'_>) {
        if let Some(trouble) = context.data_opt::<Arc<PassingTrouble>>() {
            trouble.0.store(true, Ordering::SeqCst);
        }
    }

    /// Whether any was.
    #[must_use]
    pub fn was_noted(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
