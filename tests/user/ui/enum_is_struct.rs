use dk_data::TextEnum;

#[derive(TextEnum, Clone, Debug)]
struct Kind {
    small: bool,
}

fn main() {}
