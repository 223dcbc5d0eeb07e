use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(rename = "name")]
    first: String,
    name: String,
}

fn main() {}
