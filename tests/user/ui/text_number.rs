use dk_data::Record;

#[derive(Record, Clone)]
struct Article {
    #[record(text = "english")]
    pages: u32,
}

fn main() {}
