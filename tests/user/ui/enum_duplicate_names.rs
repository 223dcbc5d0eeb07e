use dk_data::TextEnum;

#[derive(TextEnum, Clone, Debug)]
enum Kind {
    Small,
    #[record(rename = "Small")]
    Little,
}

fn main() {}
