/// Whom something is asked, what for, and in which attempt: an answer counts there only.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) user_id: &'a str,
    pub(super) purpose: &'static str,
    /// The login that is under way, or the session. A digest of it is kept, as a session's key is a secret.
    pub(super) attempt: &'a str,
}
