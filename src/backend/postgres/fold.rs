//! Literals folded into the type of a column, so that a comparison is exact and an index can serve it (semantics 2.4, 2.9).
//! Pure.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::{
    numeric,
    wire::{self, Scalar, Values},
};
use crate::{
    query::Op,
    record::Type,
    value::{Value, ValueRef},
};

/// A comparison with a value that a column can hold, or what it comes to for all values that are not null.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Folded {
    /// Compare with this.
    With(Op, Literal),
    /// True of everything that is there.
    Always,
    /// True of nothing.
    Never,
}

/// A value in the type of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Plain decimal text.
    Numeric(String),
    Text(String),
    Bytes(Vec<u8>),
    Uuid([u8; 16]),
    Micros(i64),
    Days(i32),
}

impl Literal {
    /// Appends it as a parameter of this type.
    pub(super) fn push(&self, scalar: Scalar, out: &mut Values) {
        match (self, scalar) {
            (Literal::Bool(v), _) => out.bool(*v),
            (Literal::Int(v), scalar) => super::codec::put_integer(out, scalar, *v).unwrap_or_else(|| out.null()),
            (Literal::Float(v), Scalar::Float4) => out.f32(*v as f32),
            (Literal::Float(v), _) => out.f64(*v),
            (Literal::Numeric(v), _) => out.numeric(v),
            (Literal::Text(v), _) => out.put(v.as_bytes()),
            (Literal::Bytes(v), _) => out.put(v),
            (Literal::Uuid(v), _) => out.uuid(*v),
            (Literal::Micros(v), _) => out.i64(*v),
            (Literal::Days(v), _) => out.i32(*v),
        }
    }
}

/// Where a literal lies among the values that a column can hold.
enum Place {
    /// It is one of them.
    At(Literal),
    /// It lies between this one and the next above.
    Above(Literal),
    /// It lies between this one and the next below.
    Below(Literal),
    /// Beyond all of them.
    Greatest,
    /// Before all of them.
    Least,
    /// It compares with none of them.
    Nowhere,
}

/// A comparison of a column with a literal.
pub(super) fn fold(op: Op, value: &Value, scalar: Scalar, ty: &Type) -> Folded {
    match place(value, scalar, ty) {
        Place::At(literal) => Folded::With(op, literal),
        Place::Nowhere => Folded::Never,
        Place::Above(literal) => match op {
            Op::Eq => Folded::Never,
            Op::Lt | Op::Le => Folded::With(Op::Le, literal),
            Op::Gt | Op::Ge => Folded::With(Op::Gt, literal),
        },
        Place::Below(literal) => match op {
            Op::Eq => Folded::Never,
            Op::Lt | Op::Le => Folded::With(Op::Lt, literal),
            Op::Gt | Op::Ge => Folded::With(Op::Ge, literal),
        },
        Place::Greatest => {
            if matches!(op, Op::Lt | Op::Le) {
                Folded::Always
            } else {
                Folded::Never
            }
        }
        Place::Least => {
            if matches!(op, Op::Gt | Op::Ge) {
                Folded::Always
            } else {
                Folded::Never
            }
        }
    }
}

/// The value of the column that equals the literal, where there is one.
pub(super) fn exactly(value: &Value, scalar: Scalar, ty: &Type) -> Option<Literal> {
    match place(value, scalar, ty) {
        Place::At(literal) => Some(literal),
        _ => None,
    }
}

fn place(value: &Value, scalar: Scalar, ty: &Type) -> Place {
    match (value, scalar) {
        (Value::Int(_) | Value::Float(_) | Value::Decimal(_), scalar) => place_number(value, scalar, ty),
        (Value::Bool(v), Scalar::Bool) => Place::At(Literal::Bool(*v)),
        (Value::Text(v), Scalar::Text) if !v.contains('\0') => Place::At(Literal::Text(v.clone())),
        // No stored text holds U+0000; what is before it is before the literal.
        (Value::Text(v), Scalar::Text) => {
            Place::Above(Literal::Text(v.split('\0').next().unwrap_or_default().to_owned()))
        }
        (Value::Text(v), Scalar::Uuid) => match v.parse::<uuid::Uuid>() {
            Ok(uuid) if uuid.to_string() == *v => Place::At(Literal::Uuid(uuid.into_bytes())),
            _ => Place::Nowhere,
        },
        (Value::Uuid(v), Scalar::Uuid) => Place::At(Literal::Uuid(v.into_bytes())),
        (Value::Uuid(v), Scalar::Text) => Place::At(Literal::Text(v.to_string())),
        (Value::Bytes(v), Scalar::Bytea) => Place::At(Literal::Bytes(v.clone())),
        (Value::Timestamp(v), Scalar::TimestampTz | Scalar::Timestamp) => {
            let cut = crate::record::field_type::to_microseconds(*v);
            match wire::micros_of(cut) {
                None => Place::Least,
                Some(micros) if cut == *v => Place::At(Literal::Micros(micros)),
                Some(micros) => Place::Above(Literal::Micros(micros)),
            }
        }
        (Value::Date(v), Scalar::Date) => wire::days_of(*v).map_or(Place::Least, |days| Place::At(Literal::Days(days))),
        _ => Place::Nowhere,
    }
}

fn place_number(value: &Value, scalar: Scalar, ty: &Type) -> Place {
    match scalar {
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => place_integer(value, range(scalar)),
        Scalar::Numeric if ty.integer_range().is_some() => place_integer(value, ty.integer_range().unwrap_or_default()),
        Scalar::Numeric => place_numeric(value),
        Scalar::Float4 | Scalar::Float8 => place_float(value),
        _ => Place::Nowhere,
    }
}

fn range(scalar: Scalar) -> (i128, i128) {
    match scalar {
        Scalar::Int2 => (i16::MIN.into(), i16::MAX.into()),
        Scalar::Int4 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

fn place_integer(value: &Value, (least, greatest): (i128, i128)) -> Place {
    let (whole, rest) = match value {
        Value::Int(v) => (*v, Ordering::Equal),
        Value::Decimal(v) => {
            let floor = v.floor();
            (
                floor.mantissa() / 10_i128.pow(floor.scale()),
                if floor == *v { Ordering::Equal } else { Ordering::Greater },
            )
        }
        Value::Float(v) if v.is_nan() => return Place::Nowhere,
        Value::Float(v) => {
            let floor = v.floor();
            // Beyond any column in any case, and a cast would stop at the ends.
            (floor as i128, if floor == *v { Ordering::Equal } else { Ordering::Greater })
        }
        _ => return Place::Nowhere,
    };
    match () {
        () if whole > greatest => Place::Greatest,
        () if whole < least => Place::Least,
        () if rest.is_eq() => Place::At(Literal::Int(whole)),
        () => Place::Above(Literal::Int(whole)),
    }
}

fn place_numeric(value: &Value) -> Place {
    match value {
        Value::Int(v) => Place::At(Literal::Numeric(v.to_string())),
        Value::Decimal(v) => Place::At(Literal::Numeric(v.to_string())),
        Value::Float(v) if v.is_nan() => Place::Nowhere,
        Value::Float(v) if v.is_infinite() => {
            if *v > 0.0 {
                Place::Greatest
            } else {
                Place::Least
            }
        }
        Value::Float(v) => Place::At(Literal::Numeric(numeric::text_of_float(*v))),
        _ => Place::Nowhere,
    }
}

fn place_float(value: &Value) -> Place {
    let nearest = match value {
        Value::Float(v) => *v,
        Value::Int(v) => *v as f64,
        Value::Decimal(v) => float_of(*v),
        _ => return Place::Nowhere,
    };
    match nearest {
        nan if nan.is_nan() => return Place::Nowhere,
        f64::INFINITY => return Place::Greatest,
        f64::NEG_INFINITY => return Place::Least,
        _ => {}
    }
    let nearest = nearest + 0.0;
    match value.as_ref().compare_numbers(&ValueRef::Float(nearest)) {
        Some(Ordering::Equal) => Place::At(Literal::Float(nearest)),
        Some(Ordering::Greater) => Place::Above(Literal::Float(nearest)),
        Some(Ordering::Less) => Place::Below(Literal::Float(nearest)),
        None => Place::Nowhere,
    }
}

fn float_of(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(op: Op, value: impl Into<Value>) -> Folded {
        fold(op, &value.into(), Scalar::Int2, &Type::I16)
    }

    #[test]
    fn literals_outside_a_column_come_to_a_constant() {
        assert_eq!(int(Op::Lt, 1e300), Folded::Always);
        assert_eq!(int(Op::Gt, 32_768), Folded::Never);
        assert_eq!(int(Op::Ge, f64::NEG_INFINITY), Folded::Always);
        assert_eq!(int(Op::Eq, f64::NAN), Folded::Never);
        assert_eq!(int(Op::Eq, true), Folded::Never);
    }

    #[test]
    fn literals_between_two_values_of_a_column_are_moved_to_one() {
        assert_eq!(int(Op::Lt, 1.5), Folded::With(Op::Le, Literal::Int(1)));
        assert_eq!(int(Op::Ge, -1.5), Folded::With(Op::Gt, Literal::Int(-2)));
        assert_eq!(int(Op::Eq, 1.5), Folded::Never);
        assert_eq!(int(Op::Eq, 2.0), Folded::With(Op::Eq, Literal::Int(2)));
        let large = i128::from(u64::MAX);
        let folded = fold(Op::Le, &Value::Int(large), Scalar::Float8, &Type::F64);
        assert_eq!(folded, Folded::With(Op::Lt, Literal::Float(18_446_744_073_709_551_616.0)));
    }

    #[test]
    fn half_a_microsecond_lies_between_its_neighbours() {
        let half = jiff::Timestamp::new(1, 1_500).expect("a moment");
        let at = |op| fold(op, &Value::Timestamp(half), Scalar::TimestampTz, &Type::Timestamp);
        let micros = Literal::Micros(-946_684_799_000_000 + 1);
        assert_eq!((at(Op::Eq), at(Op::Ge)), (Folded::Never, Folded::With(Op::Gt, micros.clone())));
        assert_eq!(at(Op::Lt), Folded::With(Op::Le, micros));
    }
}
