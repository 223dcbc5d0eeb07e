//! Bounds of predicates and filters: what an engine can test of them, weakened from above or strengthened from below
//! where it cannot (semantics 3.11).

use crate::{
    capability::Caps,
    query::filter::{Filter, Node},
};

/// From which side something is approached that cannot be had exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// True at least where it is true.
    Above,
    /// True at most where it is true.
    Below,
}

impl Side {
    /// What `not` makes of it.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Above => Side::Below,
            Side::Below => Side::Above,
        }
    }
    /// The bound of what nothing is known about.
    pub fn coarsest(self) -> Filter {
        match self {
            Side::Above => Filter::all(),
            Side::Below => Filter::none(),
        }
    }
}

impl Filter {
    /// A bound that needs no more than these capabilities; the filter itself where that is so already.
    #[must_use]
    pub fn bounded(&self, side: Side, can: Caps) -> Filter {
        if self.needs().within(can) {
            return self.clone();
        }
        match self.node() {
            Node::And(list) => conjunction(list.iter().map(|f| f.bounded(side, can))),
            Node::Or(list) => disjunction(list.iter().map(|f| f.bounded(side, can))),
            Node::Not(inner) => complement(inner.bounded(side.other(), can)),
            _ => side.coarsest(),
        }
    }
    /// Whether it is true of no record, as it stands.
    pub fn is_none(&self) -> bool {
        matches!(self.node(), Node::Or(list) if list.is_empty())
    }
}

/// `and`, with what is false of everything seen through.
pub(crate) fn conjunction(list: impl Iterator<Item = Filter>) -> Filter {
    let list: Vec<_> = list.collect();
    if list.iter().any(Filter::is_none) { Filter::none() } else { Filter::and(list) }
}

/// `or`, with what is true of everything seen through.
pub(crate) fn disjunction(list: impl Iterator<Item = Filter>) -> Filter {
    let list: Vec<_> = list.collect();
    if list.iter().any(Filter::is_all) { Filter::all() } else { Filter::or(list) }
}

/// `not`, with constants turned around.
pub(crate) fn complement(filter: Filter) -> Filter {
    match () {
        () if filter.is_all() => Filter::none(),
        () if filter.is_none() => Filter::all(),
        () => filter.not(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_respects_polarity() {
        for (text, above, below) in [
            ("a = 1", "a = 1", "a = 1"),
            ("a matches 'x'", "all", "none"),
            ("a not matches 'x'", "all", "none"),
            ("b = 1 and a matches 'x'", "b = 1", "none"),
            ("b = 1 or a matches 'x'", "all", "b = 1"),
            ("not (b = 1 and a matches 'x')", "all", "b != 1"),
            ("not (b = 1 or a matches 'x')", "b != 1", "none"),
            ("c = 1 and not (b = 1 or a not matches 'x')", "c = 1 and b != 1", "none"),
        ] {
            let filter: Filter = text.parse().expect("it is written well");
            assert_eq!(filter.bounded(Side::Above, Caps::NONE).to_string(), above, "{text} from above");
            assert_eq!(filter.bounded(Side::Below, Caps::NONE).to_string(), below, "{text} from below");
            assert_eq!(filter.bounded(Side::Above, Caps::REGEX), filter);
        }
    }
}
