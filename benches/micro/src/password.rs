//! Password hashing: one hash of a 16-byte password, 16-byte salt, 32-byte tag.

use std::ffi::{c_char, c_int, c_void};
use std::hint::black_box;

use libloading::Library;

use timing::{Bench, Figure};

const PASSWORD: &[u8] = b"correct horse b.";
const SALT: &[u8; 16] = b"0123456789abcdef";

pub fn run(bench: &Bench) {
    // OWASP's first choice, and the default of `argon2` and `rust-argon2`.
    argon2id(bench, "password: argon2id m=19456 t=2 p=1", 19_456, 2);
    // OWASP's alternative with more passes and less memory.
    argon2id(bench, "password: argon2id m=7168 t=5 p=1", 7_168, 5);
    // RFC 9106's second choice with one lane (its p=4 needs threads).
    argon2id(bench, "password: argon2id m=65536 t=3 p=1", 65_536, 3);
    bench.run(Figure::new("password: bcrypt cost 12").add("bcrypt", || bcrypt::bcrypt(12, *SALT, black_box(PASSWORD))));
}

fn argon2id(bench: &Bench, figure: &'static str, m: u32, t: u32) {
    if !bench.wants(figure) {
        return;
    }
    let old = {
        use argon2::{Algorithm, Argon2, Params, Version};
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(m, t, 1, None).unwrap())
    };
    let new = {
        use argon2_new::{Algorithm, Argon2, Params, Version};
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(m, t, 1, None).unwrap())
    };
    let reused = old.clone();
    let mut blocks = vec![argon2::Block::default(); m as usize];
    let config = argon2_rust::Config {
        variant: argon2_rust::Variant::Argon2id,
        mem_cost: m,
        time_cost: t,
        ..Default::default()
    };

    let expected = raw(|out| old.hash_password_into(PASSWORD, SALT, out).unwrap());
    assert_eq!(expected, raw(|out| new.hash_password_into(PASSWORD, SALT, out).unwrap()));
    assert_eq!(expected, c_reference(argon2_sys::argon2id_hash_raw, m, t));
    assert_eq!(expected[..], argon2_rust::hash_raw(PASSWORD, SALT, &config).unwrap());

    let mut rivals = Figure::new(figure)
        .add("argon2 0.5 (RustCrypto)", move || {
            raw(|out| old.hash_password_into(black_box(PASSWORD), SALT, out).unwrap())
        })
        .add("argon2 0.5, memory reused between calls", move || {
            raw(|out| {
                let pw = black_box(PASSWORD);
                reused.hash_password_into_with_memory(pw, SALT, out, &mut blocks).unwrap()
            })
        })
        .add("argon2 0.6 (RustCrypto)", move || {
            raw(|out| new.hash_password_into(black_box(PASSWORD), SALT, out).unwrap())
        })
        .add("rust-argon2 3", move || argon2_rust::hash_raw(black_box(PASSWORD), SALT, &config).unwrap())
        .add("C reference, opt.c, -march=native (argon2-sys)", move || {
            c_reference(argon2_sys::argon2id_hash_raw, m, t)
        });
    for (name, wipe) in [("wiped", true), ("not wiped", false)] {
        assert_eq!(expected, kept::hash(m, t, wipe));
        let name = format!("limit: C opt.c native, memory kept in huge pages, {name}");
        rivals = rivals.add(name, move || kept::hash(m, t, wipe));
    }
    if let Some(hash) = libargon2() {
        assert_eq!(expected, c_reference(hash, m, t));
        rivals = rivals.add("C reference, the distribution's libargon2", move || c_reference(hash, m, t));
    }
    if let Some(pwhash) = libsodium() {
        assert_eq!(expected, sodium_hash(pwhash, m, t));
        rivals = rivals.add("libsodium (picks its code at run time)", move || sodium_hash(pwhash, m, t));
    }
    bench.run(rivals);
}

fn raw(hash: impl FnOnce(&mut [u8])) -> [u8; 32] {
    let mut out = [0; 32];
    hash(&mut out);
    out
}

/// `argon2id_hash_raw` of the C reference implementation.
type HashRaw =
    unsafe extern "C" fn(u32, u32, u32, *const c_void, usize, *const c_void, usize, *mut c_void, usize) -> c_int;

fn c_reference(hash: HashRaw, m: u32, t: u32) -> [u8; 32] {
    raw(|out| {
        let pw = black_box(PASSWORD);
        let (pw, salt, tag) = (pw.as_ptr().cast(), SALT.as_ptr().cast(), out.as_mut_ptr().cast());
        // SAFETY: every pointer goes with the length of the buffer it points to.
        let code = unsafe { hash(t, m, 1, pw, PASSWORD.len(), salt, SALT.len(), tag, out.len()) };
        assert_eq!(code, 0);
    })
}

/// A shared library, where the system has it; kept for the whole run. (Linked
/// statically, libsodium and argon2-sys would clash over BLAKE2's names.)
fn system_library(name: &str) -> Option<&'static Library> {
    // SAFETY: neither library runs code of consequence when it is loaded.
    unsafe { Library::new(name) }.ok().map(|lib| &*Box::leak(Box::new(lib)))
}

fn libargon2() -> Option<HashRaw> {
    // SAFETY: the type is the one that argon2.h declares.
    Some(*unsafe { system_library("libargon2.so.1")?.get(b"argon2id_hash_raw") }.ok()?)
}

/// `crypto_pwhash`, which takes memory in bytes and has no lanes.
type Pwhash = unsafe extern "C" fn(*mut u8, u64, *const c_char, u64, *const u8, u64, usize, c_int) -> c_int;

fn libsodium() -> Option<Pwhash> {
    let lib = system_library("libsodium.so.23")?;
    // SAFETY: the types are those that sodium.h declares.
    unsafe {
        lib.get::<unsafe extern "C" fn() -> c_int>(b"sodium_init").ok()?();
        Some(*lib.get(b"crypto_pwhash").ok()?)
    }
}

fn sodium_hash(pwhash: Pwhash, m: u32, t: u32) -> [u8; 32] {
    const ARGON2ID13: c_int = 2;
    raw(|out| {
        let pw = black_box(PASSWORD);
        let (n, len, mem) = (out.len() as u64, pw.len() as u64, m as usize * 1024);
        // SAFETY: the salt has the 16 bytes it must have; the rest go with their lengths.
        let code = unsafe {
            let (out, pw) = (out.as_mut_ptr(), pw.as_ptr().cast());
            pwhash(out, n, pw, len, SALT.as_ptr(), t.into(), mem, ARGON2ID13)
        };
        assert_eq!(code, 0);
    })
}

/// The C code at its best: its memory is kept from call to call, in huge pages.
mod kept {
    use std::alloc::{Layout, alloc};
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

    use argon2_sys::{ARGON2_VERSION_13, Argon2_Context, Argon2_id, argon2_ctx};

    use super::{PASSWORD, SALT, black_box, c_int, raw};

    static MEMORY: AtomicPtr<u8> = AtomicPtr::new(null_mut());
    const MOST: usize = 64 << 20;

    unsafe extern "C" {
        /// Whether the C code wipes its memory when it has finished.
        static mut FLAG_clear_internal_memory: c_int;
    }

    unsafe extern "C" fn take(memory: *mut *mut u8, bytes: usize) -> c_int {
        assert!(bytes <= MOST);
        if MEMORY.load(Relaxed).is_null() {
            // SAFETY: the layout is not empty, and the advice is about this block.
            MEMORY.store(
                unsafe {
                    let block = alloc(Layout::from_size_align(MOST, 2 << 20).unwrap());
                    libc::madvise(block.cast(), MOST, libc::MADV_HUGEPAGE);
                    block
                },
                Relaxed,
            );
        }
        // SAFETY: the C code passes a valid place for the pointer.
        unsafe { *memory = MEMORY.load(Relaxed) };
        0
    }

    unsafe extern "C" fn keep(_memory: *mut u8, _bytes: usize) {}

    pub fn hash(m: u32, t: u32, wipe: bool) -> [u8; 32] {
        raw(|out| {
            let mut context = Argon2_Context {
                out: out.as_mut_ptr(),
                outlen: out.len() as u32,
                pwd: black_box(PASSWORD).as_ptr().cast_mut(),
                pwdlen: PASSWORD.len() as u32,
                salt: SALT.as_ptr().cast_mut(),
                saltlen: SALT.len() as u32,
                secret: null_mut(),
                secretlen: 0,
                ad: null_mut(),
                adlen: 0,
                t_cost: t,
                m_cost: m,
                lanes: 1,
                threads: 1,
                version: ARGON2_VERSION_13,
                allocate_cbk: Some(take),
                free_cbk: Some(keep),
                flags: 0,
            };
            // SAFETY: every pointer goes with its length, the flags ask for no
            // wiping of the inputs, and this program hashes on one thread.
            let code = unsafe {
                FLAG_clear_internal_memory = c_int::from(wipe);
                argon2_ctx(&mut context, Argon2_id)
            };
            // SAFETY: as above; the other contestants wipe, as they do by default.
            unsafe { FLAG_clear_internal_memory = 1 };
            assert_eq!(code, 0);
        })
    }
}
