//! What a wrapper leaves to the backend inside it, said once.

/// Methods of `SessionBackend` that `self.…` does: `pass_on!([inner] touch, delete)`.
macro_rules! pass_on {
    (@load [$($to:tt)+]) => { pass_on!(@read load [$($to)+]); };
    (@load_fresh [$($to:tt)+]) => { pass_on!(@read load_fresh [$($to)+]); };
    (@read $method:ident [$($to:tt)+]) => {
        fn $method<'a>(
            &'a self,
            id: &'a $crate::sessions::SessionDigest,
        ) -> $crate::BoxFuture<'a, Result<Option<std::sync::Arc<$crate::sessions::SessionRecord>>, $crate::sessions::SessionError>>
        {
            self.$($to)+.$method(id)
        }
    };
    (@save [$($to:tt)+]) => {
        fn save<'a>(
            &'a self,
            id: &'a $crate::sessions::SessionDigest,
            record: std::sync::Arc<$crate::sessions::SessionRecord>,
            condition: $crate::sessions::SaveIf,
        ) -> $crate::BoxFuture<'a, Result<$crate::sessions::Saved, $crate::sessions::SessionError>> {
            self.$($to)+.save(id, record, condition)
        }
    };
    (@touch [$($to:tt)+]) => {
        fn touch<'a>(
            &'a self,
            id: &'a $crate::sessions::SessionDigest,
            seen_at: chrono::DateTime<chrono::Utc>,
            expires_at: chrono::DateTime<chrono::Utc>,
        ) -> $crate::BoxFuture<'a, Result<bool, $crate::sessions::SessionError>> {
            self.$($to)+.touch(id, seen_at, expires_at)
        }
    };
    (@delete [$($to:tt)+]) => { pass_on!(@ask delete [$($to)+]); };
    (@exists [$($to:tt)+]) => { pass_on!(@ask exists [$($to)+]); };
    (@ask $method:ident [$($to:tt)+]) => {
        fn $method<'a>(
            &'a self,
            id: &'a $crate::sessions::SessionDigest,
        ) -> $crate::BoxFuture<'a, Result<bool, $crate::sessions::SessionError>> {
            self.$($to)+.$method(id)
        }
    };
    ($to:tt $($method:ident),+) => { $( pass_on!(@$method $to); )+ };
}

/// Methods of `UserSessions` that `self.…` does, if it can.
macro_rules! pass_users_on {
    (@sessions_of [$($to:tt)+]) => {
        fn sessions_of<'a>(
            &'a self,
            user_id: &'a str,
        ) -> $crate::BoxFuture<'a, Result<Vec<$crate::sessions::UserSession>, $crate::sessions::SessionError>> {
            Box::pin(async move { $crate::sessions::user_sessions::required(self.$($to)+.user_sessions())?.sessions_of(user_id).await })
        }
    };
    (@count_of [$($to:tt)+]) => {
        fn count_of<'a>(
            &'a self,
            user_id: &'a str,
        ) -> $crate::BoxFuture<'a, Result<u64, $crate::sessions::SessionError>> {
            Box::pin(async move { $crate::sessions::user_sessions::required(self.$($to)+.user_sessions())?.count_of(user_id).await })
        }
    };
    (@delete_of [$($to:tt)+]) => {
        fn delete_of<'a>(
            &'a self,
            user_id: &'a str,
            id: &'a $crate::sessions::SessionDigest,
        ) -> $crate::BoxFuture<'a, Result<bool, $crate::sessions::SessionError>> {
            Box::pin(async move { $crate::sessions::user_sessions::required(self.$($to)+.user_sessions())?.delete_of(user_id, id).await })
        }
    };
    (@delete_all_of [$($to:tt)+]) => {
        fn delete_all_of<'a>(
            &'a self,
            user_id: &'a str,
            except: Option<&'a $crate::sessions::SessionDigest>,
        ) -> $crate::BoxFuture<'a, Result<u64, $crate::sessions::SessionError>> {
            Box::pin(async move {
                $crate::sessions::user_sessions::required(self.$($to)+.user_sessions())?.delete_all_of(user_id, except).await
            })
        }
    };
    (@save_within [$($to:tt)+]) => {
        fn save_within<'a>(
            &'a self,
            id: &'a $crate::sessions::SessionDigest,
            record: std::sync::Arc<$crate::sessions::SessionRecord>,
            condition: $crate::sessions::SaveIf,
            limit: $crate::sessions::SessionLimit,
        ) -> $crate::BoxFuture<'a, Result<$crate::sessions::Saved, $crate::sessions::SessionError>> {
            Box::pin(async move {
                $crate::sessions::user_sessions::required(self.$($to)+.user_sessions())?.save_within(id, record, condition, limit).await
            })
        }
    };
    ($to:tt $($method:ident),+) => { $( pass_users_on!(@$method $to); )+ };
}

/// `SessionBackend::user_sessions` of a wrapper that is what the backend inside is.
macro_rules! user_sessions_as_inside {
    ([$($to:tt)+]) => {
        fn user_sessions(&self) -> Option<&dyn $crate::sessions::UserSessions> {
            self.$($to)+.user_sessions().map(|_| self as &dyn $crate::sessions::UserSessions)
        }
    };
}
