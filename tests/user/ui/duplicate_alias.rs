use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    first: String,
    #[record(alias = "first")]
    name: String,
}

fn main() {}
