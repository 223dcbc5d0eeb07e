use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(text = "english")]
    age: u8,
}

fn main() {}
