use dk_data::Record;

#[derive(Clone)]
struct Extra;

#[derive(Record, Clone)]
struct Person {
    #[record(json)]
    extra: Extra,
}

fn main() {}
