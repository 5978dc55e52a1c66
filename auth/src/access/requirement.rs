use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::Principal;
use crate::permissions::DeclaredPermission;

/// Something that a principal meets or does not: a declared permission, [`All`] or [`Any`] of several, [`LoggedIn`].
///
/// A tuple means all of its parts. There is no empty one: nothing can be granted by asking for nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that can be required",
    note = "name a declared permission, for example `permissions::blog::add_post`, or `All<(…)>` or `Any<(…)>` of several"
)]
pub trait Requirement: Send + Sync + 'static {
    /// Whether the principal meets it.
    fn is_met(principal: &Principal) -> bool;

    /// Says it in words: `all(blog.add_post, any(blog.change_post, blog.publish_post))`.
    ///
    /// # Errors
    /// When the formatter fails.
    fn describe(f: &mut dyn fmt::Write) -> fmt::Result;

    /// What the user can do to meet it, where a better login is all that is missing. Nothing, if it is met, or if that would not
    /// help.
    fn step_up(principal: &Principal) -> Option<StepUp> {
        let _ = principal;
        None
    }

    /// The names of all permissions it mentions.
    fn permissions(names: &mut Vec<&'static str>) {
        let _ = names;
    }
}

impl<P: DeclaredPermission> Requirement for P {
    #[inline]
    fn is_met(principal: &Principal) -> bool {
        principal.has::<P>()
    }

    fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
        f.write_str(P::NAME)
    }

    fn permissions(names: &mut Vec<&'static str>) {
        names.push(P::NAME);
    }
}

/// What makes a login better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepUp {
    /// A second factor.
    SecondFactor,
    /// Proving again who one is; it has been too long.
    Reauthenticate {
        /// Within how many seconds it must have been.
        seconds: u64,
    },
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $word:literal, |$principal:ident| $met:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct $name {}

        impl Requirement for $name {
            fn is_met($principal: &Principal) -> bool {
                $met
            }

            fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
                f.write_str($word)
            }
        }
    };
}

word!(
    /// Asks for a login and nothing else; a principal always is one. `#[login_required]`
    LoggedIn, "login", |_principal| true
);
word!(
    /// Asks for a user who may enter the administration, or a superuser. `#[staff_required]`
    Staff, "staff", |principal| principal.is_staff() || principal.is_superuser()
);
word!(
    /// Asks for a superuser. `#[superuser_required]`
    Superuser, "superuser", |principal| principal.is_superuser()
);

/// Asks for a login by two factors, in person. `#[mfa_required]`
#[derive(Debug)]
#[non_exhaustive]
pub struct MultiFactor {}

impl Requirement for MultiFactor {
    fn is_met(principal: &Principal) -> bool {
        principal.is_multi_factor()
    }

    fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
        f.write_str("two factors")
    }

    fn step_up(principal: &Principal) -> Option<StepUp> {
        (!Self::is_met(principal) && !principal.is_delegated()).then_some(StepUp::SecondFactor)
    }
}

/// Asks for a user who proved who they are, in person, within so many seconds. `#[recent_login(within = "5m")]`
#[derive(Debug)]
#[non_exhaustive]
pub struct RecentLogin<const SECONDS: u64> {}

impl<const SECONDS: u64> Requirement for RecentLogin<SECONDS> {
    fn is_met(principal: &Principal) -> bool {
        principal.is_recent(Duration::from_secs(SECONDS))
    }

    fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
        write!(f, "login within {SECONDS} s")
    }

    fn step_up(principal: &Principal) -> Option<StepUp> {
        let missing = !Self::is_met(principal) && !principal.is_delegated();
        missing.then_some(StepUp::Reauthenticate { seconds: SECONDS })
    }
}

/// Asks for all of a tuple's parts.
pub struct All<T>(PhantomData<fn() -> T>);

/// Asks for any of a tuple's parts.
pub struct Any<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for All<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("All")
    }
}

impl<T> fmt::Debug for Any<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Any")
    }
}

fn list(f: &mut dyn fmt::Write, word: &str, parts: &[fn(&mut dyn fmt::Write) -> fmt::Result]) -> fmt::Result {
    write!(f, "{word}(")?;
    for (i, part) in parts.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        part(f)?;
    }
    f.write_str(")")
}

macro_rules! tuple {
    ($($part:ident)+) => {
        impl<$($part: Requirement),+> Requirement for All<($($part,)+)> {
            #[inline]
            fn is_met(principal: &Principal) -> bool {
                $($part::is_met(principal))&&+
            }

            fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
                list(f, "all", &[$($part::describe),+])
            }

            fn step_up(principal: &Principal) -> Option<StepUp> {
                // All that is missing must be what a better login gives.
                let steps = [$(($part::is_met(principal), $part::step_up(principal))),+];
                let helps = steps.iter().all(|(met, step)| *met || step.is_some());
                steps.iter().find_map(|(_, step)| *step).filter(|_| helps)
            }

            fn permissions(names: &mut Vec<&'static str>) {
                $($part::permissions(names);)+
            }
        }

        impl<$($part: Requirement),+> Requirement for Any<($($part,)+)> {
            #[inline]
            fn is_met(principal: &Principal) -> bool {
                $($part::is_met(principal))||+
            }

            fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
                list(f, "any", &[$($part::describe),+])
            }

            fn step_up(principal: &Principal) -> Option<StepUp> {
                None$(.or_else(|| $part::step_up(principal)))+.filter(|_| !Self::is_met(principal))
            }

            fn permissions(names: &mut Vec<&'static str>) {
                $($part::permissions(names);)+
            }
        }

        impl<$($part: Requirement),+> Requirement for ($($part,)+) {
            #[inline]
            fn is_met(principal: &Principal) -> bool {
                All::<($($part,)+)>::is_met(principal)
            }

            fn describe(f: &mut dyn fmt::Write) -> fmt::Result {
                All::<($($part,)+)>::describe(f)
            }

            fn step_up(principal: &Principal) -> Option<StepUp> {
                All::<($($part,)+)>::step_up(principal)
            }

            fn permissions(names: &mut Vec<&'static str>) {
                All::<($($part,)+)>::permissions(names);
            }
        }

        impl<User, Object: ?Sized, $($part: super::ObjectRequirement<User, Object>),+>
            super::ObjectRequirement<User, Object> for All<($($part,)+)>
        {
            fn is_met_on(user: &super::CurrentUser<User>, object: &Object) -> bool {
                $($part::is_met_on(user, object))&&+
            }
        }

        impl<User, Object: ?Sized, $($part: super::ObjectRequirement<User, Object>),+>
            super::ObjectRequirement<User, Object> for Any<($($part,)+)>
        {
            fn is_met_on(user: &super::CurrentUser<User>, object: &Object) -> bool {
                $($part::is_met_on(user, object))||+
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
