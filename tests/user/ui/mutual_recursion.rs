use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    home: Option<Home>,
}

#[derive(Record, Clone)]
struct Home {
    owners: Vec<Person>,
}

fn main() {}
