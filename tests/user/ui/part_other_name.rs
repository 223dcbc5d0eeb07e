use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    name: String,
    age: u8,
    tags: Vec<String>,
    #[record(large)]
    body: String,
    home: Home,
}

#[derive(Record, Clone)]
struct Home {
    city: String,
}

#[derive(Record, Clone)]
#[record(of = Person, rename_all = "UPPERCASE")]
struct Part {
    age: u8,
}

fn main() {}
