use dk_data::TextEnum;

#[derive(TextEnum, Clone, Debug)]
enum Kind {
    #[record(alais = "tiny")]
    Small,
}

fn main() {}
