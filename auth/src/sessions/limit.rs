use std::num::NonZeroU32;

/// How many sessions a user may be logged in to at once, and what becomes of one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionLimit {
    /// The most live sessions of a user.
    pub max: NonZeroU32,
    /// What a login does that would be one more.
    pub when_full: WhenFull,
}

/// What a login does when its user has as many sessions as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is refused with [`SessionError::LimitReached`](super::SessionError::LimitReached), until one of the others ends.
    Refuse,
    /// It ends the session that began first.
    EndOldest,
}

impl SessionLimit {
    /// At most so many; one more login is refused.
    ///
    /// # Panics
    /// When the number is 0: then nobody could log in.
    pub fn refuse(max: u32) -> Self {
        Self { max: positive(max), when_full: WhenFull::Refuse }
    }

    /// At most so many; one more login ends the session that began first.
    ///
    /// # Panics
    /// When the number is 0: then nobody could log in.
    pub fn end_oldest(max: u32) -> Self {
        Self { max: positive(max), when_full: WhenFull::EndOldest }
    }

    /// The most sessions beside a new one.
    pub(super) fn others(self) -> usize {
        usize::try_from(self.max.get() - 1).unwrap_or(usize::MAX)
    }

    /// What a refused login is told.
    pub(super) fn reached(self) -> super::SessionError {
        super::SessionError::LimitReached { max: self.others().saturating_add(1) }
    }
}

fn positive(max: u32) -> NonZeroU32 {
    NonZeroU32::new(max).expect("a user may have one session at least")
}
