use dk_data::TextEnum;

#[derive(TextEnum, Clone, Debug)]
enum Kind {}

fn main() {}
