use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    user_id: String,
    #[allow(non_snake_case)]
    userId: String,
}

fn main() {}
