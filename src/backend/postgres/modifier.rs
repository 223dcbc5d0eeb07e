//! Type modifiers of columns that are there: `numeric(6,2)`, `varchar(3)`, `timestamptz(0)`. The server rounds and cuts in
//! silence what does not fit one; here it is refused, so that what was written is what is read (semantics 2.2). Pure.
//!
//! Values are checked in their binary form, once they are encoded and only where a table has such columns, so that records
//! of all other tables pay nothing.

use super::{
    numeric,
    schema::{Column, Table, Takes},
    wire::{Kind, Mark, Param, Scalar, Values, array},
};
use crate::error::{Error, Result};

/// What a type modifier leaves of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    /// Texts of at most so many characters.
    Characters(u32),
    /// Numbers of at most so many digits, of which `scale` stand behind the point.
    Digits { precision: i32, scale: i32 },
    /// Moments of at most so many digits behind the second.
    Fraction(u32),
}

/// Digits behind the second that a moment has in any case.
const MICROSECONDS: u32 = 6;

impl Modifier {
    /// What `atttypmod` says of a column of this kind; `None` where every value fits.
    pub(super) fn of(kind: Kind, typmod: i32) -> Option<Modifier> {
        // Types of any length count the bytes of their header.
        const HEADER: i32 = 4;
        match kind.scalar {
            _ if typmod < 0 => None,
            Scalar::Text => u32::try_from(typmod - HEADER).ok().map(Modifier::Characters),
            Scalar::Numeric => {
                let bits = typmod - HEADER;
                // The scale is a signed number of eleven bits.
                Some(Modifier::Digits { precision: (bits >> 16) & 0xffff, scale: ((bits & 0x7ff) ^ 1_024) - 1_024 })
            }
            Scalar::TimestampTz | Scalar::Timestamp => {
                u32::try_from(typmod).ok().filter(|digits| *digits < MICROSECONDS).map(Modifier::Fraction)
            }
            _ => None,
        }
    }

    /// Whether a value, in its binary form, lies in such a column as it is.
    fn fits(self, raw: &[u8]) -> bool {
        match self {
            Modifier::Characters(most) => raw.len() <= most as usize || characters(raw) <= most as usize,
            Modifier::Digits { precision, scale } => {
                numeric::extent(raw).is_none_or(|(before, behind)| before <= precision - scale && behind <= scale)
            }
            Modifier::Fraction(digits) => {
                let unit = 10_i64.pow(MICROSECONDS - digits);
                raw.try_into().is_ok_and(|raw| i64::from_be_bytes(raw) % unit == 0)
            }
        }
    }

    fn limit(self) -> String {
        match self {
            Modifier::Characters(most) => format!("texts of at most {most} characters"),
            Modifier::Digits { precision, scale } if scale < 0 => {
                format!("numbers below 1e{}, the last {} digits of which are zeros", precision - scale, -scale)
            }
            Modifier::Digits { precision, scale } => {
                format!("numbers below 1e{} with at most {scale} digits behind the point", precision - scale)
            }
            Modifier::Fraction(0) => "whole seconds".to_owned(),
            Modifier::Fraction(digits) => format!("moments with at most {digits} digits behind the second"),
        }
    }
}

/// How many characters a text has.
fn characters(text: &[u8]) -> usize {
    // Each has one byte that does not continue another.
    text.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

impl Column {
    /// Refuses a value that the modifier of the column would change.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    #[inline]
    pub(super) fn refuse_misfit(&self, value: Param<'_>) -> Result<()> {
        match (self.modifier, value.0) {
            (Some(modifier), Some(raw)) => self.refuse_misfit_of(modifier, raw),
            _ => Ok(()),
        }
    }

    fn refuse_misfit_of(&self, modifier: Modifier, raw: &[u8]) -> Result<()> {
        let fits = match self.kind.array {
            false => modifier.fits(raw),
            true => array(raw).is_none_or(|items| items.flatten().all(|item| modifier.fits(item))),
        };
        if fits { Ok(()) } else { Err(self.misfit(modifier)) }
    }

    #[cold]
    fn misfit(&self, modifier: Modifier) -> Error {
        let sql = self.kind.sql();
        let why = format!(
            "the column {} holds {} only, and the server would change this value: give one that fits, or widen the column \
             (ALTER COLUMN {0} TYPE {sql})",
            self.quoted,
            modifier.limit()
        );
        Error::invalid(why).at_field(self.name.clone())
    }
}

impl Table {
    /// Refuses a record that the server would change, and leaves out what it gives by itself. The values behind the mark are
    /// those of the columns of the record.
    ///
    /// # Errors
    /// As [`Column::refuse_misfit`].
    pub(super) fn restrict(&self, mark: Mark, out: &mut Values) -> Result<()> {
        let written = |column: &Column| column.takes != Takes::Never;
        let mut values = self.columns.iter().zip(out.since(mark)).filter(|(column, _)| written(column));
        values.try_for_each(|(column, value)| column.refuse_misfit(value))?;
        if self.columns.iter().all(written) {
            return Ok(());
        }
        let all = out.split_off(mark);
        for (_, value) in self.columns.iter().zip(all.iter()).filter(|(column, _)| written(column)) {
            match value.0 {
                Some(raw) => out.put(raw),
                None => out.null(),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(precision: i32, scale: i32, text: &str) -> bool {
        let modifier = Modifier::of(Scalar::Numeric.one(), ((precision << 16) | (scale & 0x7ff)) + 4);
        assert_eq!(modifier, Some(Modifier::Digits { precision, scale }));
        let mut values = Values::default();
        values.numeric(text);
        modifier.is_some_and(|modifier| modifier.fits(&values.bytes[4..]))
    }

    #[test]
    fn a_number_fits_where_the_server_would_not_round_it() {
        for text in ["0", "0.000", "1.2", "1.20000", "-9999.99", "0.01", "9000"] {
            assert!(numeric(6, 2, text), "{text}");
        }
        for text in ["1.239", "0.001", "10000", "-10000.00", "99999999999999999999999"] {
            assert!(!numeric(6, 2, text), "{text}");
        }
        // Digits before the point only, or so many behind it that none stands directly there.
        assert!(numeric(3, -2, "12300") && !numeric(3, -2, "12301") && !numeric(3, -2, "100000"));
        assert!(
            numeric(2, 4, "0.0012") && numeric(2, 4, "0.0099") && !numeric(2, 4, "0.01") && !numeric(2, 4, "0.00121")
        );
    }

    #[test]
    fn texts_are_measured_in_characters_and_moments_in_digits() {
        let three = Modifier::of(Scalar::Text.one(), 7).expect("a limit");
        assert!(three.fits("äöü".as_bytes()) && three.fits(b"   ") && !three.fits(b"ab    "));
        let whole = Modifier::of(Scalar::Timestamp.one(), 0).expect("a limit");
        assert!(whole.fits(&(-3_000_000_i64).to_be_bytes()) && !whole.fits(&999_999_i64.to_be_bytes()));
        assert_eq!(Modifier::of(Scalar::TimestampTz.many(), 6), None);
        assert_eq!(Modifier::of(Scalar::Text.one(), -1), None);
    }
}
