use dk_data::Record;

#[derive(Record, Clone, Copy)]
union Person {
    age: u8,
}

fn main() {}
