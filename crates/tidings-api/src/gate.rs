//! How many requests of one kind are on their way at a time: in all, and of one owner, so that a
//! busy application leaves room for the others.

use tidings_core::access::Owner;

use crate::{
    crowd::{Crowd, Full, Place},
    problem::{Code, Problem},
};

/// Counts requests that are on their way.
#[derive(Debug)]
pub(crate) struct Gate {
    in_flight_max: usize,
    in_flight: Crowd<Owner>,
}

/// The right to one request; given back when it is dropped.
pub(crate) type Turn = Place<Owner>;

impl Gate {
    /// A gate for this many at a time; one owner gets at most half of them.
    pub(crate) fn new(in_flight_max: usize) -> Gate {
        Gate { in_flight_max: in_flight_max.max(2), in_flight: Crowd::default() }
    }

    /// Lets one more in: `overloaded` when there are too many, `rate_limited` when there are too
    /// many of this owner.
    pub(crate) fn enter(&self, owner: &Owner) -> Result<Turn, Problem> {
        let entered = self.in_flight.enter(owner, self.in_flight_max, self.in_flight_max / 2);
        entered.map_err(|full| match full {
            Full::InAll => {
                let detail = "too many requests are on their way: try again in a moment";
                Problem::later(Code::Overloaded, 1, detail)
            }
            Full::OfKind => {
                let detail = "too many of your requests are on their way: wait for their answers";
                Problem::later(Code::RateLimited, 1, detail)
            }
        })
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
