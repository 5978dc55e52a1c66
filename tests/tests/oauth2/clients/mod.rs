//! Logging in by other providers, over HTTP: against fakes of them, which do as they are told, and against a certified one.

mod certified;
mod declared;
mod failures;
mod fake;
mod flows;
mod hostile;
mod identities;
mod listed;
mod logins;
mod reasons;
mod remote;
mod site;
