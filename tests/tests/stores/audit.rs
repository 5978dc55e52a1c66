//! The trail in a database: nothing in it can be changed unseen.

use std::sync::Arc;

use auth::audit::{
    Audit, AuditAction, AuditFilter, AuditHead, AuditSink as _, AuditStoreError, ChainDamage, ChainReport,
    DatabaseAuditSink, Origin,
};
use auth::clock::Clock as _;
use auth::database::Database;
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use auth_tests::TestDatabase;
use chrono::TimeDelta;

const SECRET: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";

on_every_database! {
    what_is_written_is_read_back_and_verifies,
    a_filter_finds_what_is_asked_for_page_by_page,
    four_connections_write_one_chain_without_a_fork,
    a_chain_that_many_begin_at_once_is_one,
    every_changed_field_is_found,
    a_row_taken_out_of_the_middle_is_found,
    rows_cut_off_at_the_end_are_found,
    swapped_and_renumbered_rows_are_found,
    an_inserted_row_is_found,
    a_changed_head_is_found_and_nothing_is_written_after_it,
    an_emptied_table_is_found,
    a_rollback_of_table_and_head_is_found_by_a_noted_head,
    another_secret_verifies_nothing_and_an_older_one_still_does,
    what_is_pruned_leaves_a_checkpoint,
    what_was_tampered_with_is_not_pruned,
    a_changed_checkpoint_is_found,
    a_walk_beside_appends_and_pruning_finds_no_damage,
    hostile_texts_are_kept_as_text,
    a_database_that_is_gone_is_told_and_the_flow_goes_on,
}

fn secret() -> SecretKey {
    SecretKey::new(SECRET).unwrap()
}

async fn trail(test: &TestDatabase) -> DatabaseAuditSink {
    let trail = DatabaseAuditSink::new(test.database.clone(), &secret());
    trail.create_tables().await.unwrap();
    trail
}

async fn filled(test: &TestDatabase, count: u64) -> DatabaseAuditSink {
    let trail = trail(test).await;
    fill(&trail, count).await;
    trail
}

async fn fill(trail: &DatabaseAuditSink, count: u64) {
    let origin = Origin::source(Some([203, 0, 113, 7].into())).with_user_agent("Blog/1.2").by("1");
    let audit = Audit::new().with_sink(trail.clone()).from(origin);
    for number in 0..count {
        let name = format!("number {number}");
        audit.record(AuditAction::GroupJoined { group: name.into() }, Some("7")).await;
    }
}

async fn damage(trail: &DatabaseAuditSink) -> (u64, ChainDamage) {
    match trail.verify().await.unwrap() {
        ChainReport::Damaged { seq, damage, .. } => (seq, damage),
        report => panic!("nothing is found: {report:?}"),
    }
}

async fn intact(trail: &DatabaseAuditSink) -> (u64, u64) {
    match trail.verify().await.unwrap() {
        ChainReport::Intact { entries, pruned, head, .. } => {
            assert_eq!(head, trail.head().await.unwrap());
            assert_eq!(head.seq(), pruned + entries);
            (entries, pruned)
        }
        report => panic!("{report:?}"),
    }
}

async fn what_is_written_is_read_back_and_verifies(test: TestDatabase) {
    let trail = trail(&test).await;
    assert_eq!(intact(&trail).await, (0, 0));
    assert!(trail.verify_since(&trail.head().await.unwrap()).await.unwrap().is_intact());
    let clock = ManualClock::new();
    let origin = Origin::source(Some("2001:db8::1".parse().unwrap())).with_user_agent("Blog/1.2 \"x\"").by("1");
    let audit = Audit::new().with_sink(trail.clone()).with_clock(Arc::new(clock.clone()));
    audit.record(AuditAction::LoginFailed { method: "password".into(), reason: "wrong".into() }, None).await;
    audit.from(origin).record(AuditAction::UserDeleted, Some("7")).await;
    let entries = trail.entries(&AuditFilter::new()).await.unwrap();
    let [deleted, failed] = &*entries else { panic!("{entries:?}") };
    assert_eq!((deleted.seq, failed.seq), (2, 1));
    assert_eq!((&*deleted.action, deleted.succeeded, deleted.user.as_deref()), ("user.deleted", true, Some("7")));
    assert_eq!((deleted.actor.as_deref(), deleted.source), (Some("1"), "2001:db8::1".parse().ok()));
    assert_eq!(deleted.user_agent.as_deref(), Some("Blog/1.2 \"x\""));
    assert_eq!(deleted.at.timestamp_micros(), clock.now().timestamp_micros());
    assert_eq!((&*failed.action, failed.succeeded, &failed.user, failed.source), ("login", false, &None, None));
    assert_eq!(failed.details, serde_json::json!({"method": "password", "reason": "wrong"}));
    assert_eq!(intact(&trail).await, (2, 0));
}

async fn a_filter_finds_what_is_asked_for_page_by_page(test: TestDatabase) {
    let trail = trail(&test).await;
    let clock = ManualClock::new();
    let audit = Audit::new().with_sink(trail.clone()).with_clock(Arc::new(clock.clone()));
    let began = clock.now();
    for user in ["7", "8", "7", "7"] {
        audit.record(AuditAction::LoggedOut, Some(user)).await;
        audit.from(Origin::unknown().by("1")).record(AuditAction::PasswordChanged, Some(user)).await;
        clock.advance(TimeDelta::hours(1));
    }
    let found = async |filter: AuditFilter| {
        let entries = trail.entries(&filter).await.unwrap();
        entries.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    let all = AuditFilter::new;
    assert_eq!(found(all()).await, [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(found(all().user("7").action("logout")).await, [7, 5, 1]);
    assert_eq!(found(all().actor("1").limit(2)).await, [8, 6]);
    assert_eq!(found(all().actor("1").limit(2).before(6)).await, [4, 2]);
    let hours = |hours| began + TimeDelta::hours(hours);
    assert_eq!(found(all().from(hours(1)).until(hours(2))).await, [4, 3]);
    for nobody in ["", "7' OR '1'='1", "7\0", "%", "seven"] {
        assert_eq!(found(all().user(nobody)).await, [0; 0], "{nobody:?}");
    }
    assert_eq!(found(all().limit(0)).await, [0; 0]);
    assert_eq!(found(all().before(u64::MAX).limit(u32::MAX)).await.len(), 8);
}

async fn four_connections_write_one_chain_without_a_fork(test: TestDatabase) {
    trail(&test).await;
    let mut tasks = tokio::task::JoinSet::new();
    for server in 0..4 {
        let url = test.url.clone();
        tasks.spawn(async move {
            let database = Database::connect(url.as_str()).await.unwrap();
            let trail = DatabaseAuditSink::new(database, &secret());
            let audit = Audit::new().with_sink(trail);
            for _ in 0..40 {
                audit.record(AuditAction::LoggedOut, Some(&server.to_string())).await;
            }
        });
    }
    tasks.join_all().await;
    let trail = trail(&test).await;
    assert_eq!(intact(&trail).await, (160, 0));
    for server in 0..4 {
        let theirs = trail.entries(&AuditFilter::new().user(server.to_string())).await.unwrap();
        assert_eq!(theirs.len(), 40);
    }
}

async fn a_chain_that_many_begin_at_once_is_one(test: TestDatabase) {
    trail(&test).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        // Each with a turn of its own, as servers have.
        let trail = DatabaseAuditSink::new(test.database.clone(), &secret());
        tasks.spawn(async move { fill(&trail, 2).await });
    }
    tasks.join_all().await;
    assert_eq!(intact(&trail(&test).await).await, (12, 0));
}

async fn every_changed_field_is_found(test: TestDatabase) {
    let trail = filled(&test, 3).await;
    let (yes, no) = if matches!(test.database, Database::Postgres(_)) { ("TRUE", "FALSE") } else { ("1", "0") };
    let changes = [
        ("at", "at + 1", "at - 1"),
        ("action", "'login'", "'group.joined'"),
        ("succeeded", no, yes),
        ("user_id", "'8'", "'7'"),
        ("user_id", "NULL", "'7'"),
        ("user_id", "''", "'7'"),
        ("actor", "'2'", "'1'"),
        ("source", "'203.0.113.8'", "'203.0.113.7'"),
        ("source", "NULL", "'203.0.113.7'"),
        ("user_agent", "''", "'Blog/1.2'"),
        ("details", "'{\"group\": \"number 1\"}'", "'{\"group\":\"number 1\"}'"),
        ("details", "'{}'", "'{\"group\":\"number 1\"}'"),
    ];
    for (column, changed, whole) in changes {
        let column = test.quote(column);
        assert_eq!(test.sql(&format!("UPDATE auth_audit SET {column} = {changed} WHERE seq = 2")).await, 1);
        assert_eq!(damage(&trail).await, (2, ChainDamage::Changed), "{column} = {changed}");
        assert_eq!(test.sql(&format!("UPDATE auth_audit SET {column} = {whole} WHERE seq = 2")).await, 1);
        assert!(trail.verify().await.unwrap().is_intact(), "{column} = {whole}");
    }
    // A MAC that was another's, or is none.
    for mac in ["(SELECT mac FROM (SELECT mac FROM auth_audit WHERE seq = 1) one)", "''"] {
        test.sql(&format!("UPDATE auth_audit SET mac = {mac} WHERE seq = 3")).await;
        assert_eq!(damage(&trail).await, (3, ChainDamage::Changed));
    }
}

async fn a_row_taken_out_of_the_middle_is_found(test: TestDatabase) {
    let trail = filled(&test, 5).await;
    assert_eq!(test.sql("DELETE FROM auth_audit WHERE seq = 3").await, 1);
    assert_eq!(damage(&trail).await, (3, ChainDamage::Missing));
    assert_eq!(test.sql("DELETE FROM auth_audit WHERE seq < 3").await, 2);
    assert_eq!(damage(&trail).await, (1, ChainDamage::Missing));
    // What is written afterwards does not heal it.
    fill(&trail, 3).await;
    assert_eq!(damage(&trail).await, (1, ChainDamage::Missing));
}

async fn rows_cut_off_at_the_end_are_found(test: TestDatabase) {
    let trail = filled(&test, 5).await;
    assert_eq!(test.sql("DELETE FROM auth_audit WHERE seq > 3").await, 2);
    assert_eq!(damage(&trail).await, (4, ChainDamage::CutOff));
    fill(&trail, 1).await;
    assert_eq!(damage(&trail).await, (4, ChainDamage::Missing));
}

async fn swapped_and_renumbered_rows_are_found(test: TestDatabase) {
    let trail = filled(&test, 5).await;
    for (from, to) in [(2, 100), (3, 2), (100, 3)] {
        assert_eq!(test.sql(&format!("UPDATE auth_audit SET seq = {to} WHERE seq = {from}")).await, 1);
    }
    assert_eq!(damage(&trail).await, (2, ChainDamage::Changed));
    // The one that was the third goes, and the others close the gap: the one that was the second stands there again.
    test.sql("DELETE FROM auth_audit WHERE seq = 2").await;
    for seq in 3..=5 {
        test.sql(&format!("UPDATE auth_audit SET seq = {} WHERE seq = {seq}", seq - 1)).await;
    }
    assert_eq!(damage(&trail).await, (3, ChainDamage::Changed));
}

async fn an_inserted_row_is_found(test: TestDatabase) {
    let trail = filled(&test, 3).await;
    for seq in [4, 1000, 0, -1] {
        let columns = "at, action, succeeded, user_id, actor, source, user_agent, details, mac";
        let columns =
            if matches!(test.database, Database::MySql(_)) { columns } else { &columns.replace("at,", "\"at\",") };
        let copy =
            format!("INSERT INTO auth_audit (seq, {columns}) SELECT {seq}, {columns} FROM auth_audit WHERE seq = 3");
        assert_eq!(test.sql(&copy).await, 1);
        assert_eq!(damage(&trail).await, (seq.try_into().unwrap_or(0), ChainDamage::Inserted));
        assert_eq!(test.sql(&format!("DELETE FROM auth_audit WHERE seq = {seq}")).await, 1);
    }
    assert_eq!(intact(&trail).await, (3, 0));
}

async fn a_changed_head_is_found_and_nothing_is_written_after_it(test: TestDatabase) {
    let trail = filled(&test, 5).await;
    // As it was two entries ago, without the seal that nobody else can make.
    test.sql("DELETE FROM auth_audit WHERE seq > 3").await;
    test.sql("UPDATE auth_audit_head SET seq = 3, mac = (SELECT mac FROM auth_audit WHERE seq = 3)").await;
    assert_eq!(damage(&trail).await, (3, ChainDamage::Head));
    assert!(matches!(trail.head().await, Err(AuditStoreError::Damaged(_))));
    fill(&trail, 1).await;
    assert_eq!(damage(&trail).await, (3, ChainDamage::Head), "it is not made genuine by what follows");
    test.sql("DELETE FROM auth_audit_head").await;
    fill(&trail, 1).await;
    assert_eq!(damage(&trail).await, (3, ChainDamage::Head));
    assert!(matches!(trail.head().await, Err(AuditStoreError::Damaged(_))));
}

async fn an_emptied_table_is_found(test: TestDatabase) {
    let trail = filled(&test, 2).await;
    let noted = trail.head().await.unwrap();
    test.sql("DELETE FROM auth_audit").await;
    assert_eq!(damage(&trail).await, (1, ChainDamage::CutOff));
    test.sql("DELETE FROM auth_audit_head").await;
    assert_eq!(intact(&trail).await, (0, 0));
    for entries in [0, 2, 5] {
        fill(&trail, entries).await;
        let report = trail.verify_since(&noted).await.unwrap();
        assert!(matches!(report, ChainReport::Damaged { damage: ChainDamage::RolledBack, seq: 2, .. }), "{report:?}");
    }
}

async fn a_rollback_of_table_and_head_is_found_by_a_noted_head(test: TestDatabase) {
    let trail = filled(&test, 2).await;
    let early = trail.head().await.unwrap();
    test.sql("CREATE TABLE backup_head AS SELECT * FROM auth_audit_head").await;
    fill(&trail, 2).await;
    let noted = trail.head().await.unwrap().to_string();
    let noted: AuditHead = noted.parse().unwrap();
    assert!(trail.verify_since(&noted).await.unwrap().is_intact());
    test.sql("DELETE FROM auth_audit WHERE seq > 2").await;
    test.sql("DELETE FROM auth_audit_head").await;
    test.sql("INSERT INTO auth_audit_head SELECT * FROM backup_head").await;
    assert_eq!(intact(&trail).await, (2, 0), "that is what it cannot find");
    assert!(trail.verify_since(&early).await.unwrap().is_intact());
    for _ in 0..2 {
        let report = trail.verify_since(&noted).await.unwrap();
        assert!(matches!(report, ChainReport::Damaged { damage: ChainDamage::RolledBack, .. }), "{report:?}");
        fill(&trail, 3).await;
    }
}

async fn another_secret_verifies_nothing_and_an_older_one_still_does(test: TestDatabase) {
    filled(&test, 2).await;
    let foreign = DatabaseAuditSink::new(test.database.clone(), &SecretKey::random());
    assert_eq!(damage(&foreign).await, (1, ChainDamage::Changed));
    let renewed = SecretKey::random();
    let rotating = renewed.clone().with_fallback(SECRET).unwrap();
    let rotating = DatabaseAuditSink::new(test.database.clone(), &rotating);
    fill(&rotating, 2).await;
    assert_eq!(intact(&rotating).await, (4, 0));
    let before = DatabaseAuditSink::new(test.database.clone(), &secret());
    assert_eq!(damage(&before).await, (3, ChainDamage::Changed));
    fill(&before, 1).await;
    assert_eq!(intact(&rotating).await, (4, 0), "whoever does not know the secret writes nothing");
    // Once what the old secret signed is pruned, it is not needed any more.
    let cut = rotating.entries(&AuditFilter::new()).await.unwrap()[1].at;
    assert_eq!(rotating.prune(cut).await.unwrap(), 2);
    let alone = DatabaseAuditSink::new(test.database.clone(), &renewed);
    assert_eq!(intact(&alone).await, (2, 2));
}

async fn what_is_pruned_leaves_a_checkpoint(test: TestDatabase) {
    let trail = trail(&test).await;
    let clock = ManualClock::new();
    let audit = Audit::new().with_sink(trail.clone()).with_clock(Arc::new(clock.clone()));
    let mut heads = Vec::new();
    for _ in 0..10 {
        audit.record(AuditAction::LoggedOut, Some("7")).await;
        heads.push(trail.head().await.unwrap());
        clock.advance(TimeDelta::days(1));
    }
    let days = |days| clock.now() - TimeDelta::days(days);
    assert_eq!(trail.prune(days(11)).await.unwrap(), 0);
    assert_eq!(intact(&trail).await, (10, 0));
    assert_eq!(trail.prune(days(7)).await.unwrap(), 3);
    assert_eq!(intact(&trail).await, (7, 3));
    assert_eq!(trail.prune(days(7)).await.unwrap(), 0);
    audit.record(AuditAction::LoggedOut, Some("7")).await;
    assert_eq!(intact(&trail).await, (8, 3));
    for (noted, head) in heads.iter().enumerate() {
        let report = trail.verify_since(head).await.unwrap();
        match noted {
            0 | 1 => assert!(matches!(report, ChainReport::Forgotten { pruned: 3, .. }), "{report:?}"),
            _ => assert!(report.is_intact(), "{report:?}"),
        }
    }
    // A row in place of what is gone is one too many.
    test.sql("UPDATE auth_audit SET seq = 2 WHERE seq = 4").await;
    assert_eq!(damage(&trail).await, (2, ChainDamage::Inserted));
    test.sql("UPDATE auth_audit SET seq = 4 WHERE seq = 2").await;
    assert_eq!(trail.prune(clock.now() + TimeDelta::days(1)).await.unwrap(), 8);
    assert_eq!(intact(&trail).await, (0, 11));
    audit.record(AuditAction::LoggedOut, Some("7")).await;
    assert_eq!(intact(&trail).await, (1, 11));
}

async fn what_was_tampered_with_is_not_pruned(test: TestDatabase) {
    let trail = filled(&test, 5).await;
    let at = test.quote("at");
    // All is made to look old, so that the next pruning takes it away.
    test.sql(&format!("UPDATE auth_audit SET {at} = 0 WHERE seq > 1")).await;
    let pruned = trail.prune(ManualClock::new().now() + TimeDelta::days(36500)).await;
    assert!(matches!(pruned, Err(AuditStoreError::Damaged(ChainReport::Damaged { seq: 2, .. }))), "{pruned:?}");
    assert_eq!(test.sql(&format!("UPDATE auth_audit SET {at} = 1")).await, 5);
}

async fn a_changed_checkpoint_is_found(test: TestDatabase) {
    let trail = filled(&test, 4).await;
    let third = trail.entries(&AuditFilter::new()).await.unwrap()[1].at;
    assert_eq!(trail.prune(third).await.unwrap(), 2);
    // The entry that it would have to hide is gone, and the checkpoint moved there without a seal.
    test.sql("UPDATE auth_audit_head SET seq = 3, mac = (SELECT mac FROM auth_audit WHERE seq = 3) WHERE name = 'checkpoint'")
        .await;
    test.sql("DELETE FROM auth_audit WHERE seq = 3").await;
    assert_eq!(damage(&trail).await, (0, ChainDamage::Checkpoint));
    assert!(matches!(trail.prune(third).await, Err(AuditStoreError::Damaged(_))));
    test.sql("DELETE FROM auth_audit_head WHERE name = 'checkpoint'").await;
    assert_eq!(damage(&trail).await, (1, ChainDamage::Missing));
    // The head's seal is no seal of a checkpoint.
    test.sql("UPDATE auth_audit_head SET name = 'checkpoint'").await;
    assert_eq!(damage(&trail).await, (0, ChainDamage::Checkpoint));
}

async fn a_walk_beside_appends_and_pruning_finds_no_damage(test: TestDatabase) {
    let trail = filled(&test, 20).await;
    let writing = tokio::spawn({
        let trail = trail.clone();
        async move { fill(&trail, 60).await }
    });
    let mut walks = 0;
    while !writing.is_finished() || walks < 3 {
        assert!(trail.verify().await.unwrap().is_intact());
        let entries = trail.entries(&AuditFilter::new()).await.unwrap();
        let middle = entries[entries.len() / 2].at;
        let (pruned, walked) = tokio::join!(trail.prune(middle), trail.verify());
        pruned.unwrap();
        assert!(walked.unwrap().is_intact());
        walks += 1;
    }
    writing.await.unwrap();
    let (entries, pruned) = intact(&trail).await;
    assert_eq!(entries + pruned, 80);
}

async fn hostile_texts_are_kept_as_text(test: TestDatabase) {
    let trail = trail(&test).await;
    let hostile = [
        "'); DROP TABLE auth_audit; --".to_owned(),
        "\",\"succeeded\":true}\r\n{\"".to_owned(),
        "a\0b\u{1b}[31m\n2026-01-01 INFO login user=1".to_owned(),
        "\u{202e}gnp.exe\u{2028}line".to_owned(),
        "\u{1f600}\\u0000 %s %n ${jndi:ldap://x}".to_owned(),
        "x".repeat(1 << 20),
        "\u{1f600}".repeat(1 << 18),
    ];
    for text in &hostile {
        let origin = Origin::unknown().with_user_agent(text).by(text);
        let audit = Audit::new().with_sink(trail.clone()).from(origin);
        let action = AuditAction::Custom { name: text.clone().into(), text: text.clone().into() };
        audit.record(action, Some(text)).await;
    }
    assert_eq!(intact(&trail).await.0, hostile.len() as u64);
    for entry in trail.entries(&AuditFilter::new()).await.unwrap() {
        let name = entry.details["name"].as_str().unwrap();
        for text in [name, &entry.user.unwrap(), &entry.actor.unwrap(), &entry.user_agent.unwrap()] {
            assert!(text.chars().count() <= 256 && !text.contains(char::is_control), "{text:?}");
            assert!(!text.contains(['\u{202e}', '\u{2028}']));
        }
    }
}

async fn a_database_that_is_gone_is_told_and_the_flow_goes_on(test: TestDatabase) {
    // There are no tables.
    let trail = DatabaseAuditSink::new(test.database.clone(), &secret());
    let audit = Audit::new().with_sink(trail.clone());
    audit.record(AuditAction::LoggedOut, Some("7")).await;
    assert!(matches!(trail.verify().await, Err(AuditStoreError::Store(_))));
    assert!(!format!("{trail:?} {audit:?}").contains(&SECRET[..6]));
    trail.create_tables().await.unwrap();
    let (sink, mut events) = auth::audit::ChannelSink::bounded(1);
    Audit::new().with_sink(sink).record(AuditAction::LoggedOut, Some("7")).await;
    let event = events.recv().await.unwrap();
    // A request that is dropped half-way does not keep the event out.
    drop(trail.record(&event));
    while trail.head().await.unwrap().seq() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_chain_of_many_batches_is_walked_and_pruned_like_a_short_one() {
    let test = auth_tests::sqlite_in_memory().await;
    let trail = trail(&test).await;
    let clock = ManualClock::new();
    let audit = Audit::new().with_sink(trail.clone()).with_clock(Arc::new(clock.clone()));
    let mut noted = Vec::new();
    for number in 1..=1500_u64 {
        audit.record(AuditAction::LoggedOut, Some(&number.to_string())).await;
        if number % 500 <= 1 {
            noted.push(trail.head().await.unwrap());
        }
        clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(intact(&trail).await, (1500, 0));
    for head in &noted {
        assert!(trail.verify_since(head).await.unwrap().is_intact());
    }
    for seq in [500, 501, 1000, 1500] {
        test.sql(&format!("UPDATE auth_audit SET user_id = 'x' WHERE seq = {seq}")).await;
        assert_eq!(damage(&trail).await, (seq, ChainDamage::Changed));
        test.sql(&format!("UPDATE auth_audit SET user_id = '{seq}' WHERE seq = {seq}")).await;
    }
    let older_than = |number: i64| clock.now() - TimeDelta::seconds(1500 - number);
    assert_eq!(trail.prune(older_than(500)).await.unwrap(), 500, "where a batch ends");
    assert_eq!(intact(&trail).await, (1000, 500));
    assert_eq!(trail.prune(older_than(1101)).await.unwrap(), 601);
    assert_eq!(intact(&trail).await, (399, 1101));
    test.sql("DELETE FROM auth_audit WHERE seq > 1499").await;
    assert_eq!(damage(&trail).await, (1500, ChainDamage::CutOff));
}
