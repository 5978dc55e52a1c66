//! Guards on functions, seen from inside: only here can somebody be made who asks.
#![expect(clippy::unused_async, reason = "what is guarded here has nothing to wait for")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chrono::{TimeDelta, Utc};

use super::GuardEntry;
use crate::access::{CurrentUser, Granted, LoggedIn, PermissionDenied, Policy, Principal, Staff, StepUp};
use crate::mfa::AuthMethods;
use crate::permissions::PermissionSet;
use crate::users::{Account, SimpleUser};
use crate::{
    login_required, mfa_required, permission_required, permission_required as renamed, recent_login, staff_required,
    user_passes_test,
};

mod words {
    crate::permissions! { guard_test { model Note; read: "Can read"; } }
}
use words::guard_test::{add_note, change_note, read};

type Answer = Result<&'static str, PermissionDenied>;

fn user(name: &str, is_admin: bool, permissions: &[&str]) -> CurrentUser<SimpleUser> {
    let user = SimpleUser {
        id: uuid::Uuid::nil(),
        username: name.to_owned(),
        email: String::new(),
        is_active: true,
        is_admin,
    };
    let account = Account::new(user, PermissionSet::of(permissions), 0);
    let principal = Principal::new(&account, Utc::now()).expect("the user is active");
    principal.downcast().expect("the principal is a SimpleUser")
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}

/// What an answer says was asked for and not met.
fn missing<T>(answer: Result<T, PermissionDenied>) -> String {
    answer.err().map(|denied| denied.required().to_owned()).unwrap_or_default()
}

#[permission_required("guard_test.read", from = self::words)]
fn one(#[user] user: &CurrentUser<SimpleUser>) -> Answer {
    let _ = user;
    Ok("done")
}

#[test]
fn a_function_runs_only_for_who_holds_the_permission() {
    assert_eq!(one(&user("ann", false, &["guard_test.read"])), Ok("done"));
    assert_eq!(missing(one(&user("bob", true, &[]))), "guard_test.read");
}

#[permission_required(
    all("guard_test.read", any("guard_test.add_note", "guard_test.change_note")),
    from = self::words
)]
async fn nested(#[user] user: &Principal) -> Answer {
    let _ = user.id();
    Ok("done")
}

#[test]
fn lists_ask_for_all_or_for_any() {
    let asked = "all(guard_test.read, any(guard_test.add_note, guard_test.change_note))".to_owned();
    for (held, answer) in [
        (&["guard_test.read", "guard_test.add_note"][..], ""),
        (&["guard_test.read", "guard_test.change_note"], ""),
        (&["guard_test.read"], &asked),
        (&["guard_test.add_note", "guard_test.change_note"], &asked),
    ] {
        assert_eq!(missing(now(nested(user("ann", false, held).principal()))), answer);
    }
}

#[renamed("guard_test.read", from = self::words)]
#[permission_required("guard_test.add_note", from = self::words)]
#[user_passes_test(is_ann)]
#[login_required]
#[staff_required]
fn stacked(#[user] user: &CurrentUser<SimpleUser>) -> Answer {
    let _ = user;
    Ok("done")
}

fn is_ann(user: &CurrentUser<SimpleUser>) -> bool {
    user.username == "ann"
}

#[test]
fn stacked_guards_all_hold() {
    let both = &["guard_test.read", "guard_test.add_note"][..];
    assert_eq!(stacked(&user("ann", true, both)), Ok("done"));
    for (name, is_staff, held, asked) in [
        ("ann", true, &both[1..], "guard_test.read"),
        ("ann", true, &both[..1], "guard_test.add_note"),
        ("bob", true, both, "is_ann"),
        ("ann", false, both, "staff"),
    ] {
        assert_eq!(missing(stacked(&user(name, is_staff, held))), asked);
    }
}

struct Note(&'static str);

impl Policy<change_note, Note> for SimpleUser {
    fn allows(user: &CurrentUser<Self>, note: &Note) -> bool {
        user.username == note.0
    }
}

#[permission_required("guard_test.change_note", on = note, as = granted, from = self::words)]
fn change(#[user] user: &CurrentUser<SimpleUser>, note: &mut Note) -> Answer {
    let _: (&Granted<change_note>, _) = (&granted, user);
    note.0 = "changed";
    Ok("done")
}

#[test]
fn an_object_asks_for_the_permission_and_the_policy() {
    let permission = &["guard_test.change_note"][..];
    assert_eq!(change(&user("ann", false, permission), &mut Note("ann")), Ok("done"));
    for (owner, held) in [("bob", permission), ("ann", &[])] {
        let mut note = Note(owner);
        let answer = change(&user("ann", false, held), &mut note);
        assert_eq!(missing(answer), "guard_test.change_note");
        assert_eq!(note.0, owner, "the body did not run");
    }
}

#[permission_required("guard_test.add_note", as = granted, from = self::words)]
#[login_required]
#[staff_required]
async fn handler(text: &str) -> &str {
    let _: &Granted<add_note> = &granted;
    text
}

#[test]
fn a_handler_takes_the_proofs_of_all_its_guards() {
    let user = user("ann", true, &["guard_test.add_note"]);
    let staff: Granted<Staff> = Granted::check(&user).expect("ann is staff");
    let login: Granted<LoggedIn> = Granted::check(&user).expect("ann is somebody");
    let add: Granted<add_note> = Granted::check(&user).expect("ann may add");
    assert_eq!(now(handler(staff, login, add, "text")), "text");
    assert!(Granted::<read>::check(&user).is_err());
}

#[test]
fn guards_say_what_they_ask_for() {
    let guards = crate::registry::entries::<GuardEntry>();
    let mut asked: Vec<_> = guards
        .iter()
        .filter(|guard| guard.function == concat!(module_path!(), "::stacked"))
        .map(|guard| ((guard.requirement)(), (guard.permissions)()))
        .collect();
    asked.sort();
    let expected = [
        ("guard_test.add_note", &["guard_test.add_note"][..]),
        ("guard_test.read", &["guard_test.read"]),
        ("is_ann", &[]),
        ("login", &[]),
        ("staff", &[]),
    ];
    assert!(asked.iter().map(|(asked, names)| (asked.as_str(), &names[..])).eq(expected));
}

#[mfa_required]
fn with_two_factors(#[user] user: &Principal) -> Answer {
    let _ = user;
    Ok("done")
}

#[recent_login(within = "5m")]
fn recently(#[user] user: &Principal) -> Answer {
    let _ = user;
    Ok("done")
}

/// Somebody who logged in so many seconds ago.
fn logged_in(methods: AuthMethods, seconds: i64) -> Principal {
    let user = SimpleUser::clone(user("ann", false, &[]).user());
    let now = Utc::now();
    let account = Account::new(user, PermissionSet::default(), 0);
    let principal = Principal::new(&account, now - TimeDelta::seconds(seconds)).expect("the user is active");
    principal.in_person(methods, now)
}

#[test]
fn a_login_is_judged_by_its_factors_and_its_age() {
    let two = AuthMethods::PASSWORD | AuthMethods::TOTP;
    assert_eq!(with_two_factors(&logged_in(two, 0)), Ok("done"));
    assert_eq!(recently(&logged_in(AuthMethods::PASSWORD, 300)), Ok("done"));
    let denied = with_two_factors(&logged_in(AuthMethods::PASSWORD, 0)).expect_err("one factor");
    assert_eq!((denied.required(), denied.step_up()), ("two factors", Some(StepUp::SecondFactor)));
    let denied = recently(&logged_in(two, 301)).expect_err("too long ago");
    assert_eq!(denied.required(), "login within 300 s");
    assert_eq!(denied.step_up(), Some(StepUp::Reauthenticate { seconds: 300 }));
}

/// Made for a job, or of a token that does not say so.
#[test]
fn a_login_of_which_nothing_is_known_is_neither() {
    let unknown = user("ann", true, &[]);
    assert!(with_two_factors(unknown.principal()).is_err() && recently(unknown.principal()).is_err());
}
