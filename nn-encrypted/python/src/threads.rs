//! How many threads compute.

/// Runs something on so many threads, or all.
pub(crate) fn on_threads<T: Send>(
    threads: Option<usize>,
    run: impl FnOnce() -> T + Send,
) -> Result<T, String> {
    let Some(threads) = threads else { return Ok(run()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|error| error.to_string())?.install(run))
}
