/// How much work an argon2id hash takes: memory, passes over it, and lanes.
///
/// The default is OWASP's first choice that fits beside an application: 19 MiB, 2 passes, 1 lane (Password Storage
/// Cheat Sheet; ASVS 5.0.0 appendix C). One hash takes about ten milliseconds of one core with it.
///
/// ```
/// use auth::passwords::Argon2Params;
/// // Refused by the compiler rather than at start-up, because it stands in a constant:
/// const STRONGER: Argon2Params = match Argon2Params::new(65_536, 3, 1) {
///     Ok(params) => params,
///     Err(_) => panic!("too weak, or too much"),
/// };
/// assert!(Argon2Params::new(4_096, 3, 1).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Argon2ParamsError {
    /// Less work than the least that OWASP recommends.
    #[error(
        "argon2id needs at least 19456 KiB with 2 passes, or the like: 47104 with 1, 12288 with 3, 9216 with 4, \
         7168 with 5 (OWASP, Password Storage)"
    )]
    TooWeak,
    /// More than anybody who may log in should be able to make a server do.
    #[error("argon2id takes at most 1048576 KiB, 64 passes, 16 lanes, and 4194304 KiB times passes")]
    TooMuch,
}

/// Equal in strength by OWASP's measure: less memory is made up for by more passes. KiB and passes.
const LEAST: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

impl Argon2Params {
    /// The most memory, in KiB: 1 GiB.
    pub const MAX_MEMORY_KIB: u32 = 1 << 20;
    /// The most passes.
    pub const MAX_PASSES: u32 = 64;
    /// The most lanes. They are worked on one after the other.
    pub const MAX_LANES: u32 = 16;
    /// The most of KiB times passes: some seconds of one core.
    pub const MAX_WORK: u64 = 1 << 22;

    /// Memory in KiB, passes and lanes.
    ///
    /// # Errors
    /// [`Argon2ParamsError::TooWeak`] below OWASP's least (19 MiB with 2 passes, or 46 with 1, 12 with 3, 9 with 4,
    /// 7 with 5), [`Argon2ParamsError::TooMuch`] above the bounds of this type.
    pub const fn new(memory: u32, passes: u32, lanes: u32) -> Result<Self, Argon2ParamsError> {
        let Some(params) = Self::stored(memory, passes, lanes) else {
            return Err(Argon2ParamsError::TooMuch);
        };
        let mut choice = 0;
        while choice < LEAST.len() {
            if memory >= LEAST[choice].0 && passes >= LEAST[choice].1 {
                return Ok(params);
            }
            choice += 1;
        }
        Err(Argon2ParamsError::TooWeak)
    }

    /// What stands in a store may be weak, so that it can be verified and replaced; it may not be too much.
    pub(super) const fn stored(memory: u32, passes: u32, lanes: u32) -> Option<Self> {
        let params = Self { memory, passes, lanes };
        let bounded = memory <= Self::MAX_MEMORY_KIB
            && passes >= 1
            && passes <= Self::MAX_PASSES
            && lanes >= 1
            && lanes <= Self::MAX_LANES
            && memory >= 8 * lanes
            && params.work() <= Self::MAX_WORK;
        if bounded { Some(params) } else { None }
    }

    /// KiB times passes, which is what the time goes by.
    pub(super) const fn work(self) -> u64 {
        // `as` because this is a constant function; nothing is cut.
        self.memory as u64 * self.passes as u64
    }

    /// Whether there is no less of anything here. Lanes are no work.
    pub(super) const fn covers(self, other: Self) -> bool {
        self.memory >= other.memory && self.passes >= other.passes
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self { memory: 19_456, passes: 2, lanes: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owasps_choices_are_accepted_and_anything_below_is_not() {
        for (memory, passes) in LEAST {
            assert!(Argon2Params::new(memory, passes, 1).is_ok(), "{memory} {passes}");
            let less = Argon2Params::new(memory - 1, passes, 1);
            assert_eq!(less, Err(Argon2ParamsError::TooWeak), "{memory} {passes}");
        }
        assert_eq!(Argon2Params::new(19_456, 1, 1), Err(Argon2ParamsError::TooWeak));
        let default = Argon2Params::default();
        assert_eq!(Argon2Params::new(default.memory, default.passes, default.lanes), Ok(default));
    }

    #[test]
    fn too_much_is_refused() {
        let params = [
            (1 << 21, 1, 1),
            (19_456, 65, 1),
            (19_456, 2, 17),
            (1 << 20, 5, 1),
            (19_456, 0, 1),
            (19_456, 2, 0),
            (u32::MAX, u32::MAX, u32::MAX),
        ];
        for (memory, passes, lanes) in params {
            let made = Argon2Params::new(memory, passes, lanes);
            assert_eq!(made, Err(Argon2ParamsError::TooMuch), "{memory} {passes} {lanes}");
        }
    }
}
