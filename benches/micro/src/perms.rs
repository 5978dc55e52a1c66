//! "May this user do that?" in the peers' ways and in ours.
//!
//! Ours has 207 permissions declared in both figures: what a program declares does not depend on what somebody holds.

use std::collections::HashSet;
use std::hint::black_box;

use auth::permissions::DeclaredPermission;
use auth::prelude::*;
use auth::users::{InMemoryUserStore, UserStore as _};
use timing::{Bench, Figure};

use crate::permissions::{app1, app3, app5};

#[derive(User, Clone)]
#[user(table = "member", username = name)]
struct Member {
    id: i64,
    name: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    is_superuser: bool,
    groups: Vec<String>,
    user_permissions: Vec<String>,
}

/// A user who holds these, as a request has it.
fn holder(names: &[String]) -> CurrentUser<Member> {
    let member = Member {
        id: 0,
        name: "alice".into(),
        password_hash: PasswordHash::unusable(),
        last_login: None,
        is_active: true,
        is_superuser: false,
        groups: Vec::new(),
        user_permissions: names.to_vec(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = InMemoryUserStore::new();
        let member = store.create(member).await.unwrap();
        let auth = Auth::builder().users(store).build().await.unwrap();
        auth.current_user(&member.id).await.unwrap().expect("she was made, and is active")
    })
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("app{}.change_model{i}", i % 7)).collect()
}

/// Asks for the last permission, a middle one and one that is absent, in turn:
/// a linear scan is neither flattered nor punished.
fn questions(perms: &[String]) -> [String; 3] {
    [perms[perms.len() - 1].clone(), perms[perms.len() / 2].clone(), "app1.absent".into()]
}

pub fn run(bench: &Bench) {
    sets::<app5::change_model19>(bench, "perm: 20 permissions", 20);
    sets::<app3::change_model199>(bench, "perm: 200 permissions", 200);
}

/// `Last` is the first name that [`questions`] asks for, as a type.
fn sets<Last: DeclaredPermission>(bench: &Bench, figure: &'static str, n: usize) {
    if !bench.wants(figure) {
        return;
    }
    let list = names(n);
    let asked = questions(&list);
    let set: HashSet<String> = list.iter().cloned().collect();
    let split: Vec<(String, String)> =
        asked.iter().map(|p| p.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect();
    assert_eq!([Last::NAME, app1::absent::NAME], [asked[0].as_str(), asked[2].as_str()]);
    let alice = holder(&list);
    let [held, not_held, held_by_name] = [(); 3].map(|()| alice.permissions().clone());
    assert_eq!(held.names().count(), n);
    // What a design with permissions known at start-up comes down to.
    let bits = vec![u64::MAX; n.div_ceil(64)];

    fn next<T>(i: &mut usize, items: &[T]) -> usize {
        *i = (*i + 1) % items.len();
        *i
    }
    let (mut a, mut b, mut c, mut d, mut e) = (0, 0, 0, 0, 0);
    let (asked_a, asked_b, asked_e) = (asked.clone(), asked.clone(), asked.clone());
    let (set_b, set_c) = (set.clone(), set.clone());
    bench.run(
        Figure::new(figure)
            // The name is a type here, so there is no question to choose; where its bit stands makes no difference.
            .add("auth CurrentUser::has::<P>()", move || black_box(&alice).has::<Last>())
            .add("auth PermissionSet::has::<P>()", move || black_box(&held).has::<Last>())
            .add("auth PermissionSet::has::<P>(), not held", move || black_box(&not_held).has::<app1::absent>())
            .add("auth PermissionSet::has_name(name)", move || {
                let q = &asked_e[next(&mut e, &asked_e)];
                held_by_name.has_name(black_box(q))
            })
            .add("Vec<String>::contains (reinhardt-auth)", move || {
                let q = &asked_a[next(&mut a, &asked_a)];
                list.contains(black_box(q))
            })
            .add("HashSet<String>::contains", move || {
                let q = &asked_b[next(&mut b, &asked_b)];
                set_b.contains(black_box(q.as_str()))
            })
            .add("HashSet + format!(\"{app}.{perm}\") (Django)", move || {
                let (app, perm) = &split[next(&mut c, &split)];
                set_c.contains(&format!("{}.{}", black_box(app), black_box(perm)))
            })
            .add("axum-login default has_perm: clone set, union, look up", move || {
                let q = &asked[next(&mut d, &asked)];
                let mut all = HashSet::new();
                all.extend(set.clone());
                all.extend(HashSet::<String>::new());
                all.contains(black_box(q.as_str()))
            })
            .add("limit: bit test on an interned id", move || {
                let id = black_box(n - 1);
                bits[id / 64] >> (id % 64) & 1 == 1
            }),
    );
}
