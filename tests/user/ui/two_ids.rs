use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(id)]
    id: u64,
    #[record(id)]
    email: String,
}

fn main() {}
