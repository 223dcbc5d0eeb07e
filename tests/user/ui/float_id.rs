use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(id)]
    id: f64,
}

fn main() {}
