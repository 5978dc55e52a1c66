use std::any::TypeId;

use super::target::{Program, Target};
use super::{AuthConfig, ConfigErrors};
use crate::accounts::builder::{AuthBuilder, Sessions};
use crate::passwords::{Argon2Hasher, PasswordHashers, Passwords};
use crate::sessions::WhenFull;
use crate::users::UserModel;

impl<U: UserModel> AuthBuilder<U> {
    /// Lays the configuration over what the program says.
    ///
    /// # Errors
    /// Everything that is wrong with both.
    pub(in crate::accounts) fn configure(&mut self) -> Result<(), ConfigErrors> {
        let config = self.config.take().unwrap_or_else(AuthConfig::load);
        let mut target = self.target();
        config.apply(&mut target);
        if target.program.user_store {
            // A store of the program's own is not replaced by a database.
            target.database = self.database.take();
        }
        config.check_with(&target)?;
        if config.is_given_below("password.") {
            self.passwords = Some(passwords::<U>(&config, &target));
        }
        self.session_limit = target.session_limit();
        if let (false, Some(url)) = (target.program.session_backend, target.sessions) {
            self.sessions = Sessions::At(url);
        }
        self.database = target.database;
        self.limits = target.limits;
        self.records = target.records;
        self.secret = target.secret;
        self.secret_fallbacks = target.secret_fallbacks;
        self.backends = target.auth_backends;
        self.user_cache = target.user_cache;
        self.login = target.login;
        self.settings = target.web;
        Ok(())
    }

    fn target(&self) -> Target {
        Target {
            database: self.database.clone(),
            sessions: match &self.sessions {
                Sessions::At(url) => Some(url.clone()),
                Sessions::Default | Sessions::Given(_) => None,
            },
            limits: self.limits.clone(),
            records: self.records.clone(),
            secret: self.secret.clone(),
            secret_fallbacks: self.secret_fallbacks.clone(),
            auth_backends: self.backends.clone(),
            user_cache: self.user_cache,
            web: self.settings.clone(),
            max_per_user: self.session_limit.map(|limit| limit.max),
            at_limit: self.session_limit.map_or(WhenFull::Refuse, |limit| limit.when_full),
            program: Program {
                user_store: self.users.is_some(),
                session_backend: matches!(self.sessions, Sessions::Given(_)),
                passwords: self.passwords.is_some(),
                login_limiter: self.limiter.is_some(),
                other_hasher: TypeId::of::<U::Hasher>() != TypeId::of::<Argon2Hasher>(),
            },
            ..Target::default()
        }
    }
}

fn passwords<U: UserModel>(config: &AuthConfig, target: &Target) -> Passwords {
    let settings = &target.password;
    let hashers = if config.is_given_below("password.hash_memory") || config.is_given_below("password.hash_passes") {
        PasswordHashers::new(Argon2Hasher::new(settings.argon2().expect("the rules were kept")))
    } else {
        PasswordHashers::new(U::Hasher::default())
    };
    let passwords = Passwords::new(hashers).with_config(settings.rules().expect("the rules were kept"));
    let work = ["password.hash_threads", "password.hash_waiting", "password.hash_deadline"];
    if work.iter().any(|key| config.is_given(key)) { passwords.with_service(settings.service()) } else { passwords }
}
