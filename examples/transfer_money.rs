//! Money moves between two accounts, or it does not: a transaction.
//!
//! [`transfer`] is generic over databases. It knows nothing of transactions, and is all or nothing because a transaction is a
//! database too.

use dk_data::{Database, Error, Record, Result, Store, Transactional, backend::memory::Memory};

#[derive(Record, Clone, Debug)]
#[record(name = "accounts")]
struct Account {
    #[record(id)]
    owner: String,
    cents: i64,
}

/// The most times that a transaction is tried when others are faster.
const TRIES: u32 = 100;

fn main() -> Result<()> {
    let bank = Memory::new();
    let accounts = bank.store::<Account>()?;
    for (owner, cents) in [("ann", 10_000), ("bo", 0)] {
        accounts.create(Account { owner: owner.to_owned(), cents })?;
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

/// Takes cents from one account and adds them to another.
fn transfer(db: &impl Database, from: &str, to: &str, cents: i64) -> Result<()> {
    let accounts = db.store::<Account>()?;
    accounts.patch(from, Account::CENTS.add(-cents))?;
    if accounts.read(from)?.is_none_or(|account| account.cents < 0) {
        return Err(Error::invalid("there is not so much on the account"));
    }
    accounts.patch(to, Account::CENTS.add(cents)).map(drop)
}

fn one_euro(bank: &Memory) -> Result<()> {
    bank.transaction_retrying(TRIES, |tx| transfer(tx, "ann", "bo", 100), Error::is_conflict)
}

fn balances(accounts: &impl Store<Account>) -> Result<String> {
    let all = accounts.search(Account::query().sort(Account::OWNER.asc()))?;
    let balances = all.iter().map(|account| format!("{} {}", account.owner, account.cents));
    Ok(balances.collect::<Vec<_>>().join(", "))
}
