use dk_data::Record;

#[derive(Record, Clone)]
struct Person<'a> {
    name: &'a str,
}

fn main() {}
