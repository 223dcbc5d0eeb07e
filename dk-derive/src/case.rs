//! Spellings of names: what `rename_all` makes of a field or a variant, and what a handle is called.

/// The spellings that `rename_all` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Camel,
    Snake,
    Pascal,
    Kebab,
    ScreamingSnake,
    Lower,
    Upper,
}

/// What `rename_all` may say.
pub const CASES: &[&str] =
    &["camelCase", "snake_case", "PascalCase", "kebab-case", "SCREAMING_SNAKE_CASE", "lowercase", "UPPERCASE"];

impl Case {
    /// The case that is spelt like its own name.
    pub fn named(name: &str) -> Option<Case> {
        use Case::*;
        let all = [Camel, Snake, Pascal, Kebab, ScreamingSnake, Lower, Upper];
        CASES.iter().position(|known| *known == name).map(|place| all[place])
    }

    /// The name in this case.
    pub fn apply(self, name: &str) -> String {
        let words = words(name);
        match self {
            Case::Camel => decapitalized(&words.iter().map(|word| capitalized(word)).collect::<String>()),
            Case::Pascal => words.iter().map(|word| capitalized(word)).collect(),
            Case::Snake => words.join("_"),
            Case::Kebab => words.join("-"),
            Case::ScreamingSnake => words.join("_").to_uppercase(),
            Case::Lower => name.to_lowercase(),
            Case::Upper => name.to_uppercase(),
        }
    }
}

/// The words of a name in lower case: they end at underscores, and before a capital that follows a small letter or a
/// digit (`userId`), or that begins a word after capitals (`HTTPServer`).
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let begins = c.is_uppercase() && at > 0 && {
            let next_is_small = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
            !chars[at - 1].is_uppercase() || next_is_small
        };
        if c == '_' || begins {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn decapitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// What the handle of a field is called: the field's name in capitals, its underscores kept.
pub fn handle(field: &str) -> String {
    let mut name = String::new();
    let mut small_before = false;
    for c in field.chars() {
        if c.is_uppercase() && small_before {
            name.push('_');
        }
        small_before = c.is_lowercase() || c.is_numeric();
        name.extend(c.to_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_spells_its_own_way() {
        let spelt: Vec<String> =
            CASES.iter().filter_map(|case| Case::named(case)).map(|case| case.apply("home_city")).collect();
        assert_eq!(spelt, ["homeCity", "home_city", "HomeCity", "home-city", "HOME_CITY", "home_city", "HOME_CITY"]);
    }

    #[test]
    fn words_are_found_in_names_of_types() {
        let snake = |name: &str| Case::Snake.apply(name);
        assert_eq!(snake("HomeAddress"), "home_address");
        assert_eq!(snake("HTTPServer"), "http_server");
        assert_eq!(snake("V2Point"), "v2_point");
        assert_eq!(Case::Camel.apply("InProgress"), "inProgress");
    }

    #[test]
    fn a_handle_is_the_name_in_capitals() {
        assert_eq!([handle("created_at"), handle("self_"), handle("userId")], ["CREATED_AT", "SELF_", "USER_ID"]);
    }
}
