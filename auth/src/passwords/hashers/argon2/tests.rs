use super::*;

/// Argon2id 1.3 from the reference implementation's `src/test.c`
/// (<https://github.com/P-H-C/phc-winner-argon2>): password, PHC string. Those of 64 MiB and less.
const REFERENCE: [(&str, &str); 7] = [
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
    ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
    ("password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"),
    ("password", "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"),
    ("differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"),
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw"),
];

/// Written by Django: `argon2id-ascii` and `argon2id-empty` of its vectors.
const DJANGO: [(&str, &str); 2] = [
    (
        "open-Sesame-42",
        "argon2$argon2id$v=19$m=120,t=1,p=2$dDVEdUFKRkJkMzJwNnN6dXVCeXpVSA$8DD6/R+jVbQHaJRDJzst9R+rZRo8jCOLQsqAZieZqww",
    ),
    (
        "",
        "argon2$argon2id$v=19$m=88,t=1,p=1$aUhueUg2dDNEcjhFVENaODBQeGdiSA$EPpXkwU1uaN/VRjCqGrefYjuqAP2+7mgCxuTTuk7GrM",
    ),
];

/// Of the older varieties and version, by argon2-cffi 25.1 (the reference implementation).
const OLDER: [(&str, &str); 5] = [
    (PASSWORD, "$argon2i$v=16$m=64,t=2,p=2$c29tZXNhbHQ$+NRkfz46+tyRrmyA3L+b49UZIwH8mtQPS0g1m5r9x7k"),
    (PASSWORD, "$argon2i$v=19$m=64,t=2,p=2$c29tZXNhbHQ$Qa+9KwT9lMGjI1xJfY7fudSJTfoMq/ihkJJjQPx18Us"),
    (PASSWORD, "$argon2d$v=16$m=64,t=2,p=2$c29tZXNhbHQ$rT8pw5EwEMHDBpFUeZwRHstWBYr8b9FCvgnoKSdHez0"),
    (PASSWORD, "$argon2d$v=19$m=64,t=2,p=2$c29tZXNhbHQ$pGbN+DGPSELThn8SRxsGrBnjaOvFFDamA7zdFu8oqbM"),
    (PASSWORD, "$argon2id$v=16$m=64,t=2,p=2$c29tZXNhbHQ$vTH5XjPlvnH4ZA6taxIA+u6F3RAqURG/eB4JlYdbAYU"),
];
const PASSWORD: &str = "correct horse battery staple";

fn verifies(password: &str, encoded: &str) -> bool {
    Argon2Hasher::default().verify(password, &PasswordHash::new(encoded)).expect("it works")
}

#[test]
fn published_vectors_verify_with_memory_kept_and_without() {
    for (password, encoded) in REFERENCE.iter().chain(&DJANGO) {
        assert!(verifies(password, encoded), "{encoded}");
        assert!(!verifies("open-Sesame-42 ", encoded), "{encoded}");
    }
    keep_on_this_thread();
    for (password, encoded) in REFERENCE.iter().chain(&DJANGO) {
        assert!(verifies(password, encoded), "{encoded}");
    }
}

#[test]
fn older_varieties_verify_also_in_djangos_form_and_without_a_version() {
    let hasher = Argon2Hasher::default();
    for (password, encoded) in OLDER {
        for encoded in [encoded.to_owned(), format!("argon2{encoded}"), encoded.replace("$v=16", "")] {
            assert!(verifies(password, &encoded), "{encoded}");
            assert!(!verifies("correct horse battery stable", &encoded), "{encoded}");
            assert!(hasher.needs_rehash(&PasswordHash::new(&*encoded)), "{encoded}");
        }
    }
    // Strong enough, but for the variety.
    let strong = "$m=65536,t=4,p=1$c29tZXNhbHRzb21lc2FsdA$+NRkfz46+tyRrmyA3L+b49UZIwH8mtQPS0g1m5r9x7k";
    for (variety, old) in [("argon2id$v=19", false), ("argon2id$v=16", true), ("argon2i$v=19", true)] {
        let hash = PasswordHash::new(format!("${variety}{strong}"));
        assert_eq!(hasher.needs_rehash(&hash), old, "{variety}");
    }
}

#[test]
fn what_is_not_exactly_a_hash_within_the_bounds_never_verifies() {
    let good = REFERENCE[1].1;
    assert!(verifies("password", good));
    let damaged = [
        "",
        "!",
        "$",
        "$argon2id",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM",
        "$argon2id$v=19$m=256,t=2,p=1$c2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "argon2$garbage",
    ];
    for encoded in damaged {
        assert!(!verifies("password", encoded), "{encoded}");
    }
    let changes = [
        ("argon2id", "argon2i"),
        ("v=19", "v=16"),
        ("v=19", "v=18"),
        ("v=19", "v=19$v=19"),
        ("v=19$", ""),
        ("m=256", "m=0256"),
        ("m=256", "m=+256"),
        ("m=256", "m=4294967295"),
        ("m=256", "m=99999999999"),
        ("m=256", "m=7"),
        ("t=2", "t=0"),
        ("t=2", "t=65"),
        ("p=1", "p=17"),
        ("m=256,t=2", "m=1048576,t=5"),
        ("p=1", "p=1,keyid=AAAA"),
        ("m=256,t=2", "t=2,m=256"),
        ("$m=256", "$$m=256"),
        ("c29tZXNhbHQ", "c29tZXNhbHQ="),
        ("Gi/4", "Gi/5"),
        ("Gi/4", "Gi/4$"),
        ("Gi/4", "Gi/4 "),
    ];
    for (from, to) in changes {
        let encoded = good.replacen(from, to, 1);
        assert_ne!(encoded, good);
        assert!(!verifies("password", &encoded), "{encoded}");
    }
    assert!(!verifies("password", &format!("{good}{}", "A".repeat(1 << 20))));
}

#[test]
fn weaker_parameters_need_a_rehash_and_stronger_ones_do_not() {
    let hasher = Argon2Hasher::default();
    let hash = hasher.hash("correct horse battery").expect("it works");
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    assert!(!hasher.needs_rehash(&hash));
    let stronger = Argon2Hasher::new(Argon2Params::new(19_456, 3, 1).expect("it works"));
    assert!(stronger.needs_rehash(&hash));
    assert!(!hasher.needs_rehash(&stronger.hash("correct horse battery").expect("it works")));
    for (_, encoded) in REFERENCE.iter().chain(&DJANGO) {
        assert!(hasher.needs_rehash(&PasswordHash::new(*encoded)), "{encoded}"); // short salts, few passes
    }
    for encoded in ["", "!", "$argon2id$", "$2b$12$", "plain text"] {
        assert!(hasher.needs_rehash(&PasswordHash::new(encoded)), "{encoded}");
    }
}

#[test]
fn the_missing_work_is_what_a_weaker_hash_lacks() {
    let wanted = Argon2Params::default();
    assert_eq!(missing(wanted, 0), Some(wanted));
    assert_eq!(missing(wanted, wanted.work()), None);
    assert_eq!(missing(wanted, u64::MAX), None);
    let rest = missing(wanted, 512).expect("it works");
    assert_eq!(rest.work() + 512, wanted.work());
}
