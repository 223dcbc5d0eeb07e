use dk_data::Record;

#[derive(Record, Clone)]
struct Sale {
    #[record(decimal(9, 2))]
    price: f64,
}

fn main() {}
