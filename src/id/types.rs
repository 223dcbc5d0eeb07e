//! The types that a field marked `#[record(id)]` may have.

use uuid::Uuid;

use super::{Id, IdBuffer, IdOrder, InvalidId};

/// A type whose values are ids: `String`, `Uuid`, and the integers from `i8` to `u64` (semantics 1.2).
///
/// The text of an id is the canonical one of the value, so `from_id` gives back what `to_id` was given, and nothing for
/// an id that no value of the type has.
///
/// ```
/// use dk_data::id::{Id, IdType};
///
/// assert_eq!(42_u8.to_id(), Id::new("42"));
/// assert_eq!(u8::from_id(&Id::from(42)), Some(42));
/// assert_eq!(u8::from_id(&Id::from(256)), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an id",
    label = "an id is a `String`, a `Uuid` or an integer"
)]
pub trait IdType: Sized {
    /// How ids of this type sort (semantics 1.3).
    const ORDER: IdOrder;

    /// The id that has this value.
    ///
    /// # Errors
    ///
    /// When the value is a text that cannot be an id (semantics 1.1).
    fn to_id(&self) -> Result<Id, InvalidId>;

    /// The value that has this id.
    fn from_id(id: &Id) -> Option<Self>;
}

impl IdType for String {
    const ORDER: IdOrder = IdOrder::Text;

    fn to_id(&self) -> Result<Id, InvalidId> {
        Id::new(self)
    }

    fn from_id(id: &Id) -> Option<Self> {
        Some(id.text(&mut IdBuffer::new()).to_owned())
    }
}

impl IdType for Uuid {
    const ORDER: IdOrder = IdOrder::Uuid;

    #[inline]
    fn to_id(&self) -> Result<Id, InvalidId> {
        Ok(Id::from(*self))
    }

    #[inline]
    fn from_id(id: &Id) -> Option<Self> {
        id.as_uuid()
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl IdType for $integer {
            const ORDER: IdOrder = IdOrder::Integer;

            #[inline]
            fn to_id(&self) -> Result<Id, InvalidId> {
                Ok(Id::from(*self))
            }

            #[inline]
            fn from_id(id: &Id) -> Option<Self> {
                id.as_integer()?.try_into().ok()
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn round_trips<T: IdType + PartialEq + Debug>(value: T) {
        assert_eq!(T::from_id(&value.to_id().unwrap()), Some(value));
    }

    #[test]
    fn a_value_comes_back_from_its_id_at_the_extremes() {
        round_trips(i8::MIN);
        round_trips(u16::MAX);
        round_trips(i32::MIN);
        round_trips(i64::MIN);
        round_trips(i64::MAX);
        round_trips(u64::MAX);
        round_trips(Uuid::max());
        round_trips("007".to_owned());
        round_trips(u64::MAX.to_string());
        round_trips(Uuid::nil().to_string());
    }

    #[test]
    fn an_id_outside_the_type_gives_no_value() {
        assert_eq!(i8::from_id(&Id::from(128_u8)), None);
        assert_eq!(u64::from_id(&Id::from(-1_i8)), None);
        assert_eq!(i64::from_id(&Id::from(u64::MAX)), None);
        assert_eq!(u32::from_id(&Id::new("007").unwrap()), None);
        assert_eq!(Uuid::from_id(&Id::new("a").unwrap()), None);
    }

    /// semantics 1.1
    #[test]
    fn a_text_that_is_no_id_is_refused() {
        assert_eq!(String::new().to_id(), Err(InvalidId::Empty));
    }
}
