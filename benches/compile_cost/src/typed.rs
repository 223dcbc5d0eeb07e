// What the two programs with typed queries have in common.

fn found(rows: &[Stored<Wide>]) -> u64 {
    rows.iter().map(|row| u64::from(row.count_0)).sum()
}

fn run(store: &WideStore) -> Result<()> {
    for _ in 0..10 {
        store.create(Wide::default())?;
    }
    println!("{}", all(store)?);
    Ok(())
}
