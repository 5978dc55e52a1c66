//! `engines [FILTER] [--quick]`: policy engines, timed as in `micro`.
//!
//! They have a member of their own because cedar-policy turns on a feature of
//! serde_json that would slow everyone built beside it.

use std::hint::black_box;

use casbin::{CachedEnforcer, CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use cedar_policy::{Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request};
use timing::{Bench, Figure};

fn main() {
    let bench = Bench::from_args();
    casbin(&bench, "perm engine: casbin RBAC, 10 policies", 10);
    casbin(&bench, "perm engine: casbin RBAC, 1000 policies", 1000);
    cedar(&bench, "perm engine: cedar, 5 policies", 5);
    cedar(&bench, "perm engine: cedar, 100 policies", 100);
}

const RBAC: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

/// casbin's own benchmark shape: one policy to a role, ten users to a role.
fn casbin(bench: &Bench, figure: &'static str, n: usize) {
    if !bench.wants(figure) {
        return;
    }
    let policies: Vec<Vec<String>> =
        (0..n).map(|i| vec![format!("group{i}"), format!("data{}", i / 10), "read".into()]).collect();
    let roles: Vec<Vec<String>> = (0..n * 10).map(|i| vec![format!("user{i}"), format!("group{}", i / 10)]).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (plain, cached) = runtime.block_on(async {
        let model = || async { DefaultModel::from_str(RBAC).await.unwrap() };
        let none = MemoryAdapter::default;
        let mut plain = Enforcer::new(model().await, none()).await.unwrap();
        let mut cached = CachedEnforcer::new(model().await, none()).await.unwrap();
        plain.add_policies(policies.clone()).await.unwrap();
        plain.add_grouping_policies(roles.clone()).await.unwrap();
        cached.add_policies(policies).await.unwrap();
        cached.add_grouping_policies(roles).await.unwrap();
        (plain, cached)
    });
    // The policy in the middle of the list answers.
    let user = format!("user{}", n * 5);
    let data = format!("data{}", n / 20);
    let (user2, data2) = (user.clone(), data.clone());
    assert!(plain.enforce((&user, &data, "read")).unwrap());
    assert!(!plain.enforce((&user, "other", "read")).unwrap());
    bench.run(
        Figure::new(figure)
            .add("casbin enforce", move || plain.enforce(black_box((user.as_str(), data.as_str(), "read"))).unwrap())
            .add("casbin cached enforcer, always a hit", move || {
                cached.enforce(black_box((user2.as_str(), data2.as_str(), "read"))).unwrap()
            }),
    );
}

fn cedar(bench: &Bench, figure: &'static str, n: usize) {
    if !bench.wants(figure) {
        return;
    }
    let policies: PolicySet = (0..n)
        .map(|i| {
            format!(
                "permit(principal in Group::\"g{i}\", action == Action::\"read\", \
                 resource in Folder::\"f{i}\");\n"
            )
        })
        .collect::<String>()
        .parse()
        .unwrap();
    let uid = |s: &str| s.parse::<EntityUid>().unwrap();
    let entity = |id: &str, parents: &[String]| Entity::new_no_attrs(uid(id), parents.iter().map(|p| uid(p)).collect());
    let (group, folder) = (format!("Group::\"g{}\"", n / 2), format!("Folder::\"f{}\"", n / 2));
    let entities = Entities::from_entities(
        [
            entity(&group, &[]),
            entity(&folder, &[]),
            entity("User::\"alice\"", &[group]),
            entity("Doc::\"d\"", &[folder]),
        ],
        None,
    )
    .unwrap();
    let request = || {
        let [user, action, doc] = ["User::\"alice\"", "Action::\"read\"", "Doc::\"d\""].map(|s| s.parse().unwrap());
        Request::new(user, action, doc, Context::empty(), None).unwrap()
    };
    let authorizer = Authorizer::new();
    let prepared = request();
    let answer = authorizer.is_authorized(&prepared, &policies, &entities);
    assert_eq!(answer.decision(), cedar_policy::Decision::Allow);
    let (p, e) = (policies.clone(), entities.clone());
    bench.run(
        Figure::new(figure)
            .add("cedar is_authorized", move || Authorizer::new().is_authorized(&prepared, &p, &e).decision())
            .add("cedar is_authorized, request built from strings", move || {
                authorizer.is_authorized(&request(), &policies, &entities).decision()
            }),
    );
}
