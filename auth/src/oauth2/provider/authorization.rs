//! A request by a browser: read, judged, answered (RFC 6749 §4.1, RFC 9207, RFC 9700 §2.1).

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::OAuth2ErrorCode as Code;
use super::{GrantType, OAuth2Application, OAuth2Authentication, OAuth2Error, Scope, redirect_uri};
use crate::mfa::AuthMethods;
use crate::oauth2::CodeChallenge;

/// A request that a registered client may make.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The client.
    pub application: OAuth2Application,
    /// Where the answer goes: one of the client's.
    pub redirect_uri: String,
    /// Whether the request named it, and so must the token request.
    pub names_redirect_uri: bool,
    /// What is wanted.
    pub response_type: ResponseType,
    /// What for: within what the client may have.
    pub scope: Scope,
    /// What the client wants back.
    pub state: Option<String>,
    /// What the code will be exchanged by. There always is one where a code is wanted.
    pub code_challenge: Option<CodeChallenge>,
    /// For the identity token (OpenID Connect).
    pub nonce: Option<String>,
    /// Whether the person may be asked, and must be (OpenID Connect).
    pub prompt: Vec<Prompt>,
    /// How many seconds ago the person may have logged in at the most (OpenID Connect).
    pub max_age: Option<u64>,
    /// How the person should have logged in (OpenID Connect); it is for the client to check.
    pub acr_values: Option<String>,
    /// When the person was sent to log in for this request, if they were.
    pub(super) login_after: Option<i64>,
    /// Whom the client expects (`id_token_hint`, OpenID Connect).
    pub(super) hinted_user: Option<String>,
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseType {
    /// A code.
    Code,
    /// A token, at once.
    #[cfg(feature = "danger-oauth2-implicit")]
    Token,
}

/// What a person is to be asked (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "OpenID Connect has these")]
pub enum Prompt {
    /// Nothing.
    None,
    /// To log in, also if they are logged in.
    Login,
    /// To agree, also if they have agreed.
    Consent,
    /// Who they are.
    SelectAccount,
}

/// What became of reading a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever reads must know all three")]
pub enum RequestVerdict {
    /// It may be made.
    Accepted(Box<AuthorizationRequest>),
    /// The client is told so: send the browser there.
    Redirect(String),
    /// Nobody knows whose request it is, so the browser must be sent nowhere: tell the person.
    Untrusted {
        /// What is wrong, in words.
        reason: &'static str,
    },
}

/// Who answers a request: somebody logged in, in person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever knows the login makes it")]
pub struct ResourceOwner {
    /// The user.
    pub user_id: String,
    /// The version of their credentials.
    pub credential: i64,
    /// When they logged in.
    pub auth_time: DateTime<Utc>,
    /// By which ways.
    pub methods: AuthMethods,
    /// What stores know their session by.
    pub session: Option<String>,
}

/// What has to happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must know all of them")]
pub enum AuthorizationStep {
    /// Somebody has to log in, or once more.
    LogIn,
    /// The person has to be asked.
    AskConsent,
    /// It is allowed: [`OAuth2Authentication::allow`].
    Allowed,
    /// The client is told no: send the browser there.
    Redirect(String),
}

impl OAuth2Authentication {
    /// Reads the parameters of a request.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store cannot tell, or there is no issuer.
    pub async fn read_authorization_request(
        &self,
        parameters: &[(String, String)],
    ) -> Result<RequestVerdict, OAuth2Error> {
        self.issuer()?;
        let untrusted = |reason| Ok(RequestVerdict::Untrusted { reason });
        let parameters = Parameters(parameters);
        let (Ok(client_id), Ok(given)) = (parameters.one("client_id"), parameters.one("redirect_uri")) else {
            return untrusted("`client_id` or `redirect_uri` is there twice");
        };
        let Some(client_id) = client_id else { return untrusted("there is no `client_id`") };
        let Some(application) = self.application(client_id).await? else {
            return untrusted("there is no such client");
        };
        let redirect_uri = match (given, application.redirect_uris.as_slice()) {
            (Some(given), _) if application.has_redirect_uri(given) => given,
            (None, [only]) => only,
            _ => return untrusted("the client has not registered this `redirect_uri`"),
        };
        let redirect_uri = redirect_uri.to_owned();
        let wants_fragment = cfg!(feature = "danger-oauth2-implicit")
            && parameters.one("response_type").ok().flatten().is_some_and(|kind| kind == "token");
        let target = Target { uri: &redirect_uri, in_fragment: wants_fragment };
        let state = parameters.one("state").ok().flatten();
        let issuer = self.issuer()?;
        let refused = |code, text| Ok(RequestVerdict::Redirect(target.error(code, text, state, issuer)));
        let mut request = match parameters.read(application.clone(), redirect_uri.clone(), given.is_some()) {
            Ok(request) => request,
            Err((code, description)) => return refused(code, description),
        };
        let once = |name| parameters.one(name).ok().flatten();
        match self.read_openid(&mut request, once("id_token_hint"), once("login_after")).await? {
            Ok(()) => Ok(RequestVerdict::Accepted(Box::new(request))),
            Err(description) => refused(Code::InvalidRequest, description),
        }
    }

    /// What has to happen before the request is answered.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store cannot tell.
    pub async fn consider(
        &self,
        request: &AuthorizationRequest,
        owner: Option<&ResourceOwner>,
    ) -> Result<AuthorizationStep, OAuth2Error> {
        let asks_nothing = request.prompt.contains(&Prompt::None);
        let owner = owner.filter(|owner| !request.needs_login(owner, self.now()));
        let Some(owner) = owner else {
            return Ok(if asks_nothing {
                AuthorizationStep::Redirect(self.refuse(request, Code::LoginRequired, "nobody is logged in")?)
            } else {
                AuthorizationStep::LogIn
            });
        };
        if request.is_for_another(owner) {
            let refused = self.refuse(request, Code::LoginRequired, "somebody else is logged in")?;
            return Ok(AuthorizationStep::Redirect(refused));
        }
        let (application, forced) = (&request.application, request.prompt.contains(&Prompt::Consent));
        let is_assured = application.is_confidential() || redirect_uri::proves_client(&request.redirect_uri);
        let may_skip = is_assured && !forced;
        if may_skip
            && (application.skips_consent || self.has_consent(&owner.user_id, application, &request.scope).await?)
        {
            return Ok(AuthorizationStep::Allowed);
        }
        Ok(if asks_nothing {
            AuthorizationStep::Redirect(self.refuse(request, Code::ConsentRequired, "the user has not agreed")?)
        } else {
            AuthorizationStep::AskConsent
        })
    }

    /// Answers a request with yes, and says where to send the browser.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails: nothing was issued.
    pub async fn allow(&self, request: &AuthorizationRequest, owner: &ResourceOwner) -> Result<String, OAuth2Error> {
        self.remember_consent(request, owner).await?;
        match request.response_type {
            ResponseType::Code => {
                let code = self.generate_authorization_code(request, owner).await?;
                self.answer(request, &[("code", code.expose())])
            }
            #[cfg(feature = "danger-oauth2-implicit")]
            ResponseType::Token => self.answer_implicit(request, owner).await,
        }
    }

    /// Answers a request with no, as its user wants, and says where to send the browser.
    ///
    /// # Errors
    /// [`OAuth2Error::Configuration`] where there is no issuer.
    pub fn deny(&self, request: &AuthorizationRequest) -> Result<String, OAuth2Error> {
        self.refuse(request, Code::AccessDenied, "the user said no")
    }

    /// Answers a request with an error, and says where to send the browser.
    ///
    /// # Errors
    /// [`OAuth2Error::Configuration`] where there is no issuer.
    pub fn refuse(
        &self,
        request: &AuthorizationRequest,
        code: Code,
        description: &'static str,
    ) -> Result<String, OAuth2Error> {
        Ok(request.target().error(code, description, request.state.as_deref(), self.issuer()?))
    }

    /// Where to send the browser with this.
    pub(super) fn answer(
        &self,
        request: &AuthorizationRequest,
        parameters: &[(&str, &str)],
    ) -> Result<String, OAuth2Error> {
        let state = request.state.as_deref().map(|state| ("state", state));
        let last = state.into_iter().chain([("iss", self.issuer()?)]);
        Ok(request.target().with(parameters.iter().copied().chain(last)))
    }
}

impl AuthorizationRequest {
    fn target(&self) -> Target<'_> {
        Target { uri: &self.redirect_uri, in_fragment: self.response_type != ResponseType::Code }
    }
}

/// Where answers go.
struct Target<'a> {
    uri: &'a str,
    in_fragment: bool,
}

impl Target<'_> {
    fn with<'p>(&self, parameters: impl Iterator<Item = (&'p str, &'p str)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            query.append_pair(name, value);
        }
        let joint = match (self.in_fragment, self.uri.contains('?')) {
            (true, _) => '#',
            (false, true) => '&',
            (false, false) => '?',
        };
        format!("{}{joint}{}", self.uri, query.finish())
    }

    fn error(&self, code: Code, description: &str, state: Option<&str>, issuer: &str) -> String {
        let error = [("error", code.as_str()), ("error_description", description)];
        let state = state.map(|state| ("state", state));
        self.with(error.into_iter().chain(state).chain([("iss", issuer)]))
    }
}

/// The parameters of a request. An empty one is none (RFC 6749 §3.1).
struct Parameters<'a>(&'a [(String, String)]);

type Refused = (Code, &'static str);

impl<'a> Parameters<'a> {
    fn one(&self, name: &str) -> Result<Option<&'a str>, Refused> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        match found.next() {
            None => Ok(first.filter(|value| !value.is_empty())),
            Some(_) => Err((Code::InvalidRequest, "a parameter is there twice")),
        }
    }

    fn read(
        &self,
        application: OAuth2Application,
        redirect_uri: String,
        names_redirect_uri: bool,
    ) -> Result<AuthorizationRequest, Refused> {
        check_parameters(self.0).map_err(|text| (Code::InvalidRequest, text))?;
        if self.one("request")?.is_some() {
            return Err((Code::RequestNotSupported, "requests as objects are not read here"));
        }
        if self.one("registration")?.is_some() {
            return Err((Code::RegistrationNotSupported, "clients are not registered by a request"));
        }
        if self.one("request_uri")?.is_some() {
            return Err((Code::RequestUriNotSupported, "requests are not fetched from elsewhere"));
        }
        let response_type = self.response_type(&application)?;
        let mode = self.one("response_mode")?;
        let expected = if response_type == ResponseType::Code { "query" } else { "fragment" };
        if mode.is_some_and(|mode| mode != expected) {
            return Err((Code::InvalidRequest, "there is no such `response_mode` here"));
        }
        let challenge = self.one("code_challenge")?;
        let method = self.one("code_challenge_method")?;
        let code_challenge = match (response_type, challenge, method) {
            (ResponseType::Code, Some(challenge), Some("S256")) => {
                let wrong = |_| (Code::InvalidRequest, "`code_challenge` is none of `S256`");
                Some(CodeChallenge::parse(challenge).map_err(wrong)?)
            }
            (ResponseType::Code, Some(_), _) => {
                return Err((Code::InvalidRequest, "`code_challenge_method` must be `S256`"));
            }
            (ResponseType::Code, None, _) => return Err((Code::InvalidRequest, "there is no `code_challenge`")),
            #[cfg(feature = "danger-oauth2-implicit")]
            (ResponseType::Token, ..) => None,
        };
        let max_age = self.one("max_age")?.map(str::parse).transpose();
        Ok(AuthorizationRequest {
            scope: self.scope(&application)?,
            state: self.one("state")?.map(str::to_owned),
            nonce: self.one("nonce")?.map(str::to_owned),
            prompt: self.prompt()?,
            max_age: max_age.map_err(|_| (Code::InvalidRequest, "`max_age` is a number of seconds"))?,
            acr_values: self.one("acr_values")?.map(str::to_owned),
            login_after: None,
            hinted_user: None,
            application,
            redirect_uri,
            names_redirect_uri,
            response_type,
            code_challenge,
        })
    }

    fn response_type(&self, application: &OAuth2Application) -> Result<ResponseType, Refused> {
        let unauthorized = (Code::UnauthorizedClient, "the client may not ask in this way");
        match self.one("response_type")? {
            Some("code") if application.may(GrantType::AuthorizationCode) => Ok(ResponseType::Code),
            Some("code") => Err(unauthorized),
            #[cfg(feature = "danger-oauth2-implicit")]
            Some("token") if application.may(GrantType::Implicit) => Ok(ResponseType::Token),
            #[cfg(feature = "danger-oauth2-implicit")]
            Some("token") => Err(unauthorized),
            Some(_) => Err((Code::UnsupportedResponseType, "there is no such `response_type` here")),
            None => Err((Code::InvalidRequest, "there is no `response_type`")),
        }
    }

    fn scope(&self, application: &OAuth2Application) -> Result<Scope, Refused> {
        asked(self.one("scope")?, &application.scopes).map_err(|description| (Code::InvalidScope, description))
    }

    fn prompt(&self) -> Result<Vec<Prompt>, Refused> {
        let names = self.one("prompt")?.unwrap_or_default().split(' ').filter(|name| !name.is_empty());
        let prompt = names.map(|name| match name {
            "none" => Ok(Prompt::None),
            "login" => Ok(Prompt::Login),
            "consent" => Ok(Prompt::Consent),
            "select_account" => Ok(Prompt::SelectAccount),
            _ => Err((Code::InvalidRequest, "there is no such `prompt`")),
        });
        let prompt = prompt.collect::<Result<Vec<_>, _>>()?;
        if prompt.contains(&Prompt::None) && prompt.len() > 1 {
            return Err((Code::InvalidRequest, "`prompt` is `none` and something else"));
        }
        Ok(prompt)
    }
}

/// Each parameter is there once (RFC 6749 §3.1), and there are not thousands of them, as strangers send: what reads them may look
/// through all for each.
pub(super) fn check_parameters(parameters: &[(String, String)]) -> Result<(), &'static str> {
    const MOST: usize = 100;
    let mut names = HashSet::new();
    if parameters.len() > MOST {
        return Err("there are more than 100 parameters");
    }
    let is_new = parameters.iter().all(|(name, _)| names.insert(name));
    if is_new { Ok(()) } else { Err("a parameter is there twice") }
}

/// The scope that is asked for, within what may be had; without one all of that, but for what stands for an identity.
pub(super) fn asked(given: Option<&str>, most: &Scope) -> Result<Scope, &'static str> {
    let Some(given) = given else { return Ok(most.without("openid").without("offline_access")) };
    let scope = Scope::parse(given).map_err(|_| "that is no scope")?;
    if scope.is_within(most) { Ok(scope) } else { Err("the scope is more than the client may have") }
}
