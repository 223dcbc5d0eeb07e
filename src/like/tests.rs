//! What `like` and `ilike` promise (semantics 3.6).

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn like(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern, CaseFold::No).unwrap().matches(text)
}

fn ilike(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern, CaseFold::Ascii).unwrap().matches(text)
}

/// semantics 3.6
#[test]
fn like_means_what_the_table_says() {
    for (pattern, matching, others) in [
        ("", &[""][..], &["a", "%"][..]),
        ("%", &["", "a", "a\r\nb", "日本"], &[]),
        ("%%", &["", "a"], &[]),
        ("_", &["a", "é", "😀", "\n", "%"], &["", "ab", "e\u{301}"]),
        ("__", &["ab", "é😀"], &["é", "abc"]),
        ("%_", &["a", "ab", "é"], &[""]),
        ("_%_%_", &["abc", "aéc", "abcd"], &["", "ab", "é"]),
        ("abc", &["abc"], &["ABC", "ab", "abcd", " abc", "abc "]),
        ("a.b", &["a.b"], &["axb"]),
        ("[a-c]*", &["[a-c]*"], &["b", "aaa"]),
        ("A%", &["A", "Anna", "A\nb"], &["a", "BA", ""]),
        ("%sen", &["sen", "Hansen", "sensen"], &["Senate", "sen "]),
        ("%sen%", &["sen", "xsenx", "sesen"], &["sne", "SEN"]),
        ("a%a", &["aa", "aba", "aaa"], &["a", "ab"]),
        ("ab%ba", &["abba", "abXba"], &["aba"]),
        ("%ab%ab%", &["abab", "xabxabx"], &["ab", "aab"]),
        ("%ab%ba", &["abba", "xabxba"], &["aba"]),
        ("%a_c%", &["abc", "xaécx", "aabc", "aac"], &["ac", "abbc", "aé"]),
        ("%_a_%", &["xax", "aaa", "日a本", "xxaa"], &["a", "ax", "xa", "é"]),
        ("%a_b_%c", &["a1b2c", "xa1b2yyc"], &["a1bc", "ab2c"]),
        ("_é_", &["aéb", "éé😀"], &["éa", "aéb\n"]),
        ("é%é", &["éé", "éxé"], &["é"]),
        (r"\%", &["%"], &["", "a", r"\%"]),
        (r"100\%%", &["100%", "100% of it"], &["100", "1000"]),
        (r"a\_b", &["a_b"], &["axb"]),
        (r"\x\\\é", &[r"x\é"], &["xé"]),
        (r"%\\", &[r"c\", r"\"], &["c"]),
        (r"%\__", &["_a", "x_a"], &["_", "ab"]),
    ] {
        matching.iter().for_each(|text| assert!(like(pattern, text), "{pattern:?} should match {text:?}"));
        others.iter().for_each(|text| assert!(!like(pattern, text), "{pattern:?} should not match {text:?}"));
    }
}

/// semantics 3.6
#[test]
fn ilike_folds_ascii_letters_on_both_sides_and_no_others() {
    for (pattern, text) in [
        ("aBc", "AbC"),
        ("AB%", "abé"),
        ("%Bé", "xbé"),
        ("%jOsÉ%", "x JoSÉ"),
        ("%a_Z%", "XAéz"),
        ("1%2", "1-2"),
        ("%k%", "K"),
        ("%[a]%", "[A]"),
        ("%@EXAMPLE.org", "Ann@example.ORG"),
    ] {
        assert!(ilike(pattern, text), "{pattern:?} should match {text:?}");
    }
    // É and é, the Kelvin sign and k, @ and `, [ and {: one letter case apart by Unicode or by bit, but not in ASCII.
    for (pattern, text) in
        [("É", "é"), ("%é%", "É"), ("K", "\u{212a}"), ("@", "`"), ("%[%", "{"), ("%ſ%", "s"), ("ı", "I")]
    {
        assert!(!ilike(pattern, text), "{pattern:?} should not match {text:?}");
    }
}

/// semantics 3.6
#[test]
fn a_lone_escape_at_the_end_is_an_error_with_its_column() {
    for (pattern, column) in [(r"\", 1), (r"é%\", 3), (r"a\\\", 4)] {
        assert_eq!(Pattern::new(pattern, CaseFold::No).unwrap_err().column, column);
    }
    let error = Pattern::new(r"ab\", CaseFold::Ascii).unwrap_err();
    let message = r"the `\` at the end escapes nothing: write `\\` for the character itself (column 3 of the pattern)";
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_pattern_has_a_longest_length() {
    assert!(Pattern::new(&r"\%".repeat(32_768), CaseFold::No).unwrap().matches(&"%".repeat(32_768)));
    let error = Pattern::new(&"é".repeat(32_769), CaseFold::No).unwrap_err();
    assert_eq!(error.column, 32_769);
    assert!(error.to_string().contains("65538"));
}

#[test]
fn common_patterns_take_the_short_way() {
    let shape = |pattern: &str| Pattern::new(pattern, CaseFold::No).unwrap().shape;
    assert!(matches!(shape("abc"), Shape::Exact(_)));
    assert!(matches!(shape(""), Shape::Exact(_)));
    assert!(matches!(shape("abc%"), Shape::Prefix(_)));
    assert!(matches!(shape("%%"), Shape::Prefix(_)));
    assert!(matches!(shape("%abc"), Shape::Suffix(_)));
    assert!(matches!(shape("%%abc%%"), Shape::Contains(_)));
    assert!(matches!(shape("a_c"), Shape::Closed(_)));
    assert!(matches!(shape("%_abc%"), Shape::Open(_)));
}

#[test]
fn everything_that_matches_begins_with_the_literal_prefix() {
    let prefix = |pattern: &str, fold| Pattern::new(pattern, fold).unwrap().literal_prefix().to_owned();
    assert_eq!(prefix(r"a\%b\\_c%", CaseFold::No), r"a%b\");
    assert_eq!(prefix("%a", CaseFold::No), "");
    assert_eq!(prefix("née", CaseFold::No), "née");
    assert_eq!(prefix("1é-née%", CaseFold::Ascii), "1é-");
}

#[test]
fn patterns_are_equal_when_written_and_folded_alike() {
    let pattern = |source: &str, fold| Pattern::new(source, fold).unwrap();
    assert_eq!(pattern("a%", CaseFold::No), pattern("a%", CaseFold::No).clone());
    assert_ne!(pattern("a%", CaseFold::No), pattern("a%", CaseFold::Ascii));
    assert_ne!(pattern("a%", CaseFold::No), pattern("a%%", CaseFold::No));
    assert_eq!(pattern(r"\a_", CaseFold::Ascii).source(), r"\a_");
    assert_eq!(pattern("a", CaseFold::Ascii).fold(), CaseFold::Ascii);
}

#[test]
fn a_pattern_can_be_shared_by_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Pattern>();
}

/// The definition, character by character, in exponential time.
fn naive(pattern: &[char], text: &[char], fold: bool) -> bool {
    let same = |a: char, b: char| a == b || fold && a.eq_ignore_ascii_case(&b);
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['%', rest @ ..], _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..], fold)),
        (['_', rest @ ..], [_, after @ ..]) => naive(rest, after, fold),
        (['\\', literal, rest @ ..], [first, after @ ..]) => same(*literal, *first) && naive(rest, after, fold),
        ([literal, rest @ ..], [first, after @ ..]) => same(*literal, *first) && naive(rest, after, fold),
        _ => false,
    }
}

fn agrees(pattern: &str, text: &str) -> Result<(), TestCaseError> {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    prop_assert_eq!(like(pattern, text), naive(&p, &t, false), "{:?} like {:?}", text, pattern);
    prop_assert_eq!(ilike(pattern, text), naive(&p, &t, true), "{:?} ilike {:?}", text, pattern);
    Ok(())
}

/// Finds by the definition what the automaton should find: the end of the leftmost occurrence.
fn naive_after_first<'t>(piece: &str, text: &'t str, fold: CaseFold) -> Option<&'t [u8]> {
    let pattern: Vec<char> = piece.chars().collect();
    let ends = |start: usize| text[start..].char_indices().map(move |(at, one)| start + at + one.len_utf8());
    let matches = |start: usize, end: usize| {
        naive(&pattern, &text[start..end].chars().collect::<Vec<_>>(), fold == CaseFold::Ascii)
    };
    let starts = text.char_indices().map(|(start, _)| start);
    starts
        .flat_map(|start| ends(start).map(move |end| (start, end)))
        .find(|(s, e)| matches(*s, *e))
        .map(|(_, end)| &text.as_bytes()[end..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// semantics 3.6
    #[test]
    fn matching_is_the_definition(pattern in r"([ab%_]|é|日|\\[%_a\\]|B){0,8}", text in r"[abB%_é日\\]{0,10}") {
        agrees(&pattern, &text)?;
    }

    /// semantics 3.6
    #[test]
    fn matching_is_the_definition_for_texts_made_to_match(
        parts in prop::collection::vec(("[aAb_é]{0,3}", "[aAbBé日%\n]{0,3}"), 0..5), head in any::<bool>(), tail in any::<bool>(),
    ) {
        let pattern: String = parts.iter().enumerate()
            .map(|(i, (piece, _))| if i > 0 || head { format!("%{piece}") } else { piece.clone() })
            .chain(tail.then(|| "%".to_owned())).collect();
        let text: String = parts.iter().map(|(piece, filler)| filler.clone() + &piece.replace('_', "日").to_uppercase()).collect();
        agrees(&pattern, &text)?;
        agrees(&pattern, &text.to_lowercase())?;
    }

    #[test]
    fn the_automaton_finds_the_first_occurrence(piece in "[aéB][aéb_B]{0,4}[aéb]", text in "[abBé日]{0,24}", fold in any::<bool>()) {
        let fold = if fold { CaseFold::Ascii } else { CaseFold::No };
        let tokens = parse::tokens(&piece).unwrap();
        let expected = naive_after_first(&piece, &text, fold);
        prop_assert_eq!(states::States::new(&tokens, fold).after_first(text.as_bytes()), expected);
        prop_assert_eq!(Search::new(&tokens, fold).after_first(text.as_bytes()), expected);
    }

    #[test]
    fn long_pieces_are_found_across_the_words_of_the_automaton(
        piece in "a[aé_]{60,150}b", before in "[aé]{0,200}", after in "[ab]{0,20}", fold in any::<bool>(),
    ) {
        let fold = if fold { CaseFold::Ascii } else { CaseFold::No };
        let pattern = Pattern::new(&format!("%{piece}%"), fold).unwrap();
        let text = format!("{before}{}{after}", piece.replace('_', "日"));
        prop_assert!(pattern.matches(&text));
        prop_assert!(!pattern.matches(&text.replace('b', "é")));
    }
}

#[test]
fn many_false_starts_do_not_hide_the_first_occurrence() {
    let piece = format!("{}_b", "a".repeat(100));
    let text = format!("{}{}éb and {}éb", "a".repeat(50), "ab".repeat(2000), "a".repeat(200));
    for (text, rest) in [(text.as_str(), ""), (&text.replace("ab", "aa"), &text[text.find(" and").unwrap()..])] {
        for fold in [CaseFold::No, CaseFold::Ascii] {
            let search = Search::new(&parse::tokens(&piece).unwrap(), fold);
            assert_eq!(search.after_first(text.as_bytes()), Some(rest.as_bytes()));
        }
    }
}

/// The bound is far above what is needed, also without optimisation, and far below what a quadratic matcher takes.
fn within_a_moment(pattern: &str, text: &str, expected: bool) {
    let start = Instant::now();
    for fold in [CaseFold::No, CaseFold::Ascii] {
        assert_eq!(Pattern::new(pattern, fold).unwrap().matches(text), expected);
    }
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_secs(60), "{:.40}… took {elapsed:?}", pattern);
}

/// semantics 3.6, 7.4
#[test]
fn hostile_patterns_do_not_hang() {
    let mebibyte = "a".repeat(1 << 20);
    within_a_moment(&"%a".repeat(10_000), &mebibyte, true);
    within_a_moment(&format!("{}b", "%a".repeat(10_000)), &mebibyte, false);
    within_a_moment(&format!("{}%b%", "%a".repeat(10_000)), &mebibyte, false);
    within_a_moment(&format!("{}%b%", "%a_".repeat(10_000)), &mebibyte, false);
    within_a_moment(&format!("{}%b%", "%_".repeat(10_000)), &mebibyte, false);
    within_a_moment(&format!("%{}%", "_".repeat(60_000)), &mebibyte, true);
    within_a_moment(&format!("%{}b%", "a".repeat(10_000)), &mebibyte, false);
    within_a_moment(&format!("%b{}%", "a".repeat(10_000)), &mebibyte, false);
    within_a_moment(&format!("%{}b%", "a_".repeat(1_000)), &mebibyte, false);
    within_a_moment(&format!("%a{}b%", "_".repeat(1_000)), &mebibyte, false);
    within_a_moment(&format!("{}%", "%aaaaaaa_aaaaaaab".repeat(1_000)), &mebibyte, false);
    within_a_moment(&format!("{}%b", "%aaaaaaaa_aaaaaaaa_a".repeat(1_000)), &mebibyte, false);
    within_a_moment(&format!("%{}b%", "é_".repeat(1_000)), &"é".repeat(1 << 19), false);
    within_a_moment(&format!("%{}a%", "ab".repeat(5_000)), &"ab".repeat(1 << 18).replace("abab", "abaab"), false);
}
