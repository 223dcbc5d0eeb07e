//! What the compiler says after a mistake: one message, at the token that is wrong, that says what to write instead.
//!
//! A changed message is reviewed, then taken over with `TRYBUILD=overwrite`.

#[test]
fn every_mistake_has_a_message_that_says_what_to_write() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

/// Files that hold two mistakes, to see that both are told and nothing beside them.
const OF_TWO: [&str; 1] = ["no_cascade"];

#[test]
fn every_mistake_has_one_message() {
    let files =
        std::fs::read_dir("ui").expect("the folder is there").map(|file| file.expect("it can be listed").path());
    let messages: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "stderr")).collect();
    assert!(messages.len() >= 60);
    for path in messages {
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).expect("it is text");
        let count = text.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(count, if OF_TWO.contains(&name.as_str()) { 2 } else { 1 }, "{name}:\n{text}");
    }
}
