use redis::{Cmd, ToRedisArgs};

/// Code that the server runs in one step. It names one key, so that a cluster runs it as well.
pub(crate) struct Script {
    code: String,
    digest: String,
}

impl Script {
    pub(crate) fn new(code: String) -> Self {
        let digest = redis::Script::new(&code).get_hash().to_owned();
        Self { code, digest }
    }

    pub(crate) fn of<K: ToRedisArgs>(&self, key: K) -> Call<'_> {
        Call { script: self, words: Vec::new() }.arg(key)
    }
}

/// A script and what it is called with.
pub(crate) struct Call<'a> {
    script: &'a Script,
    /// The key, and what follows it.
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
        command.arg(script).arg(1).arg(&self.words);
        command
    }
}
