use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    age: u8,
    #[record(skip)]
    cache: std::rc::Rc<u8>,
}

fn main() {}
