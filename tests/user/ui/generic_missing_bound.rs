use dk_data::Record;

#[derive(Record, Clone)]
struct Pair<T> {
    first: T,
}

struct NoField;

fn main() {
    let _ = Pair::<NoField>::query();
}
