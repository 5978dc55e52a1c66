//! What every hasher promises, and what other systems wrote: each is checked with published vectors, upgraded at
//! login, and bounded.

use auth::passwords::{
    Argon2Hasher, BcryptHasher, PasswordHash, PasswordHasher, PasswordHashers, Pbkdf2Hasher, ScryptHasher, Verification,
};
use base64ct::{Base64Unpadded, Encoding as _};
use proptest::prelude::*;

use super::Spy;

mod argon2 {
    fn hasher() -> auth::passwords::Argon2Hasher {
        auth::passwords::Argon2Hasher::default()
    }
    auth::password_hasher_suite!(hasher);
}

mod bcrypt {
    fn hasher() -> auth::passwords::BcryptHasher {
        auth::passwords::BcryptHasher::new(10).unwrap()
    }
    auth::password_hasher_suite!(hasher);
}

mod scrypt {
    fn hasher() -> auth::passwords::ScryptHasher {
        auth::passwords::ScryptHasher::new(auth::passwords::ScryptParams::new(13, 8, 10).unwrap())
    }
    auth::password_hasher_suite!(hasher);
}

// PBKDF2's suite stands in its own file: its least work is too much for so many hashes in a build without optimisation.

const PASSWORD: &str = "correct horse battery staple";

/// Password and hash: one of each form, made by other systems.
const OTHERS: [(&str, &str); 21] = [
    // crypt_blowfish's own tests (openwall, wrapper.c); their salts are rows of one letter, C or X.
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    // libxcrypt 4.
    (PASSWORD, "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
    (PASSWORD, "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
    (PASSWORD, "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
    // passlib 1.7.4, and the examples of its documentation.
    ("password", "$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M"),
    ("password", "$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE"),
    (PASSWORD, "$pbkdf2-sha256$7$....................$hiEn7CNVJqbPkGVwBA/LZS6rx7ZwfARMvayqZi4dL6o"),
    (PASSWORD, "$pbkdf2$1212$yJmTknIOgZCy1lrr3Zszxg$O3Na1KiTrxFq./QmyTjnH8OHRKI"),
    (
        PASSWORD,
        "$pbkdf2-sha512$1212$1jpnrBXCOIfQGgMAQGgNAQ$1bz/PFt3mzFnmf6QC3oxVXDAyLABCmH9hI.V.7OdQpmHayTd5.3EqBdIrlBvjJykabLbln8zZ9oYSzM/UuAm8A",
    ),
    ("password", "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"),
    (PASSWORD, "$scrypt$ln=4,r=8,p=2$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo"),
    // RustCrypto's pbkdf2 0.13 (`src/phc.rs`), and Python's hashlib.
    (
        "passwordPASSWORDpassword",
        "$pbkdf2-sha256$i=4096,l=40$c2FsdFNBTFRzYWx0U0FMVHNhbHRTQUxUc2FsdFNBTFRzYWx0$NIyJ28vTKy8y2BS4EW6EzysXNH68GAAYHE4qH7jdU+HGNVGMfaxH6Q",
    ),
    (
        PASSWORD,
        "$pbkdf2-sha512$i=4096$c29tZXNhbHQ$GSxvs+cyWc0Y1nkzcEJdzMQN+loqSwQoE3+lTyt2fo8z4icAbf+aa2/0wPRbKUmDnZVOahJu39/Rpw5dcoYGjg",
    ),
    // argon2-cffi 25.1.
    (PASSWORD, "$argon2i$v=19$m=64,t=2,p=2$c29tZXNhbHQ$Qa+9KwT9lMGjI1xJfY7fudSJTfoMq/ihkJJjQPx18Us"),
    (PASSWORD, "$argon2d$v=19$m=64,t=2,p=2$c29tZXNhbHQ$pGbN+DGPSELThn8SRxsGrBnjaOvFFDamA7zdFu8oqbM"),
    (PASSWORD, "$argon2id$v=16$m=64,t=2,p=2$c29tZXNhbHQ$vTH5XjPlvnH4ZA6taxIA+u6F3RAqURG/eB4JlYdbAYU"),
    (PASSWORD, "argon2$argon2i$v=16$m=64,t=2,p=2$c29tZXNhbHQ$+NRkfz46+tyRrmyA3L+b49UZIwH8mtQPS0g1m5r9x7k"),
    ("password", "$argon2i$m=64,t=2,p=2$c29tZXNhbHQ$sPc90YKDjKPe+FHrPuZu49kbUGl6X871kfvpdkzK7zs"),
];

fn verify(hashers: &PasswordHashers, password: &str, hash: &str) -> Verification {
    hashers.verify(password, &PasswordHash::new(hash)).unwrap()
}

#[test]
fn what_other_systems_wrote_verifies_is_upgraded_and_costs_a_wrong_password_no_less() {
    let spy = Spy::default();
    let hashers = PasswordHashers::new(spy.clone());
    for (password, hash) in OTHERS {
        assert_eq!(verify(&hashers, password, hash), Verification::CorrectButRehash, "{hash}");
        assert_eq!(spy.work(), (0, 0), "{hash}");
        assert_eq!(verify(&hashers, "another", hash), Verification::Wrong, "{hash}");
        // The preferred hasher was asked to do what is missing.
        assert_eq!(spy.work(), (0, 1), "{hash}");
    }
    let new = hashers.hash(PASSWORD).unwrap();
    assert_eq!(hashers.verify(PASSWORD, &new).unwrap(), Verification::Correct);
}

/// `$name$params$salt$output`
fn phc(name: &str, params: &str, salt: &str, output: &str) -> String {
    let bytes = output.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
    let output: Vec<u8> = bytes.collect();
    let [salt, output] = [salt.as_bytes(), &output].map(Base64Unpadded::encode_string);
    format!("${name}${params}${salt}${output}")
}

#[test]
fn the_vectors_of_the_rfcs_verify() {
    let hashers = PasswordHashers::new(Argon2Hasher::default());
    // RFC 6070 (SHA-1), RFC 7914 §11 (PBKDF2 with SHA-256) and §12 (scrypt). Left out is what no password column
    // holds: outputs of less than 128 bits, an empty salt, 16777216 iterations.
    let vectors = [
        ("password", phc("pbkdf2-sha1", "i=1", "salt", "0c60c80f961f0e71f3a9b524af6012062fe037a6")),
        ("password", phc("pbkdf2-sha1", "i=2,l=20", "salt", "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957")),
        ("password", phc("pbkdf2", "i=4096", "salt", "4b007901b765489abead49d926f721d065a429c1")),
        (
            "passwordPASSWORDpassword",
            phc(
                "pbkdf2-sha1",
                "i=4096,l=25",
                "saltSALTsaltSALTsaltSALTsaltSALTsalt",
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
            ),
        ),
        ("pass\0word", phc("pbkdf2-sha1", "i=4096,l=16", "sa\0lt", "56fa6aa75548099dcc37d7f03425e0c3")),
        (
            "passwd",
            phc(
                "pbkdf2-sha256",
                "i=1,l=64",
                "salt",
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
                 49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
            ),
        ),
        (
            "Password",
            phc(
                "pbkdf2-sha256",
                "i=80000,l=64",
                "NaCl",
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56\
                 a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
            ),
        ),
        (
            "password",
            phc(
                "scrypt",
                "ln=10,r=8,p=16",
                "NaCl",
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
                 2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
            ),
        ),
        (
            "pleaseletmein",
            phc(
                "scrypt",
                "ln=14,r=8,p=1",
                "SodiumChloride",
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
                 d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
            ),
        ),
    ];
    for (password, hash) in vectors {
        assert_eq!(verify(&hashers, password, &hash), Verification::CorrectButRehash, "{hash}");
        assert_eq!(verify(&hashers, "another", &hash), Verification::Wrong, "{hash}");
    }
}

#[test]
fn bcrypt_checks_what_others_cut_as_they_cut_it_and_cuts_nothing_new() {
    let hasher = BcryptHasher::new(10).unwrap();
    let is_right = |password: &str, hash: &PasswordHash| hasher.verify(password, hash).unwrap();
    // By libxcrypt, of eighty characters.
    let cut = PasswordHash::new("$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S");
    let eighty = "0123456789".repeat(8);
    assert!(is_right(&eighty, &cut) && is_right(&eighty[..72], &cut) && is_right(&format!("{eighty}more"), &cut));
    assert!(!is_right(&eighty[..71], &cut));
    assert!(!is_right("", &cut));

    for (length, algorithm) in [(71, "2b"), (72, "2b"), (73, "bcrypt_sha256"), (80, "bcrypt_sha256")] {
        let password = &eighty[..length];
        let new = hasher.hash(password).unwrap();
        assert_eq!(new.algorithm(), algorithm);
        assert!(is_right(password, &new) && !hasher.needs_rehash(&new));
        // 72 bytes are all that the plain form looks at: see the type's documentation.
        assert_eq!(is_right(&format!("{password}x"), &new), length == 72);
    }
    // Whoever ends at a NUL would take one for the other.
    let plain = hasher.hash("before").unwrap();
    assert!(is_right("before", &plain) && !is_right("before\0after", &plain) && !is_right("before\0", &plain));
    assert_eq!(hasher.hash("before\0after").unwrap().algorithm(), "bcrypt_sha256");
}

#[test]
fn parameters_beyond_the_bounds_cost_nothing_and_never_verify() {
    let beyond = [
        "$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2b$17$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2b$03$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "bcrypt_sha256$$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$scrypt$ln=31,r=8,p=1$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "$scrypt$ln=63,r=8,p=1$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "$scrypt$ln=4294967295,r=8,p=1$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "$scrypt$ln=4,r=1073741823,p=1$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "$scrypt$ln=20,r=8,p=32$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "$scrypt$ln=0,r=8,p=1$NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo",
        "scrypt$2147483648$salt$8$1$7zVJrn+MMvzFhPNXBv0+X0FM9Wf3akyKurNSNnacH2HWAJPnlqpYFCBHaRLJ3NBkt8jsxxSY51ldUO9TLyGIUg==",
        "$pbkdf2-sha256$4294967295$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",
        "$pbkdf2-sha256$10000001$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",
        "$pbkdf2-sha256$0$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",
        "$pbkdf2-sha1$i=10000000,l=40$c2FsdA$NIyJ28vTKy8y2BS4EW6EzysXNH68GAAYHE4qH7jdU+HGNVGMfaxH6Q",
        "pbkdf2_sha256$4294967295$salt$YAlM7brDLBXgME4rrOJoadhiLKtrKGRihJk6YBa9xzQ=",
        "$argon2i$v=19$m=4294967295,t=2,p=2$c29tZXNhbHQ$Qa+9KwT9lMGjI1xJfY7fudSJTfoMq/ihkJJjQPx18Us",
    ];
    let spy = Spy::default();
    let hashers = PasswordHashers::new(spy.clone());
    for hash in beyond {
        assert_eq!(verify(&hashers, PASSWORD, hash), Verification::Wrong, "{hash}");
        assert_eq!(spy.work(), (0, 1), "{hash}");
    }
}

#[test]
fn what_is_not_exactly_a_hash_never_verifies() {
    let hashers = PasswordHashers::new(Argon2Hasher::default());
    let changes = [
        // bcrypt: another version, one digit, three, another alphabet, salts and outputs with bits left over.
        (4, "$2a$", "$2x$"),
        (4, "$2a$", "$2$"),
        (4, "$04$", "$4$"),
        (4, "$04$", "$004$"),
        (4, "$04$", "$+4$"),
        (4, "uu7E", "uv7E"),
        (4, "6CG", "6CH"),
        (4, "Lah/", "Lah+"),
        (4, "6CG", "6CG="),
        (4, "$2a$", "bcrypt$2a$"),
        (4, "$2a$", "bcrypt$bcrypt$$2a$"),
        (4, "$2a$", "bcrypt_sha256$$2a$"),
        // PBKDF2: the other digest, padding, the other alphabet, a part of the output, more of it.
        (7, "sha256", "sha512"),
        (7, "$pbkdf2-sha256", "$pbkdf2"),
        (7, "$6400$", "$06400$"),
        (7, "$6400$", "$i=6400,l=16$"),
        (7, "$6400$", "$i=06400$"),
        (7, "$6400$", "$l=32,i=6400$"),
        (7, "H9M", "H9M="),
        (7, "d0Xr97KWoymNE0LNNrnEgY4H9M", ""),
        (9, "....", "+..."),
        (14, "i=4096,l=40", "i=4096"),
        (14, "i=4096,l=40", "i=4096,l=39"),
        (14, "i=4096,l=40", "i=4096,l=40,x=1"),
        (15, "i=4096", "i=4096,l=32"),
        // scrypt: parameters in another order, missing, a part of the output, none.
        (13, "r=8,p=2", "p=2,r=8"),
        (13, ",p=2", ""),
        (13, "ln=4", "ln=04"),
        (13, "017SySNYg9Oi5NgrBUOQo", "0"),
        (13, "/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo", ""),
        (13, "OQo", "OQp"),
        (13, "NiZkzNm7l9I6x3gv5dy7tw", ""),
    ];
    for (index, from, to) in changes {
        let (password, good) = OTHERS[index];
        let damaged = good.replacen(from, to, 1);
        assert_ne!(damaged, good, "{from}");
        assert_eq!(verify(&hashers, password, &damaged), Verification::Wrong, "{damaged}");
    }
}

#[test]
fn django_needs_its_whole_output_and_a_power_of_two() {
    let hashers = PasswordHashers::new(Argon2Hasher::default());
    let good = "scrypt$16$2miwZsmrEye5wJVMLU47oC$8$1$7zVJrn+MMvzFhPNXBv0+X0FM9Wf3akyKurNSNnacH2HWAJPnlqpYFCBHaRLJ3NBkt8jsxxSY51ldUO9TLyGIUg==";
    assert!(verify(&hashers, "open-Sesame-42", good).is_correct());
    for (from, to) in [
        ("$16$", "$17$"),
        ("$16$", "$1$"),
        ("$16$", "$0$"),
        ("$8$1$", "$08$1$"),
        ("==", ""),
        ("H2HWAJPnlqpYFCBHaRLJ3NBkt8jsxxSY51ldUO9TLyGIUg==", "H2E="),
        ("2miwZsmrEye5wJVMLU47oC", ""),
        ("scrypt$", "$scrypt$"),
    ] {
        let damaged = good.replacen(from, to, 1);
        assert_ne!(damaged, good);
        assert_eq!(verify(&hashers, "open-Sesame-42", &damaged), Verification::Wrong, "{damaged}");
    }
}

#[test]
fn weaker_hashes_need_a_rehash_and_stronger_ones_do_not() {
    let salt_and_output = "NiZkzNm7l9I6x3gv5dy7tw$/hwC6VnkrarYBNbzzd2sO3017SySNYg9Oi5NgrBUOQo";
    let bcrypt = "abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
    let hashers: [(&dyn PasswordHasher, &str, bool); 13] = [
        (&BcryptHasher::default(), &format!("$2b$11${bcrypt}"), true),
        (&BcryptHasher::default(), &format!("$2b$12${bcrypt}"), false),
        (&BcryptHasher::default(), &format!("$2b$13${bcrypt}"), false),
        (&BcryptHasher::default(), &format!("bcrypt_sha256$$2b$12${bcrypt}"), false),
        (&BcryptHasher::default(), &format!("$2a$12${bcrypt}"), true),
        (&ScryptHasher::default(), &format!("$scrypt$ln=16,r=8,p=1${salt_and_output}"), true),
        (&ScryptHasher::default(), &format!("$scrypt$ln=17,r=8,p=1${salt_and_output}"), false),
        (&ScryptHasher::default(), &format!("$scrypt$ln=18,r=8,p=1${salt_and_output}"), false),
        (&Pbkdf2Hasher::default(), &format!("$pbkdf2-sha256$i=599999${salt_and_output}"), true),
        (&Pbkdf2Hasher::default(), &format!("$pbkdf2-sha256$i=600000${salt_and_output}"), false),
        (&Pbkdf2Hasher::default(), &format!("$pbkdf2-sha256$600000${salt_and_output}"), false),
        (
            &Pbkdf2Hasher::default(),
            &format!("$pbkdf2-sha256$i=600000,l=16$NiZkzNm7l9I6x3gv5dy7tw${}", "A".repeat(22)),
            true,
        ),
        (&Pbkdf2Hasher::default(), &format!("pbkdf2_sha256$1500000$NiZkzNm7l9I6x3gv5dy7tw${}=", "A".repeat(43)), true),
    ];
    for (hasher, hash, expected) in hashers {
        assert_eq!(hasher.needs_rehash(&PasswordHash::new(hash)), expected, "{hash}");
    }
}

/// Those that a digit more does not make heavy.
fn cheap() -> impl Strategy<Value = usize> {
    (0..OTHERS.len()).prop_filter("it is cheap", |index| !OTHERS[*index].1.contains("ln=16"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// One character is another one, or gone, or added.
    #[test]
    fn a_damaged_hash_never_verifies(index in cheap(), place: prop::sample::Index, character in "[ -~]?", adds: bool) {
        let (password, good) = OTHERS[index];
        let place = place.index(good.len());
        let end = if adds { place } else { place + 1 };
        let damaged = format!("{}{character}{}", &good[..place], &good[end..]);
        // `$2a$`, `$2b$` and `$2y$` mean the same.
        let is_version = good.starts_with("$2") && place == 2;
        prop_assume!(damaged != good && !is_version);
        let hashers = PasswordHashers::new(Spy::default());
        prop_assert_eq!(verify(&hashers, password, &damaged), Verification::Wrong, "{}", damaged);
    }

    #[test]
    fn no_text_is_a_panic(prefix in prop::sample::select(PREFIXES), rest in "[ -~]{0,120}|[$=,a-z0-9/.+]{0,120}|\\PC{0,60}") {
        let hashers = PasswordHashers::new(Spy::default());
        let hash = PasswordHash::new(format!("{prefix}{rest}"));
        prop_assert_eq!(hashers.verify(PASSWORD, &hash).unwrap(), Verification::Wrong);
    }
}

const PREFIXES: &[&str] = &[
    "$2b$04$",
    "bcrypt$$2b$",
    "bcrypt_sha256$$2b$04$",
    "$scrypt$ln=4,r=1,p=1$",
    "scrypt$16$salt$",
    "$pbkdf2-sha256$i=1",
    "$pbkdf2-sha512$1$",
    "$pbkdf2$",
    "pbkdf2_sha256$1$",
    "pbkdf2_sha1$1$",
    "$argon2i$v=19$m=64,t=1,p=1$",
    "argon2$$argon2d$",
    "pepper$a$",
];
