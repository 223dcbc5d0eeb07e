use dk_data::TextEnum;

#[derive(TextEnum, Clone, Debug)]
enum Kind {
    Small,
    Other(String),
}

fn main() {}
