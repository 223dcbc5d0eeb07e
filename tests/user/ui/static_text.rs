use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    name: &'static str,
}

fn main() {}
