//! The words that may stand in `#[record(..)]`, and the nearest of them to a misspelt one.

/// On a struct.
pub const STRUCT: &[&str] = &["name", "rename_all", "handles", "query", "of"];
/// On a field.
pub const FIELD: &[&str] =
    &["id", "rename", "skip", "default", "index", "unique", "json", "large", "decimal", "text", "alias", "handle"];
/// On an enum.
pub const ENUM: &[&str] = &["rename_all"];
/// On a variant.
pub const VARIANT: &[&str] = &["rename", "alias"];

/// What `wrong` was meant to be, where something is near enough, as the end of a sentence; else all that there is.
pub fn hint(wrong: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|word| (distance(wrong, word), word)).min();
    match nearest {
        Some((edits, word)) if edits <= 2.max(word.len() / 3) => format!("did you mean `{word}`?"),
        _ => format!("expected one of `{}`", known.join("`, `")),
    }
}

/// The edits that lead from one word to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_named() {
        assert_eq!(hint("uniqe", FIELD), "did you mean `unique`?");
        assert_eq!(hint("renam", FIELD), "did you mean `rename`?");
        assert_eq!(hint("primary_key", ENUM), "expected one of `rename_all`");
    }
}
