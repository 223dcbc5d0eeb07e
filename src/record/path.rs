//! How a field is addressed: a list of segments, written `address.city`, with quotes where a segment holds a dot.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// The segments that lead to a field (semantics 3.9). Never a string joined with dots.
///
/// The text form quotes a segment that is empty or holds anything but letters, digits, `_` and `-`: `"a.b".c`. Inside
/// quotes `\` escapes the next character.
///
/// ```
/// use dk_data::Path;
/// let path: Path = r#"home."post.code""#.parse()?;
/// assert_eq!(path.segments(), ["home", "post.code"]);
/// assert_eq!(path.to_string(), r#"home."post.code""#);
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Cow<'static, str>>);

/// A path has at most this many segments.
pub const MAX_SEGMENTS: usize = 32;

impl Path {
    /// A path of one segment, which may hold any character.
    pub fn field(name: impl Into<Cow<'static, str>>) -> Path {
        Path(vec![name.into()])
    }
    /// One segment deeper.
    #[must_use]
    pub fn then(mut self, name: impl Into<Cow<'static, str>>) -> Path {
        self.0.push(name.into());
        self
    }
    /// This path under a field of an outer record.
    #[must_use]
    pub fn under(mut self, parent: impl Into<Cow<'static, str>>) -> Path {
        self.0.insert(0, parent.into());
        self
    }
    /// The segments, outermost first; never empty.
    pub fn segments(&self) -> &[Cow<'static, str>] {
        &self.0
    }
    /// The outermost segment.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", |s| s)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write_segment(f, segment)?;
        }
        Ok(())
    }
}

/// Whether a character stands in a path segment without quotes.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn write_segment(f: &mut fmt::Formatter<'_>, segment: &str) -> fmt::Result {
    if !segment.is_empty() && segment.chars().all(is_plain) {
        return f.write_str(segment);
    }
    f.write_str("\"")?;
    for c in segment.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

impl FromStr for Path {
    type Err = Error;

    /// # Errors
    /// `Query`, with the column, for an empty segment, an open quote or more than [`MAX_SEGMENTS`] segments.
    fn from_str(text: &str) -> Result<Path> {
        let mut rest = text;
        let mut segments = Vec::new();
        loop {
            let (segment, after) = take_segment(rest).map_err(|why| bad_path(text, rest, why))?;
            segments.push(Cow::Owned(segment));
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => break,
                None => return Err(bad_path(text, after, "expected a dot")),
            }
        }
        if segments.len() > MAX_SEGMENTS { Err(bad_path(text, "", "too many segments")) } else { Ok(Path(segments)) }
    }
}

fn bad_path(text: &str, rest: &str, why: &'static str) -> Error {
    let column = text[..text.len() - rest.len()].chars().count() as u64 + 1;
    Error::query(format!("not a field path: {why}; write `address.city`, or `\"a.b\".c` where a name holds a dot"))
        .with_value(text)
        .at_column(column)
}

/// One segment and what follows it.
pub(crate) fn take_segment(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
        return if end == 0 { Err("an empty segment") } else { Ok((text[..end].to_owned(), &text[end..])) };
    };
    let mut segment = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((segment, &quoted[i + 1..])),
            '\\' => segment.push(chars.next().ok_or("an open quote")?.1),
            c => segment.push(c),
        }
    }
    Err("an open quote")
}

impl From<&'static str> for Path {
    /// One segment, taken as it is: `Path::from("a.b")` names the field `a.b`.
    fn from(name: &'static str) -> Path {
        Path::field(name)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_segment_survives_its_text_form() {
        for segments in [vec!["a"], vec!["a.b", "c"], vec!["", "\"", "\\", "a b"], vec!["Größe", "x-y_z"]] {
            let path = Path(segments.into_iter().map(Cow::Borrowed).collect());
            assert_eq!(path.to_string().parse::<Path>().ok(), Some(path));
        }
    }

    #[test]
    fn a_bad_path_names_its_column() {
        for (text, column) in [("", 1), ("a.", 3), ("a b", 2), ("\"a", 1), (".a", 1)] {
            assert_eq!(text.parse::<Path>().err().and_then(|e| e.place().column), Some(column), "{text}");
        }
    }
}
