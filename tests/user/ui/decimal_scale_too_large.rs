use dk_data::Record;

#[derive(Record, Clone)]
struct Sale {
    #[record(decimal(2, 9))]
    price: f64,
}

fn main() {}
