use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(json, large)]
    tags: Vec<String>,
}

fn main() {}
