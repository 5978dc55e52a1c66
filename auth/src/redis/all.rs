use std::future::poll_fn;
use std::task::Poll;

/// How many commands are on their way at once.
const AT_ONCE: usize = 64;

/// Asks for each of them, a few at once, on a connection that all share. What they come to, or the first failure.
pub(crate) async fn each<I: Copy, T, E, W: Future<Output = Result<T, E>>>(
    items: &[I],
    work: impl Fn(I) -> W,
) -> Result<Vec<T>, E> {
    let mut results = Vec::with_capacity(items.len());
    for items in items.chunks(AT_ONCE) {
        results.extend(all(items.iter().copied().map(&work).collect()).await?);
    }
    Ok(results)
}

async fn all<T, E>(work: Vec<impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    let mut work: Vec<_> = work.into_iter().map(|work| (Box::pin(work), None)).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (work, result) in work.iter_mut().filter(|(_, result)| result.is_none()) {
            match work.as_mut().poll(context) {
                Poll::Ready(outcome) => *result = Some(outcome),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    work.into_iter().filter_map(|(_, result)| result).collect()
}
