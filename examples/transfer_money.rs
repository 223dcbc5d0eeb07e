//! Money moves between two accounts, or it does not: a transaction.
//!
//! [`transfer`] is generic over databases. It knows nothing of transactions, and is all or nothing because a transaction is a
//! database too.

use dk_data::{
    Changes, Database, Document, Error, FieldDef, Key, Query, Result, Schema, Store, Transactional, Type,
    backend::memory::Memory, document,
};

/// The most times that a transaction is tried when others are faster.
const TRIES: u32 = 100;

fn main() -> Result<()> {
    let bank = Memory::new();
    let accounts = accounts(&bank)?;
    for (owner, cents) in [("ann", 10_000), ("bo", 0)] {
        accounts.create(document! { "owner" => owner, "cents" => cents })?;
    }

    bank.transaction(|tx| transfer(tx, "ann", "bo", 3_000))?;
    println!("after the transfer:  {}", balances(&accounts)?);

    // The money has left Ann's account when the account of Cem is not found. Nothing of it stays.
    let failed = bank.transaction(|tx| transfer(tx, "ann", "cem", 1_000));
    println!("to nobody:           {}", failed.map_or_else(|error| error.kind().to_string(), |()| "done".to_owned()));
    let failed = bank.transaction(|tx| transfer(tx, "ann", "bo", 50_000));
    println!("more than there is:  {}", failed.map_or_else(|error| error.message().to_owned(), |()| "done".to_owned()));
    println!("after two failures:  {}", balances(&accounts)?);

    // Ten threads at once: who loses tries again, and no cent is lost.
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..10).map(|_| threads.spawn(|| one_euro(&bank))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(Error::backend("it panicked"))))
    })?;
    println!("after ten at once:   {}", balances(&accounts)?);
    Ok(())
}

fn accounts<D: Database>(db: &D) -> Result<D::Store<Document>> {
    let owner = FieldDef::new("owner", Type::Text).id();
    db.documents("accounts", Schema::new("accounts").field(owner).field(FieldDef::new("cents", Type::I64)))
}

/// Takes cents from one account and adds them to another.
fn transfer(db: &impl Database, from: &str, to: &str, cents: i64) -> Result<()> {
    let accounts = accounts(db)?;
    accounts.patch(from, Changes::add("cents", -cents))?;
    let left = accounts.read(from)?.and_then(|account| account["cents"].as_int());
    if left.is_none_or(|left| left < 0) {
        return Err(Error::invalid("there is not so much on the account"));
    }
    accounts.patch(to, Changes::add("cents", cents)).map(drop)
}

fn one_euro(bank: &Memory) -> Result<()> {
    bank.transaction_retrying(TRIES, |tx| transfer(tx, "ann", "bo", 100), Error::is_conflict)
}

fn balances(accounts: &impl Store<Document>) -> Result<String> {
    let all = accounts.search(Query::new().sort(Key::asc("owner")))?;
    let balance = |account: &Document| {
        format!("{} {}", account["owner"].as_text().unwrap_or("?"), account["cents"].as_int().unwrap_or(0))
    };
    Ok(all.iter().map(|account| balance(account)).collect::<Vec<_>>().join(", "))
}
