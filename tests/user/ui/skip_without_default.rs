use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(skip)]
    since: std::time::Instant,
}

fn main() {}
