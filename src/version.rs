//! The version of a stored record: a token to compare, not a number to count with.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The version of a stored record (semantics 5.2): equal as long as nobody wrote, different after every write.
///
/// Versions are opaque and have no order. Backends make them of what their engine has: a counter, a pair of counters, a
/// random write token where there is none, or a text such as an ETag. The text form (`Display`, `FromStr`, serde) begins
/// with a letter that says which: `c42`, `p3.1`, `t` and 32 hexadecimal digits, `x` and the text. Each version has exactly
/// one text form, and each text form that is accepted comes back as it was.
///
/// ```
/// use dk_data::version::Version;
///
/// let seen = Version::pair(3, 1);
/// assert_eq!(seen.to_string(), "p3.1");
/// assert_eq!("p3.1".parse(), Ok(seen));
/// assert!("p3".parse::<Version>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Repr);

/// The bytes of a token are kept as the two numbers that they are from the left: single bytes are not moved on as words before
/// all that was stored ahead of them has arrived.
#[derive(PartialEq, Eq, Hash)]
enum Repr {
    Counter(u64),
    Pair(u64, u64),
    Token(u64, u64),
    Text(Box<str>),
}

/// Counters and tokens, which are copied with every record, by a branch each.
impl Clone for Repr {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Repr::Counter(count) => Repr::Counter(*count),
            Repr::Token(high, low) => Repr::Token(*high, *low),
            other => other.clone_other(),
        }
    }
}

impl Repr {
    #[inline(never)]
    fn clone_other(&self) -> Self {
        match self {
            Repr::Counter(count) => Repr::Counter(*count),
            Repr::Pair(first, second) => Repr::Pair(*first, *second),
            Repr::Token(high, low) => Repr::Token(*high, *low),
            Repr::Text(text) => Repr::Text(text.clone()),
        }
    }
}

/// A text that is no version; see [`Version`] for those that are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version: expected `c42`, `p3.1`, `t` and 32 lower-case hexadecimal digits, or `x` and a text")]
pub struct InvalidVersion(());

impl Version {
    /// The state of a counter that moves with every write.
    pub const fn counter(count: u64) -> Self {
        Version(Repr::Counter(count))
    }

    /// The state of two counters, as of a sequence number and the term it was given in.
    pub const fn pair(first: u64, second: u64) -> Self {
        Version(Repr::Pair(first, second))
    }

    /// A write token, chosen by whoever wrote.
    pub const fn token(bytes: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(bytes);
        Version(Repr::Token((bits >> 64) as u64, bits as u64))
    }

    /// A fresh write token: sixteen bytes of a cryptographic generator, never seen before.
    pub fn random() -> Self {
        Version::token(crate::id::random_token())
    }

    /// A text that the engine gives to each state, such as an ETag. Any text is accepted.
    pub fn text(text: &str) -> Self {
        Version(Repr::Text(text.into()))
    }

    /// What [`Version::counter`] was given.
    pub const fn as_counter(&self) -> Option<u64> {
        match self.0 {
            Repr::Counter(count) => Some(count),
            _ => None,
        }
    }

    /// What [`Version::pair`] was given.
    pub const fn as_pair(&self) -> Option<(u64, u64)> {
        match self.0 {
            Repr::Pair(first, second) => Some((first, second)),
            _ => None,
        }
    }

    /// What [`Version::token`] was given.
    pub const fn as_token(&self) -> Option<[u8; 16]> {
        match self.0 {
            Repr::Token(high, low) => Some(((high as u128) << 64 | low as u128).to_be_bytes()),
            _ => None,
        }
    }

    /// What [`Version::text`] was given.
    pub const fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Repr::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Counter(count) => write!(f, "c{count}"),
            Repr::Pair(first, second) => write!(f, "p{first}.{second}"),
            Repr::Token(high, low) => write!(f, "t{}", Uuid::from_u64_pair(*high, *low).as_simple()),
            Repr::Text(text) => write!(f, "x{text}"),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        parse(text).ok_or(InvalidVersion(()))
    }
}

fn parse(text: &str) -> Option<Version> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    match kind {
        'c' => count(rest).map(Version::counter),
        'p' => rest.split_once('.').and_then(|(first, second)| Some(Version::pair(count(first)?, count(second)?))),
        't' => token(rest).map(Version::token),
        'x' => Some(Version::text(rest)),
        _ => None,
    }
}

/// Digits as they are printed: no plus and no leading zeros, so that no two texts are one version.
fn count(digits: &str) -> Option<u64> {
    let plain = digits == "0" || digits.starts_with(|digit| matches!(digit, '1'..='9'));
    if plain { digits.parse().ok() } else { None }
}

fn token(digits: &str) -> Option<[u8; 16]> {
    let plain = digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if plain { u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes) } else { None }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl de::Visitor<'_> for TextVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text form of a version")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Version, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_has_its_text_form() {
        assert_eq!(Version::counter(42).to_string(), "c42");
        assert_eq!(Version::pair(3, u64::MAX).to_string(), "p3.18446744073709551615");
        assert_eq!(Version::token([0xab; 16]).to_string(), format!("t{}", "ab".repeat(16)));
        assert_eq!(Version::text("\"a.b\"").to_string(), "x\"a.b\"");
        assert_eq!(format!("{:?}", Version::counter(0)), "\"c0\"");
    }

    #[test]
    fn damaged_text_is_refused() {
        let digits = "0123456789abcdef0123456789abcdef";
        let long = format!("t{digits}0");
        let upper = format!("t{}", digits.to_uppercase());
        let signed = format!("t+{}", &digits[1..]);
        for text in [
            "",
            "c",
            "c-1",
            "c+1",
            "c01",
            "c18446744073709551616",
            "c1 ",
            "p",
            "p1",
            "p1.",
            "p.1",
            "p1.2.3",
            "p1.02",
            "p+1.2",
            "t",
            &long,
            &long[..32],
            &upper,
            &signed,
            "42",
            "y1",
            "C42",
            "é",
            "\u{0}c1",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn accessors_give_back_what_was_given_and_nothing_else() {
        let version = Version::counter(1);
        assert_eq!((version.as_counter(), version.as_pair(), version.as_text()), (Some(1), None, None));
        assert_eq!(Version::pair(1, 2).as_pair(), Some((1, 2)));
        assert_eq!(Version::text("c1").as_text(), Some("c1"));
        assert_ne!(Version::text("1"), version);
        let token = Version::random();
        assert_eq!(token.as_token().map(Version::token), Some(token.clone()));
        assert_ne!(Version::random(), token);
    }

    fn versions() -> impl Strategy<Value = Version> {
        prop_oneof![
            any::<u64>().prop_map(Version::counter),
            any::<(u64, u64)>().prop_map(|(first, second)| Version::pair(first, second)),
            any::<[u8; 16]>().prop_map(Version::token),
            any::<String>().prop_map(|text| Version::text(&text)),
        ]
    }

    proptest! {
        #[test]
        fn the_text_form_and_json_round_trip(version in versions()) {
            prop_assert_eq!(version.to_string().parse(), Ok(version.clone()));
            let json = serde_json::to_string(&version).unwrap();
            prop_assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), version);
        }

        #[test]
        fn no_two_texts_are_one_version(text in "[cptx][0-9a-f.+]{0,33}") {
            if let Ok(version) = text.parse::<Version>() {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}
