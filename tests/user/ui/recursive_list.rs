use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    children: Vec<Self>,
}

fn main() {}
