//! How ids of one type sort (semantics 1.3).

use std::cmp::Ordering;

use super::Id;

/// The order of ids, which follows from the type they are declared with: integers by number, text and UUIDs by their
/// UTF-8 bytes (semantics 1.3).
///
/// ```
/// use dk_data::id::{Id, IdOrder};
///
/// let (nine, ten) = (Id::from(9_u32), Id::from(10_u32));
/// assert!(IdOrder::Integer.compare(&nine, &ten).is_lt());
/// assert!(IdOrder::Text.compare(&nine, &ten).is_gt());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IdOrder {
    /// By the UTF-8 bytes of the text.
    #[default]
    Text,
    /// By number. What is no integer of 64 bits in canonical form comes after all that are, by its text.
    Integer,
    /// By the UTF-8 bytes of the text, which for UUIDs are in the order of their sixteen bytes.
    Uuid,
}

impl IdOrder {
    /// Compares two ids in this order, which is total: ids compare as equal exactly when they are.
    #[inline]
    pub fn compare(self, a: &Id, b: &Id) -> Ordering {
        match self {
            IdOrder::Text | IdOrder::Uuid => a.cmp(b),
            IdOrder::Integer => by_number(a, b),
        }
    }
}

fn by_number(a: &Id, b: &Id) -> Ordering {
    match (a.as_integer(), b.as_integer()) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(order: IdOrder, texts: &[&str]) -> Vec<String> {
        let mut ids: Vec<Id> = texts.iter().map(|text| Id::new(text).unwrap()).collect();
        ids.sort_by(|a, b| order.compare(a, b));
        ids.iter().map(Id::to_string).collect()
    }

    /// semantics 1.3
    #[test]
    fn integers_sort_by_number_and_what_is_none_comes_after() {
        let texts = ["10", "b", "9", "-1", "-10", "18446744073709551616", "18446744073709551615", "007", "0"];
        let numbers = ["-10", "-1", "0", "9", "10", "18446744073709551615", "007", "18446744073709551616", "b"];
        assert_eq!(sorted(IdOrder::Integer, &texts), numbers);
    }

    /// semantics 1.3
    #[test]
    fn text_and_uuids_sort_by_their_bytes() {
        let uuid = "0f000000-0000-0000-0000-000000000000";
        let texts = ["é", "z", "10", "9", uuid, "Z"];
        for order in [IdOrder::Text, IdOrder::Uuid] {
            assert_eq!(sorted(order, &texts), [uuid, "10", "9", "Z", "z", "é"]);
        }
    }
}
