//! The storage id of a record: text outside, sixteen bytes or an integer inside where it fits.
//!
//! [`Id`] is the id, [`IdType`] the field types that can be one, [`IdOrder`] how ids of a type sort, [`Generator`] where
//! new ones come from. This module does no I/O and knows nothing of stores.

mod generator;
mod order;
mod types;

use std::{cmp::Ordering, fmt, hash, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::{Uuid, fmt::Hyphenated};

pub use generator::Generator;
pub(crate) use generator::random_token;
pub use order::IdOrder;
pub use types::IdType;

/// The storage id of a record: 1 to 512 bytes of UTF-8 without control characters (semantics 1.1).
///
/// An id is its text and nothing else: two ids are equal exactly when their texts are. A lower-case hyphenated UUID is kept
/// as 16 bytes and a plain decimal integer as a number, so ids of these forms are made, copied, hashed and compared
/// without touching the heap.
///
/// The order of ids (`Ord`) is that of their UTF-8 bytes; [`IdOrder`] sorts by number where the id type is an integer.
///
/// ```
/// use dk_data::id::Id;
///
/// let id = Id::new("reports/2024 (final).txt")?;
/// assert_eq!(id.to_string(), "reports/2024 (final).txt");
/// assert_eq!(Id::from(42_u32), Id::new("42")?);
/// assert_ne!(Id::new("042")?, Id::new("42")?);
/// assert!(Id::new("two\nlines").is_err());
/// # Ok::<(), dk_data::id::InvalidId>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Id(Repr);

/// Which form an id takes is a function of its text alone, so comparing forms compares texts.
///
/// UUIDs are what most stores hold, so they are told apart from the rest by one branch wherever ids are copied, hashed or
/// compared: a jump through a table costs more there than the work itself. Their bytes are kept as the two numbers that they
/// are from the left, and so go from one place to the next as words: a look-up that waits for single bytes to become words
/// again costs a cache miss more, because it cannot begin before the one ahead of it has ended.
#[derive(Eq)]
enum Repr {
    Uuid(u64, u64),
    Unsigned(u64),
    /// Below zero, always.
    Negative(i64),
    /// What is none of the above.
    Text(Box<str>),
}

/// Why a text cannot be an id (semantics 1.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// The text has no characters.
    #[error("an id cannot be empty")]
    Empty,
    /// The text is longer than [`Id::MAX_BYTES`].
    #[error("an id holds at most {max} bytes, and this one has {bytes}", max = Id::MAX_BYTES)]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The text holds a control character.
    #[error("an id holds no control characters, and this one has U+{code:04X} at byte {offset}", code = *character as u32)]
    ControlCharacter {
        /// The first control character of the text.
        character: char,
        /// Where it begins, in bytes from 0.
        offset: usize,
    },
}

/// Room for the text of an id that is kept as a number or a UUID; see [`Id::text`].
#[derive(Clone)]
pub struct IdBuffer {
    hyphenated: [u8; Hyphenated::LENGTH],
    digits: itoa::Buffer,
}

impl IdBuffer {
    /// An empty buffer. It lives on the stack and can be used for any number of ids.
    #[inline]
    pub fn new() -> Self {
        IdBuffer { hyphenated: [0; Hyphenated::LENGTH], digits: itoa::Buffer::new() }
    }
}

impl Default for IdBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for IdBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdBuffer").finish_non_exhaustive()
    }
}

impl Id {
    /// The longest id, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 512;

    /// The id with this text.
    ///
    /// # Errors
    ///
    /// When the text is empty, longer than 512 bytes, or holds a control character ([`char::is_control`]).
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        match compact(text) {
            Some(repr) => Ok(Id(repr)),
            None => check(text).map(|()| Id(Repr::Text(text.into()))),
        }
    }

    /// A new id that no store has seen: a UUIDv7 (RFC 9562), as in semantics 1.2.
    ///
    /// Ids made by one thread are strictly increasing, also while the clock stands still or goes back; across threads and
    /// machines they are in the order of time, as well as the clocks agree. At least 40 bits of each are random and cannot
    /// be guessed from the ids before it. For many at once see [`Generator`].
    ///
    /// ```
    /// use dk_data::id::Id;
    ///
    /// let (first, second) = (Id::generate(), Id::generate());
    /// assert!(first < second);
    /// ```
    #[inline]
    pub fn generate() -> Self {
        Id(Repr::of_uuid(generator::next_of_thread()))
    }

    /// The text of this id, without an allocation: it is borrowed from the id, or written into `buffer`.
    ///
    /// ```
    /// use dk_data::id::{Id, IdBuffer};
    ///
    /// assert_eq!(Id::from(-7_i64).text(&mut IdBuffer::new()), "-7");
    /// ```
    #[inline]
    pub fn text<'a>(&'a self, buffer: &'a mut IdBuffer) -> &'a str {
        match &self.0 {
            Repr::Uuid(high, low) => {
                Uuid::from_u64_pair(*high, *low).as_hyphenated().encode_lower(&mut buffer.hyphenated)
            }
            Repr::Unsigned(number) => buffer.digits.format(*number),
            Repr::Negative(number) => buffer.digits.format(*number),
            Repr::Text(text) => text,
        }
    }

    /// The UUID whose lower-case hyphenated form this id is.
    #[inline]
    pub fn as_uuid(&self) -> Option<Uuid> {
        match self.0 {
            Repr::Uuid(high, low) => Some(Uuid::from_u64_pair(high, low)),
            _ => None,
        }
    }

    /// The bits of the UUID: what to hash instead of the whole where every look-up begins with it.
    #[inline]
    pub(crate) fn uuid_bits(&self) -> Option<u128> {
        match self.0 {
            Repr::Uuid(high, low) => Some(wide(high, low)),
            _ => None,
        }
    }

    /// The integer between [`i64::MIN`] and [`u64::MAX`] whose plain decimal form this id is: no plus, no leading zeros.
    #[inline]
    pub fn as_integer(&self) -> Option<i128> {
        match self.0 {
            Repr::Unsigned(number) => Some(number.into()),
            Repr::Negative(number) => Some(number.into()),
            _ => None,
        }
    }
}

/// The forms that need no heap. Their texts are short and plain, so they are legal ids without another look.
fn compact(text: &str) -> Option<Repr> {
    match text.as_bytes() {
        bytes if bytes.len() == Hyphenated::LENGTH => uuid(bytes),
        [b'-', digits @ ..] if plain(digits) && digits != b"0" => text.parse().ok().map(Repr::Negative),
        digits if plain(digits) => text.parse().ok().map(Repr::Unsigned),
        _ => None,
    }
}

fn uuid(bytes: &[u8]) -> Option<Repr> {
    let canonical = !bytes.iter().any(u8::is_ascii_uppercase);
    // At this length the parser knows no form but the hyphenated one.
    if canonical { Uuid::try_parse_ascii(bytes).ok().map(Repr::of_uuid) } else { None }
}

/// Whether these are the digits of an integer as it is printed, and few enough to be one of 64 bits.
fn plain(digits: &[u8]) -> bool {
    const MAX_DIGITS: usize = 20;
    let leading_zero = digits.len() > 1 && digits[0] == b'0';
    (1..=MAX_DIGITS).contains(&digits.len()) && !leading_zero && digits.iter().all(u8::is_ascii_digit)
}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > Id::MAX_BYTES {
        return Err(InvalidId::TooLong { bytes: text.len() });
    }
    match text.char_indices().find(|(_, character)| character.is_control()) {
        Some((offset, character)) => Err(InvalidId::ControlCharacter { character, offset }),
        None => Ok(()),
    }
}

impl Clone for Repr {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Repr::Uuid(high, low) => Repr::Uuid(*high, *low),
            other => other.clone_other(),
        }
    }
}

impl PartialEq for Repr {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // Without a branch between the words.
            (Repr::Uuid(a, b), Repr::Uuid(c, d)) => (a ^ c) | (b ^ d) == 0,
            _ => self.eq_other(other),
        }
    }
}

impl Repr {
    #[inline]
    fn of_uuid(uuid: Uuid) -> Repr {
        let (high, low) = uuid.as_u64_pair();
        Repr::Uuid(high, low)
    }
}

fn wide(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// What is no UUID.
impl Repr {
    #[inline(never)]
    fn clone_other(&self) -> Self {
        match self {
            // Never come to; it is the caller's own branch.
            Repr::Uuid(high, low) => Repr::Uuid(*high, *low),
            Repr::Unsigned(number) => Repr::Unsigned(*number),
            Repr::Negative(number) => Repr::Negative(*number),
            Repr::Text(text) => Repr::Text(text.clone()),
        }
    }

    #[inline(never)]
    fn eq_other(&self, other: &Self) -> bool {
        match (self, other) {
            (Repr::Unsigned(a), Repr::Unsigned(b)) => a == b,
            (Repr::Negative(a), Repr::Negative(b)) => a == b,
            (Repr::Text(a), Repr::Text(b)) => a == b,
            _ => false,
        }
    }

    #[inline(never)]
    fn hash_other<H: hash::Hasher>(&self, state: &mut H) {
        match self {
            // Never come to, either.
            Repr::Uuid(high, low) => state.write_u128(wide(*high, *low)),
            Repr::Unsigned(number) => state.write_u64(*number),
            Repr::Negative(number) => state.write_i64(*number),
            Repr::Text(text) => hash::Hash::hash(text, state),
        }
    }
}

impl Ord for Id {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            // Hexadecimal digits sort like the bytes they stand for, and the hyphens are in the same places.
            (Repr::Uuid(a, b), Repr::Uuid(c, d)) => (a, b).cmp(&(c, d)),
            (Repr::Text(a), Repr::Text(b)) => a.cmp(b),
            _ => self.text(&mut IdBuffer::new()).cmp(other.text(&mut IdBuffer::new())),
        }
    }
}

impl PartialOrd for Id {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl hash::Hash for Id {
    #[inline]
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Uuid(high, low) => state.write_u128(wide(*high, *low)),
            other => other.hash_other(state),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text(&mut IdBuffer::new()))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(&mut IdBuffer::new()), f)
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, text: &str) -> bool {
        self.text(&mut IdBuffer::new()) == text
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl FromStr for Id {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Id::new(text)
    }
}

impl TryFrom<&str> for Id {
    type Error = InvalidId;
    fn try_from(text: &str) -> Result<Self, InvalidId> {
        Id::new(text)
    }
}

impl TryFrom<String> for Id {
    type Error = InvalidId;
    /// Like [`Id::new`], but keeps the text where it is.
    fn try_from(text: String) -> Result<Self, InvalidId> {
        match compact(&text) {
            Some(repr) => Ok(Id(repr)),
            None => check(&text).map(|()| Id(Repr::Text(text.into_boxed_str()))),
        }
    }
}

impl From<Uuid> for Id {
    #[inline]
    fn from(uuid: Uuid) -> Self {
        Id(Repr::of_uuid(uuid))
    }
}

macro_rules! from_integers {
    ($($unsigned:ty, $signed:ty);*) => {$(
        impl From<$unsigned> for Id {
            #[inline]
            fn from(number: $unsigned) -> Self {
                Id(Repr::Unsigned(number.into()))
            }
        }
        impl From<$signed> for Id {
            #[inline]
            fn from(number: $signed) -> Self {
                let number = i64::from(number);
                Id(u64::try_from(number).map_or(Repr::Negative(number), Repr::Unsigned))
            }
        }
    )*};
}
from_integers!(u8, i8; u16, i16; u32, i32; u64, i64);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(&mut IdBuffer::new()))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl de::Visitor<'_> for TextVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id: text of 1 to {} bytes without control characters", Id::MAX_BYTES)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
        Id::new(text).map_err(E::custom)
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Id, E> {
        Id::try_from(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    #[test]
    fn an_id_takes_at_most_24_bytes() {
        assert_eq!(size_of::<Id>(), 24);
    }

    #[test]
    fn any_legal_text_comes_back_as_it_was() {
        for text in [
            "a",
            " ",
            "..",
            "/",
            "%",
            "'\"\\",
            "ñ",
            "日本",
            "0",
            "-0",
            "00",
            "+1",
            "-1",
            "1.0",
            "1e3",
            "--1",
            "-",
            "-01",
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "123456789012345678901",
            "１２",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce_b302099a8057",
            "0189-0a5dac96-774b-bcce-b302099a8057",
            "g1890a5d-ac96-774b-bcce-b302099a8057",
            "\u{2028}",
            "\u{feff}",
        ] {
            assert_eq!(id(text).to_string(), text);
            assert_eq!(id(text), Id::try_from(text.to_owned()).unwrap());
            assert_eq!(id(text), *text);
        }
    }

    #[test]
    fn only_canonical_forms_are_kept_without_the_heap() {
        let on_heap = |text: &str| matches!(id(text).0, Repr::Text(_));
        for text in ["0", "7", "-7", "18446744073709551615", "-9223372036854775808", &Uuid::nil().to_string()] {
            assert!(!on_heap(text), "{text}");
        }
        for text in ["-0", "07", "+7", "7.0", "18446744073709551616", "-9223372036854775809"] {
            assert!(on_heap(text), "{text}");
        }
        assert!(on_heap("01890A5D-AC96-774B-BCCE-B302099A8057"));
    }

    /// semantics 1.1
    #[test]
    fn what_is_no_id_is_refused_with_the_reason() {
        assert_eq!(Id::new(""), Err(InvalidId::Empty));
        assert_eq!(Id::new(&"x".repeat(513)), Err(InvalidId::TooLong { bytes: 513 }));
        assert_eq!(Id::new(&"é".repeat(257)), Err(InvalidId::TooLong { bytes: 514 }));
        assert!(Id::new(&"x".repeat(512)).is_ok());
        let refused = Id::new("añ\u{85}b").unwrap_err();
        assert_eq!(refused, InvalidId::ControlCharacter { character: '\u{85}', offset: 3 });
        assert_eq!(refused.to_string(), "an id holds no control characters, and this one has U+0085 at byte 3");
        for control in ["\0", "\n", "a\u{7f}", "\u{1b}[0m", "\t1"] {
            assert!(Id::new(control).is_err());
            assert!(Id::try_from(control.to_owned()).is_err());
        }
    }

    #[test]
    fn numbers_and_uuids_equal_their_texts() {
        assert_eq!(Id::from(0_i8), id("0"));
        assert_eq!(Id::from(u64::MAX), id("18446744073709551615"));
        assert_eq!(Id::from(i64::MIN), id("-9223372036854775808"));
        assert_eq!(Id::from(5_u8), Id::from(5_i64));
        assert_eq!(id("-5").as_integer(), Some(-5));
        let uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
        assert_eq!(Id::from(uuid), id(&uuid.to_string()));
        assert_eq!(id(&uuid.to_string()).as_uuid(), Some(uuid));
        assert_eq!(id(&uuid.simple().to_string()).as_uuid(), None);
    }

    #[test]
    fn serde_sees_a_string_and_checks_it() {
        let ids = vec![id("7"), id("a/b"), id(&Uuid::nil().to_string())];
        let json = serde_json::to_string(&ids).unwrap();
        assert_eq!(json, r#"["7","a/b","00000000-0000-0000-0000-000000000000"]"#);
        assert_eq!(serde_json::from_str::<Vec<Id>>(&json).unwrap(), ids);
        assert!(serde_json::from_str::<Id>("7").is_err());
        assert!(serde_json::from_str::<Id>(r#""\u0000""#).is_err());
    }

    #[test]
    fn debug_and_padding_show_the_text() {
        assert_eq!(format!("{:?} {:>4}|{:<4}|", id("a\"b"), id("12"), id("ab")), r#""a\"b"   12|ab  |"#);
    }

    /// Texts of every form, and texts that nearly are.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            any::<u64>().prop_map(|n| n.to_string()),
            any::<u128>().prop_map(|n| Uuid::from_u128(n).to_string()),
            "-?[0-9]{1,21}",
            "[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "[0-9a-f-]{36}",
            "\\PC{1,40}",
        ]
    }

    proptest! {
        #[test]
        fn equality_order_and_hash_are_those_of_the_text(a in texts(), b in texts()) {
            let (x, y) = (id(&a), id(&b));
            prop_assert_eq!(x.to_string(), &*a);
            prop_assert_eq!(x == y, a == b);
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            let hash = RandomState::new();
            prop_assert_eq!(hash.hash_one(&x), hash.hash_one(id(&a)));
        }
    }
}
