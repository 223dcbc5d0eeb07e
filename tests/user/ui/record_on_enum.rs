use dk_data::Record;

#[derive(Record, Clone)]
enum Person {
    Ann,
}

fn main() {}
