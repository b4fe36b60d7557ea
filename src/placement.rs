//! Which of several workers gets a connection.
//!
//! Uploads are what costs a worker time, and nobody knows beforehand how much: so a connection
//! goes to the worker that has the fewest of them. One that has not sent its first request counts
//! as an upload, for most begin at once; otherwise all that come in a burst would go to the same
//! worker. A connection stays where it was placed.
//!
//! # Example
//!
//! ```
//! use streamsum::placement::{Load, Placement, place};
//!
//! let load = |busy, connections| Load { busy, connections, max_connections: 3 };
//! assert_eq!(place([load(2, 2), load(1, 2)]), Placement::Free(1));
//! // The second is full.
//! assert_eq!(place([load(2, 2), load(1, 3)]), Placement::Free(0));
//! // Both are, and the second has two connections without a request.
//! assert_eq!(place([load(2, 3), load(1, 3)]), Placement::Displacing(1));
//! ```

/// What is known of a worker when a connection is to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Connections that have a request under way, or have not sent their first.
    pub busy: usize,
    /// Connections in all.
    pub connections: usize,
    /// How many there may be.
    pub max_connections: usize,
}

/// Where a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// To the worker with this number, which has a free place.
    Free(usize),
    /// To the worker with this number. All are full, and this one has the most connections
    /// without a request: one of them may give way.
    Displacing(usize),
    /// Nowhere, for now.
    Nowhere,
}

/// Places a connection, given the loads of all workers by their numbers.
///
/// It goes to the worker with the fewest [busy](Load::busy) connections; among those with
/// equally many to the one with the fewest connections, and then to the first. One that is full is
/// passed over.
pub fn place(loads: impl IntoIterator<Item = Load>) -> Placement {
    let mut free = None;
    let mut displacing = None;
    for (number, load) in loads.into_iter().enumerate() {
        let Load { busy, connections, max_connections } = load;
        if connections < max_connections {
            let key = (busy, connections, number);
            free = Some(free.map_or(key, |least| key.min(least)));
        } else if connections == max_connections && busy < connections {
            let key = (connections - busy, usize::MAX - number);
            displacing = Some(displacing.map_or(key, |most| key.max(most)));
        }
    }
    match (free, displacing) {
        (Some((_, _, number)), _) => Placement::Free(number),
        (None, Some((_, number))) => Placement::Displacing(usize::MAX - number),
        (None, None) => Placement::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Workers with three places each, by busy and all connections.
    fn placed<const N: usize>(loads: [(usize, usize); N]) -> Placement {
        place(loads.map(|(busy, connections)| Load { busy, connections, max_connections: 3 }))
    }

    #[test]
    fn connection_goes_where_the_fewest_are_busy() {
        assert_eq!(placed([(0, 0)]), Placement::Free(0));
        assert_eq!(placed([(1, 1), (0, 2), (1, 1)]), Placement::Free(1));
        assert_eq!(placed([(2, 2), (2, 2), (1, 2)]), Placement::Free(2));
    }

    #[test]
    fn connection_goes_where_the_fewest_are_and_then_to_the_first() {
        assert_eq!(placed([(1, 2), (1, 1)]), Placement::Free(1));
        assert_eq!(placed([(1, 2), (1, 2)]), Placement::Free(0));
    }

    #[test]
    fn full_worker_is_passed_over() {
        assert_eq!(placed([(0, 3), (2, 2)]), Placement::Free(1));
        assert_eq!(placed([(2, 2), (0, 3)]), Placement::Free(0));
    }

    #[test]
    fn when_all_are_full_one_gives_way_where_most_are_idle() {
        assert_eq!(placed([(2, 3), (1, 3), (1, 3)]), Placement::Displacing(1));
        assert_eq!(placed([(1, 3), (2, 3)]), Placement::Displacing(0));
        assert_eq!(placed([(3, 3), (3, 3)]), Placement::Nowhere);
        assert_eq!(placed([(3, 3), (1, 4)]), Placement::Nowhere, "one idle place is not enough");
        assert_eq!(placed([]), Placement::Nowhere);
    }

    #[test]
    fn worker_that_has_ended_gets_nothing() {
        let ended = Load { busy: 0, connections: 0, max_connections: 0 };
        let free = Load { busy: 9, connections: 9, max_connections: 10 };
        assert_eq!(place([ended, free]), Placement::Free(1));
        assert_eq!(place([ended, ended]), Placement::Nowhere);
    }
}
