//! What a field can be compared with: one literal type for each scalar, so that `AGE.ge(18)` infers.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::record::field_type::Scalar;

/// A value that a field of type `V` can be compared with (semantics 3.7).
#[diagnostic::on_unimplemented(message = "a `{V}` field cannot be compared with `{Self}`", label = "expected a `{V}`")]
pub trait Literal<V: Scalar> {
    /// The literal as predicates keep it.
    fn literal(self) -> V::Literal;
}

macro_rules! literals {
    ($($scalar:ty: $($native:ty => |$v:ident| $literal:expr),+;)*) => { $( $(
        impl Literal<$scalar> for $native {
            fn literal(self) -> <$scalar as Scalar>::Literal { let $v = self; $literal }
        }
    )+ )* };
}
literals! {
    bool: bool => |v| v;
    i8: i8 => |v| v; i16: i16 => |v| v; i32: i32 => |v| v; i64: i64 => |v| v;
    u8: u8 => |v| v; u16: u16 => |v| v; u32: u32 => |v| v; u64: u64 => |v| v;
    f32: f32 => |v| v; f64: f64 => |v| v;
    Decimal: Decimal => |v| v;
    String: String => |v| v, &str => |v| v.to_owned();
    Vec<u8>: Vec<u8> => |v| v, &[u8] => |v| v.to_owned();
    Uuid: Uuid => |v| v;
    Timestamp: Timestamp => |v| v;
    Date: Date => |v| v;
}
/// What a list gives that is only looked at: `NAME.is_in(&["Ann", "Bo"])`.
#[diagnostic::do_not_recommend]
impl<V: Scalar, L: Literal<V> + Clone> Literal<V> for &L {
    fn literal(self) -> V::Literal {
        self.clone().literal()
    }
}
impl<const N: usize> Literal<Vec<u8>> for &[u8; N] {
    fn literal(self) -> Vec<u8> {
        self.to_vec()
    }
}
