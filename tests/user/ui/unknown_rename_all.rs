use dk_data::Record;

#[derive(Record, Clone)]
#[record(rename_all = "camelcase")]
struct Person {
    age: u8,
}

fn main() {}
