use dk_data::{Database, Record, Store, backend::memory::Memory};

#[derive(Record, Clone)]
struct Article {
    #[record(large, text = "english")]
    body: String,
}

fn main() {
    let articles = Memory::new().store::<Article>().unwrap();
    let _ = articles.search(Article::query().filter(Article::BODY.search("quick fox")));
}
