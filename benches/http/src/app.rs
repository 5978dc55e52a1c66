//! What all contestants share: one user, her permissions, her password.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, mpsc};

use anyhow::{Result, bail};
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use serde::Deserialize;
use tokio::sync::{Semaphore, oneshot};

pub const PERMISSION: &str = "app3.change_model3";

pub async fn ok() -> &'static str {
    "ok"
}

#[derive(Clone, Deserialize)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub password: String,
}

#[derive(Clone)]
pub struct Users(Arc<Inner>);

struct Inner {
    users: HashMap<i64, User>,
    permissions: HashMap<i64, HashSet<String>>,
    hash: Hash,
}

impl Users {
    /// A thousand users; the first one's name is `alice`. They share a password
    /// hash (argon2id m=19456 t=2 p=1), which only start-up time notices.
    pub fn new(hash: Hash) -> Self {
        let salt = SaltString::encode_b64(b"0123456789abcdef").unwrap();
        let password = Argon2::default().hash_password(b"secret", &salt).unwrap().to_string();
        let user = |id| User {
            id,
            name: if id == 1 { "alice".into() } else { format!("user{id}") },
            password: password.clone(),
        };
        let permissions = || (0..20).map(|i| format!("app{}.change_model{i}", i % 7)).collect::<HashSet<_>>();
        Self(Arc::new(Inner {
            users: (1..=1000).map(|id| (id, user(id))).collect(),
            permissions: (1..=1000).map(|id| (id, permissions())).collect(),
            hash,
        }))
    }

    pub fn get(&self, id: i64) -> Option<&User> {
        self.0.users.get(&id)
    }

    pub fn permissions(&self, id: i64) -> Option<&HashSet<String>> {
        self.0.permissions.get(&id)
    }

    pub async fn authenticate(&self, c: Credentials) -> Option<User> {
        let user = self.0.users.values().find(|u| u.name == c.username)?.clone();
        let good = self.0.hash.verify(c.password, user.password.clone()).await;
        good.then_some(user)
    }
}

/// Where a login's password hash is computed.
pub enum Hash {
    /// In the request's own task, holding up its worker thread.
    Inline,
    /// In `spawn_blocking`, as many at once as there are logins.
    Blocking,
    /// In `spawn_blocking`, one at a time.
    Bounded(Semaphore),
    /// On threads of their own at the lowest priority, one for each core.
    Nice(mpsc::Sender<Job>),
}

type Job = (String, String, oneshot::Sender<bool>);

impl Hash {
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "inline" => Self::Inline,
            "blocking" => Self::Blocking,
            "bounded" => Self::Bounded(Semaphore::new(1)),
            "nice" => Self::Nice(nice_threads()),
            other => bail!("unknown hash place {other}"),
        })
    }

    async fn verify(&self, password: String, stored: String) -> bool {
        match self {
            Self::Inline => verify(&password, &stored),
            Self::Blocking => blocking(password, stored).await,
            Self::Bounded(permits) => {
                let _permit = permits.acquire().await.unwrap();
                blocking(password, stored).await
            }
            Self::Nice(jobs) => {
                let (done, result) = oneshot::channel();
                jobs.send((password, stored, done)).unwrap();
                result.await.unwrap()
            }
        }
    }
}

fn verify(password: &str, stored: &str) -> bool {
    let stored = PasswordHash::new(stored).unwrap();
    Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()
}

async fn blocking(password: String, stored: String) -> bool {
    tokio::task::spawn_blocking(move || verify(&password, &stored)).await.unwrap()
}

fn nice_threads() -> mpsc::Sender<Job> {
    let (jobs, queue) = mpsc::channel::<Job>();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let queue = queue.clone();
        std::thread::spawn(move || {
            // SAFETY: on Linux this changes the calling thread's priority only.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
            loop {
                let job = queue.lock().unwrap().recv();
                let Ok((password, stored, done)) = job else { return };
                _ = done.send(verify(&password, &stored));
            }
        });
    }
    jobs
}
