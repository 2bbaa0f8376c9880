//! How many requests of one kind are on their way at a time: in all, and of one owner, so that a
//! busy application leaves room for the others.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use tidings_core::access::Owner;

use crate::problem::{Code, Problem};

/// Counts requests that are on their way.
#[derive(Debug)]
pub struct Gate {
    in_flight_max: usize,
    in_flight: Mutex<InFlight>,
}

#[derive(Debug, Default)]
struct InFlight {
    all: usize,
    by_owner: HashMap<Owner, usize>,
}

/// The right to one request; given back when it is dropped.
#[derive(Debug)]
pub struct Turn<G: Deref<Target = Gate>> {
    gate: G,
    owner: Owner,
}

impl Gate {
    /// A gate for this many at a time; one owner gets at most half of them.
    #[must_use]
    pub fn new(in_flight_max: usize) -> Gate {
        Gate { in_flight_max: in_flight_max.max(2), in_flight: Mutex::default() }
    }

    /// Lets one more in.
    ///
    /// # Errors
    /// `overloaded` when there are too many, `rate_limited` when there are too many of this owner.
    pub fn enter(&self, owner: &Owner) -> Result<Turn<&Gate>, Problem> {
        self.count(owner)?;
        Ok(Turn { gate: self, owner: owner.clone() })
    }

    /// The same for who stays longer than the borrow of a gate.
    ///
    /// # Errors
    /// As [`Gate::enter`].
    pub fn enter_shared(gate: &Arc<Gate>, owner: &Owner) -> Result<Turn<Arc<Gate>>, Problem> {
        gate.count(owner)?;
        Ok(Turn { gate: Arc::clone(gate), owner: owner.clone() })
    }

    fn count(&self, owner: &Owner) -> Result<(), Problem> {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if in_flight.all >= self.in_flight_max {
            let detail = "too many requests are on their way: try again in a moment";
            return Err(Problem::later(Code::Overloaded, 1, detail));
        }
        let own = in_flight.by_owner.entry(owner.clone()).or_default();
        if *own >= self.in_flight_max / 2 {
            let detail = "too many of your requests are on their way: wait for their answers";
            return Err(Problem::later(Code::RateLimited, 1, detail));
        }
        *own += 1;
        in_flight.all += 1;
        Ok(())
    }
}

impl<G: Deref<Target = Gate>> Drop for Turn<G> {
    fn drop(&mut self) {
        let mut in_flight = self.gate.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.all = in_flight.all.saturating_sub(1);
        if let Some(own) = in_flight.by_owner.get_mut(&self.owner) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                in_flight.by_owner.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::ids::ApplicationId;

    use super::*;

    #[test]
    fn one_owner_gets_half_of_the_room_and_gives_it_back() {
        let gate = Gate::new(4);
        let (first, second) =
            (Owner::Application(ApplicationId(1)), Owner::Application(ApplicationId(2)));
        let held = [gate.enter(&first).unwrap(), gate.enter(&first).unwrap()];
        assert_eq!(gate.enter(&first).unwrap_err().code(), Code::RateLimited);
        let others = [gate.enter(&second).unwrap(), gate.enter(&second).unwrap()];
        assert_eq!(gate.enter(&Owner::Operator).unwrap_err().code(), Code::Overloaded);
        drop((held, others));
        assert!(gate.enter(&first).is_ok());
    }
}
