//! The memory that argon2 works in. The hashing service's threads keep theirs, so the system need not hand out 19 MiB of
//! cleared pages for each hash, and many logins at once do not leave a heap in pieces.

use std::cell::Cell;

use argon2::{Argon2, Block, Error};

thread_local! {
    /// `None`: nothing is kept on this thread.
    static KEPT: Cell<Option<Vec<Block>>> = const { Cell::new(None) };
}

/// More than this is given back, in blocks of 1 KiB: one odd hash must not cost a gigabyte for ever.
const MOST_KEPT: usize = 128 * 1024;

/// From now on this thread keeps the memory between hashes. It ends with the thread.
pub(crate) fn keep_on_this_thread() {
    KEPT.set(Some(KEPT.take().unwrap_or_default()));
}

pub(super) fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), Error> {
    let blocks = argon2.params().block_count();
    match KEPT.take() {
        Some(mut kept) if blocks <= MOST_KEPT => {
            let result = grow(&mut kept, blocks).and_then(|()| {
                // Every block is written before it is read, so what the last hash left needs no clearing.
                argon2.hash_password_into_with_memory(password, salt, output, &mut kept)
            });
            KEPT.set(Some(kept));
            result
        }
        kept => {
            KEPT.set(kept);
            argon2.hash_password_into(password, salt, output)
        }
    }
}

fn grow(kept: &mut Vec<Block>, blocks: usize) -> Result<(), Error> {
    if kept.len() < blocks {
        kept.try_reserve_exact(blocks - kept.len()).map_err(|_| Error::OutOfMemory)?;
        kept.resize(blocks, Block::new());
    }
    Ok(())
}
