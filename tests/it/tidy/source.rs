//! A source file as the tidy rules see it: its text, and its code with everything blanked that is not code.
//!
//! This is a scanner, not a parser: it knows comments, literals, braces and words, which is enough for rules about words.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file of the tree.
pub struct Source {
    /// The path from the root of the repository, with `/` between its parts.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// The file with comments and the insides of literals replaced by spaces; line breaks stay where they were.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), code: blank_literals(text) }
    }

    /// All files under `folder`, in the order of their paths.
    pub fn tree(folder: &str) -> Vec<Source> {
        let mut paths = Vec::new();
        collect(&root().join(folder), &mut paths);
        paths.sort();
        paths.iter().map(|path| Source::read(path)).collect()
    }

    fn read(path: &Path) -> Source {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let inside = path.strip_prefix(root()).unwrap().to_str().unwrap();
        Source::new(&inside.replace('\\', "/"), &text)
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The code without its `#[cfg(test)] mod … { … }` blocks.
    pub fn product_code(&self) -> String {
        let mut code = self.code.clone();
        while let Some(start) = code.find("#[cfg(test)]\n") {
            let end = block_end(&code, start).unwrap_or(code.len());
            let blank = blanked(&code[start..end]);
            code.replace_range(start..end, &blank);
        }
        code
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The numbers of the lines of `code` on which `word` stands as a word of its own, once for each time.
pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
    code.match_indices(word).filter(|(at, _)| is_whole(code, *at, word)).map(|(at, _)| line_of(code, at)).collect()
}

/// The number of the line, from 1, in which the byte `at` stands.
pub fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Where the item that begins at `start` ends: after the brace that closes its first block, or after its `;`.
///
/// A `;` inside brackets or parentheses (`[u8; 16]`) does not end an item.
pub fn block_end(code: &str, start: usize) -> Option<usize> {
    let mut braces = 0_usize;
    let mut brackets = 0_usize;
    for (at, c) in code[start..].char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return Some(start + at + 1),
            '{' => braces += 1,
            '}' if braces <= 1 => return Some(start + at + 1),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
    } else if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
    }
}

fn is_whole(code: &str, at: usize, word: &str) -> bool {
    let before = code[..at].chars().next_back();
    let after = code[at + word.len()..].chars().next();
    let joins =
        |inside: Option<char>, outside: Option<char>| inside.is_some_and(is_word) && outside.is_some_and(is_word);
    !joins(word.chars().next(), before) && !joins(word.chars().next_back(), after)
}

fn blanked(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

fn blank_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let before = if at == 0 { ' ' } else { chars[at - 1] };
        let length = literal_length(&chars[at..], before);
        if length == 0 {
            code.push(chars[at]);
            at += 1;
        } else {
            let end = chars.len().min(at + length);
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// How many characters at the beginning of `rest` are a comment or a literal.
fn literal_length(rest: &[char], before: char) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().take_while(|&&c| c != '\n').count(),
        ['/', '*', ..] => block_comment_length(rest),
        ['"', ..] => quoted_length(rest, '"'),
        ['r', '"' | '#', ..] if !is_word(before) => raw_length(rest),
        ['b' | 'c', 'r', '"' | '#', ..] if !is_word(before) => 1 + raw_length(&rest[1..]),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted_length(rest, '\''),
        _ => 0,
    }
}

/// Block comments nest.
fn block_comment_length(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// A raw string; nothing where `r#` begins a raw identifier.
fn raw_length(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let open = 2 + hashes;
    let closes = |at: usize| rest[at] == '"' && rest[at + 1..].iter().take_while(|&&c| c == '#').count() >= hashes;
    let close = (open..rest.len()).find(|&at| closes(at)).unwrap_or(rest.len());
    close + 1 + hashes
}

#[test]
fn comments_and_literals_are_not_code() {
    let text = "a /* b /* c */ d */ \"e \\\" f\" r#\"g \" h\"# br\"i\" 'j' '\\'' b'k' // l\nm";
    let words: Vec<char> = blank_literals(text).chars().filter(|c| c.is_alphabetic()).collect();
    assert_eq!(words, ['a', 'b', 'm'], "the prefix of a byte literal stays, it is harmless");
    assert_eq!(blank_literals(text).lines().count(), text.lines().count());
}

#[test]
fn lifetimes_and_raw_identifiers_are_code() {
    let text = "fn f<'a>(r#type: &'a str, x: &'static str)";
    assert_eq!(blank_literals(text), text);
}

#[test]
fn words_are_found_whole() {
    assert_eq!(lines_with("undyn\ndyn A\nBox<dyn B>\ndynamic", "dyn"), [2, 3]);
}

#[test]
fn test_modules_are_not_product_code() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c() }\n}\nfn d() {}\n";
    let product = Source::new("src/x.rs", text).product_code();
    assert_eq!(product.split_whitespace().collect::<String>(), "fna(){}fnd(){}");
}
