use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(json, id)]
    tags: Vec<String>,
}

fn main() {}
