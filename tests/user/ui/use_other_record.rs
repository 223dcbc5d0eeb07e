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

fn main() {
    let _ = Person::query().filter(Home::CITY.eq("Oslo"));
}
