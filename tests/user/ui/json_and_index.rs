use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(json, index)]
    tags: Vec<String>,
}

fn main() {}
