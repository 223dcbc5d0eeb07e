use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(unique)]
    tags: Vec<String>,
}

fn main() {}
