use dk_data::Record;

#[derive(Record, Clone)]
struct Sale {
    #[record(json, decimal(9, 2))]
    price: f64,
}

fn main() {}
