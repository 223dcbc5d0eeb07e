use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(large, unique)]
    body: String,
}

fn main() {}
