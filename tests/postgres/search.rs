//! Full text on the server: words, ranks, headlines, and input of any kind.

use std::sync::{Arc, Mutex};

use dk_data::{
    AnyDatabase, Database, Document, Emulate, ErrorKind, FieldDef, Filter, Highlight, Observe, Path, Query, Record,
    Schema, Searching, Store, Transactional, Type, Typed,
    backend::postgres::{Layout, PostgresStore},
    document,
    layer::{Budget, Event, Verb},
    own,
};

use crate::server::{self, Scratch};

#[derive(Record, Clone, Debug)]
#[record(name = "articles")]
struct Article {
    #[record(id)]
    id: i64,
    #[record(text = "simple")]
    title: String,
    #[record(large, text = "english")]
    body: Option<String>,
    year: u16,
}

fn articles() -> Vec<Article> {
    let article = |id: i64, title: &str, body: Option<&str>| Article {
        id,
        title: title.to_owned(),
        body: body.map(str::to_owned),
        year: u16::try_from(2000 + id).expect("small"),
    };
    vec![
        article(
            1,
            "Foxes",
            Some("The quick brown fox jumped over the lazy dogs. Foxes are quick, and a fox is brown."),
        ),
        article(2, "A dog", Some("A lazy dog slept all day long, and dreamt of running.")),
        article(3, "Runners", Some("She runs every morning; the brown track is quick.")),
        article(4, "Nothing", None),
        article(5, "Empty", Some("")),
        article(6, "Ünïcode", Some("Über den Flüssen: naïve café 東京 fox")),
    ]
}

fn store(scratch: &Scratch) -> PostgresStore<Article> {
    let store = scratch.database().store::<Article>().expect("the table is made");
    for outcome in store.create_batch(articles()).expect("it writes") {
        outcome.expect("it is new");
    }
    store
}

fn ids(store: &impl Store<Article, Engine = dk_data::backend::postgres::Postgres>, words: &str) -> Vec<i64> {
    let query = Query::new().filter(Article::BODY.search(words)).sort(Article::ID.asc());
    store.search(query).expect("it answers").iter().map(|article| article.id).collect()
}

#[test]
fn words_are_found_in_any_of_their_forms_as_people_write_them() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    for (words, wanted) in [
        ("fox", vec![1, 6]),
        ("FOXES", vec![1, 6]),
        ("run", vec![2, 3]),
        ("\"quick brown\"", vec![1]),
        ("\"brown quick\"", vec![]),
        ("brown -fox", vec![3]),
        ("dreamed or dreamt or café", vec![2, 6]),
        ("東京", vec![6]),
        ("flüssen", vec![6]),
        // Nothing that is written is an error, and what holds no word matches nothing.
        ("", vec![]),
        ("the", vec![]),
        ("!!! & | ( : * <->", vec![]),
        ("\"unclosed fox", vec![1]),
        ("fox:*' OR '1'='1", vec![1, 6]),
        ("\0fox\0", vec![1, 6]),
        ("-", vec![]),
    ] {
        let found = ids(&store, words);
        if words == "\"unclosed fox" {
            assert!(found.is_empty() || found.iter().all(|id| [1, 6].contains(id)), "{words:?}: {found:?}");
        } else {
            assert_eq!(found, wanted, "{words:?}");
        }
        // The complement, true of null.
        let others = store.count(!Article::BODY.search(words)).expect("it counts");
        assert_eq!(others, 6 - found.len() as u64, "not {words:?}");
    }
    let simple = store.count(Article::TITLE.search("fox")).expect("it counts");
    assert_eq!(simple, 0, "a title is searched as it is: `foxes` is no `fox` there");
    let both = Article::BODY.search("lazy") & Article::YEAR.ge(2002_u16);
    assert_eq!(store.count(both).expect("it counts"), 1);
    let long = store.count(Article::BODY.search(&"fox ".repeat(5_000))).expect_err("nobody writes that");
    assert_eq!((long.kind(), long.place().field.as_deref()), (ErrorKind::Query, Some("body")));
}

#[test]
fn hits_come_best_first_with_their_words_marked() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let highlight = Highlight::of([Article::BODY.path(), Article::TITLE.path()]).marked("[\"", "\"]");
    let query = Query::new().filter(Article::BODY.search("quick or fox")).limit(10);
    let hits = store.hits(&query, &highlight).expect("it answers");
    assert_eq!(hits.iter().map(|hit| hit.stored.id).collect::<Vec<_>>()[0], 1, "it has the words most often");
    assert_eq!(hits.len(), 3);
    assert!(hits.windows(2).all(|pair| pair[0].rank >= pair[1].rank) && hits[2].rank > 0.0);
    let body = hits[0].highlights[0].as_deref().expect("it was searched");
    assert!(body.starts_with("The [\"quick\"] brown [\"fox\"] jumped") && body.ends_with("is brown."), "{body}");
    assert_eq!(hits[0].highlights[1], None, "the title was not searched");

    // Keys of the query come first, the page counts in that order.
    let by_year = query.clone().sort(Article::YEAR.desc());
    let found: Vec<_> =
        store.hits(by_year, &Highlight::none()).expect("it answers").iter().map(|h| h.stored.id).collect();
    assert_eq!(found, [6, 3, 1]);
    let second = store.hits(query.clone().offset(1).limit(1), &Highlight::none()).expect("it answers");
    assert_eq!((second.len(), second[0].stored.id), (1, hits[1].stored.id));

    let short = Highlight::of([Article::BODY.path()]).words(4);
    let short = store.hits(&query, &short).expect("it answers");
    let short = short[0].highlights[0].as_deref().expect("it was searched");
    assert!(short.contains("<b>") && short.split_whitespace().count() <= 5, "{short}");

    let nothing_searched = store.hits(Query::new().limit(2), &highlight).expect("it answers");
    assert!(nothing_searched.iter().all(|hit| hit.rank == 0.0 && hit.highlights == [None, None]));
    let number = store.hits(&query, &Highlight::of([Article::YEAR.path()])).expect_err("it is no text");
    assert_eq!((number.kind(), number.place().field.as_deref()), (ErrorKind::Query, Some("year")));
    let page = store.page(&Query::new().sort(Article::ID.asc()).limit(1), None::<dk_data::Cursor>).expect("it answers");
    let after = store.hits(Query::new().sort(Article::ID.asc()).after(page.next), &highlight).expect_err("no cursors");
    assert_eq!(after.kind(), ErrorKind::Query);
}

/// The order and the pages of hits are those that one would write by hand.
#[test]
fn hits_are_sorted_by_rank_behind_the_keys_of_the_query_and_before_ids() {
    let mut scratch = Scratch::new();
    let store = scratch.database().store::<Article>().expect("the table is made");
    let article = |n: i64| Article {
        id: n,
        title: String::new(),
        body: Some(format!(
            "{}{}",
            "fox ".repeat((n * 7 % 5) as usize),
            "and words beside it ".repeat((n % 3) as usize)
        )),
        year: u16::try_from(2000 + n % 4).expect("small"),
    };
    store.create_batch((0..60).map(article)).expect("it writes").into_iter().for_each(|o| drop(o.expect("it is new")));
    let rank = "ts_rank(to_tsvector('english', body), websearch_to_tsquery('english', 'fox'))";
    let mut by_hand = |order: &str| -> Vec<i64> {
        let sql = format!(
            "SELECT id FROM articles WHERE to_tsvector('english', body) @@ websearch_to_tsquery('english', 'fox') \
             ORDER BY {}",
            order.replace("rank", rank)
        );
        scratch.client.query(&sql, &[]).expect("it answers").iter().map(|row| row.get(0)).collect()
    };
    let foxes = || Query::new().filter(Article::BODY.search("fox"));
    for (query, order) in [
        (foxes(), "rank DESC, id"),
        (foxes().sort(Article::YEAR.desc()), "year DESC, rank DESC, id DESC"),
        (foxes().sort(Article::YEAR.asc()).sort(dk_data::query::id().desc()), "year, id DESC"),
        (foxes().sort(dk_data::query::id().asc()), "id"),
        (foxes().sort(Article::ID.desc()), "id DESC"),
    ] {
        let wanted = by_hand(order);
        assert_eq!(wanted.len(), 48);
        let hits = store.hits(&query, &Highlight::none()).expect("it answers");
        assert_eq!(hits.iter().map(|hit| hit.stored.id).collect::<Vec<_>>(), wanted, "{order}");
        let pages = (0..7).flat_map(|page| {
            let page = query.clone().offset(page * 7).limit(7);
            store.hits(page, &Highlight::none()).expect("it answers").into_iter().map(|hit| hit.stored.id)
        });
        assert_eq!(pages.collect::<Vec<_>>(), wanted, "{order}, by pages");
    }
}

/// A key keeps ids apart and in order, and finds no words in them: that index is made, and no second one of the ids.
#[test]
fn words_of_ids_are_found_by_an_index_and_ids_are_indexed_once() {
    let mut scratch = Scratch::new();
    let word = FieldDef::new("word", Type::Text).id().indexed().unique().searched("english");
    let schema = Schema::new("tags").field(word).field(FieldDef::new("n", Type::I64));
    for layout in [Layout::Columns, Layout::Document] {
        let db = scratch.config().layout(layout).connect().expect("the server answers");
        let tags = db.documents("tags", schema.clone()).expect("it is made");
        let tag = |n: i64| document! { "word" => format!("running {n}"), "n" => n };
        tags.create_batch((0..4_000).map(tag).collect::<Vec<_>>()).expect("it writes");
        scratch.client.batch_execute("VACUUM ANALYZE tags").expect("the table is ours");
        let sql = "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                   WHERE i.indrelid = 'tags'::regclass AND NOT i.indisprimary";
        let indexes = scratch.client.query(sql, &[]).expect("the catalogue answers");
        assert_eq!(
            indexes.iter().map(|row| row.get(0)).collect::<Vec<&str>>(),
            ["tags.word.text.english"],
            "{layout:?}"
        );
        let runs = || Filter::search("word", "run 77").bind::<Document>(&schema).expect("it fits");
        assert_eq!(tags.count(runs()).expect("it counts"), 1);
        let plan = tags.server_plan(runs()).expect("it is planned");
        assert!(plan.contains("tags.word.text.english"), "{layout:?}: {plan}");
        scratch.client.batch_execute("DROP INDEX \"tags.word.text.english\"").expect("it has this name");
        assert_eq!(db.migrate("tags", &schema).expect("it is safe").len(), 1, "{layout:?}");
        assert_eq!(db.diff("tags", &schema).expect("it compares"), []);
        scratch.client.batch_execute("DROP TABLE tags").expect("it is ours");
    }
}

#[test]
fn words_are_found_by_an_index_that_ensure_makes_and_diff_knows() {
    let mut scratch = Scratch::new();
    let store = store(&scratch);
    let fill = "INSERT INTO articles (id, title, body, year, _version, _created_at, _updated_at) SELECT n, 'x', \
                'word' || n || ' and more', 1, gen_random_uuid(), now(), now() FROM generate_series(10, 6000) n; ANALYZE articles";
    scratch.client.batch_execute(fill).expect("the table is ours");
    let plan = |scratch: &mut Scratch| {
        scratch.client.batch_execute("VACUUM ANALYZE articles").expect("the table is ours");
        store.server_plan(Article::BODY.search("word4711")).expect("it is planned")
    };
    let by_index = plan(&mut scratch);
    assert!(by_index.contains("articles.body.text.english") && !by_index.contains("Seq Scan"), "{by_index}");
    scratch.client.batch_execute("DROP INDEX \"articles.body.text.english\"").expect("it has this name");
    let db = scratch.database();
    let missing = db.diff("articles", Article::SCHEMA).expect("it compares");
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0].safe && missing[0].sql.contains("USING gin"), "{missing:?}");
    db.ensure::<Article>().expect("it is made");
    assert_eq!(db.diff("articles", Article::SCHEMA).expect("it compares"), []);
    assert!(plan(&mut scratch).contains("articles.body.text.english"));
}

#[test]
fn documents_transactions_and_stores_chosen_at_run_time_search_alike() {
    let mut scratch = Scratch::new();
    let schema = || {
        let home = Schema::new("home").field(FieldDef::new("note", Type::Text).searched("english").nullable());
        Schema::open("papers")
            .field(FieldDef::new("body", Type::Text).searched("english").nullable())
            .field(FieldDef::new("home", Type::record(home)).nullable())
    };
    let paper = |n: i32| {
        document! { "body" => format!("paper {n} of the foxes"), "home" => document! { "note" => format!("notes {n}") },
        "loose" => format!("loose ends {n}") }
    };
    for layout in [Layout::Columns, Layout::Document] {
        let db = scratch.config().layout(layout).connect().expect("the server answers");
        let name = format!("papers-{layout:?}").to_lowercase();
        let papers = db.documents(&name, schema()).expect("it is made");
        papers.create_batch((0..20).map(paper).collect::<Vec<_>>()).expect("it writes");
        let bound =
            |path: Path, words: &str| Filter::search(path, words).bind::<Document>(papers.schema()).expect("it fits");
        assert_eq!(papers.count(bound(Path::field("body"), "fox 7")).expect("it counts"), 1);
        assert_eq!(papers.count(bound(Path::field("home").then("note"), "note 7")).expect("it counts"), 1);
        assert_eq!(
            papers.count(bound(Path::field("loose"), "ends 7")).expect("it counts"),
            1,
            "as they are, without index"
        );
        let name = &name;
        db.transaction(|tx| {
            let papers = tx.documents(name, schema())?;
            papers.create(paper(100))?;
            let hits = papers.hits(bound(Path::field("body"), "100"), &Highlight::of([Path::field("body")]))?;
            assert_eq!(hits[0].highlights, [Some("paper <b>100</b> of the foxes".to_owned())]);
            Ok::<_, dk_data::Error>(())
        })
        .expect("it stands");
        let shared = format!("SET enable_seqscan = off; ANALYZE \"{name}\"");
        scratch.client.batch_execute(&shared).expect("the table is ours");
    }
    let url = format!("{}?schema={}", server::url(), scratch.name);
    let any = AnyDatabase::open_url(&url)
        .expect("the server answers")
        .documents("papers-columns", schema())
        .expect("it is there");
    let fox = || Filter::search("body", "fox 7").bind::<Document>(&schema()).expect("it fits");
    assert_eq!(any.hits(fox(), &Highlight::none()).expect("it answers").len(), 1);
    let memory = AnyDatabase::open_url("memory:").expect("it opens").documents("papers", schema()).expect("it is made");
    for refused in [memory.count(fox()).map(drop), memory.hits(fox(), &Highlight::none()).map(drop)] {
        assert_eq!(refused.expect_err("memory has no full text").kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn what_only_the_server_knows_is_not_emulated() {
    let scratch = Scratch::new();
    let store = store(&scratch).emulated(Budget::default());
    assert_eq!(store.count(Article::BODY.search("fox")).expect("the server does it alone"), 2);
    let mixed = store.count(Article::BODY.search("fox") & own(|article: &Article| article.id > 1));
    assert_eq!(mixed.expect_err("half of it would be guessed").kind(), ErrorKind::Unsupported);
    let deleted = store.delete_where(Article::BODY.search("fox")).expect("one statement");
    assert_eq!(deleted, 2);
}

#[test]
fn an_unknown_language_is_told_when_the_table_is_made() {
    let scratch = Scratch::new();
    let schema = Schema::new("papers").field(FieldDef::new("body", Type::Text).searched("klingon"));
    let unknown = scratch.database().documents("papers", schema).err().expect("there is no such configuration");
    assert_eq!(unknown.kind(), ErrorKind::Configuration, "{unknown}");
    assert!(unknown.to_string().contains("klingon"), "{unknown}");
}

#[test]
fn an_observed_store_searches_and_tells_of_it() {
    let scratch = Scratch::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let observer = move |event: &Event<'_>| {
        let weighed = event.bytes > 0;
        let call = (event.verb, event.rows, weighed, event.error.map(dk_data::Error::kind));
        listener.lock().expect("nobody panics").push(call);
    };
    let plain = store(&scratch);
    let articles = plain.observed(observer);
    let foxes = || Query::new().filter(Article::BODY.search("fox"));
    let highlight = Highlight::of([Path::field("body")]);
    let hits = articles.hits(foxes(), &highlight).expect("it answers");
    let same = plain.hits(foxes(), &highlight).expect("it answers");
    let seen = |hits: &[dk_data::Hit<Article>]| {
        hits.iter().map(|hit| (hit.stored.id, hit.rank.to_bits(), hit.highlights.clone())).collect::<Vec<_>>()
    };
    assert_eq!((hits.len(), seen(&hits)), (2, seen(&same)));
    articles.hits(foxes(), &Highlight::of([Path::field("year")])).expect_err("a year has no words");
    let told = told.lock().expect("nobody panics").clone();
    assert_eq!(told, [(Verb::Scan, 2, true, None), (Verb::Scan, 0, false, Some(ErrorKind::Query))]);
}
