use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    timeout: std::time::Duration,
}

fn main() {}
