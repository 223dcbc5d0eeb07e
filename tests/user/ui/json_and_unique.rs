use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(json, unique)]
    tags: Vec<String>,
}

fn main() {}
