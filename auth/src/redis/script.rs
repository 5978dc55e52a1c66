use redis::{Cmd, ToRedisArgs};

/// Code that the server runs in one step. It names one key, or several with one hash tag, so that a cluster runs it as
/// well.
pub(crate) struct Script {
    code: String,
    digest: String,
}

impl Script {
    pub(crate) fn new(code: String) -> Self {
        let digest = redis::Script::new(&code).get_hash().to_owned();
        Self { code, digest }
    }

    #[cfg_attr(
        not(any(feature = "cache-redis", feature = "record-redis", feature = "session-redis")),
        expect(dead_code, reason = "limits are always about several keys")
    )]
    pub(crate) fn of<K: ToRedisArgs>(&self, key: K) -> Call<'_> {
        Call { script: self, keys: 1, words: Vec::new() }.arg(key)
    }

    /// About several keys, which the same server has: they are alike between their first curly brackets.
    #[cfg(feature = "limit-redis")]
    pub(crate) fn of_all<K: ToRedisArgs>(&self, keys: &[K]) -> Call<'_> {
        Call { script: self, keys: keys.len(), words: Vec::new() }.arg(keys)
    }
}

/// A script and what it is called with.
pub(crate) struct Call<'a> {
    script: &'a Script,
    keys: usize,
    /// The keys, and what follows them.
    words: Vec<Vec<u8>>,
}

impl Call<'_> {
    pub(crate) fn arg<T: ToRedisArgs>(mut self, word: T) -> Self {
        word.write_redis_args(&mut self.words);
        self
    }

    /// For a server that knows the script.
    pub(super) fn by_digest(&self) -> Cmd {
        self.command("EVALSHA", &self.script.digest)
    }

    /// For one that was started since, or that has the key now.
    pub(super) fn whole(&self) -> Cmd {
        self.command("EVAL", &self.script.code)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys).arg(&self.words);
        command
    }
}
