use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(large, index)]
    body: String,
}

fn main() {}
