//! What a provider's answer means before anybody looks at a name in it: the status first, then the body's form.
//!
//! The status outranks the body: a 401 with an HTML page is still a no. Only what certainly speaks of the credential may
//! blame it; everything in doubt is the provider's fault, since a caller must never hear "bad token" while the provider
//! is merely down.

use serde_json::Value;

use crate::{Answer, Complaint, Content, Context, Object, Refusal, Response};

/// What the answer to the check says of the token, after the setting `mode`: claims of a verified token as they are, an
/// introspection (RFC 7662) by its rules, everything else as userinfo.
///
/// # Errors
/// The answer is a no, or no answer at all.
pub fn claims(context: &Context, answers: &[Answer]) -> Result<Object, Refusal> {
    match answers.first() {
        Some(Answer::Verified(verified)) => Object::claims(&verified.claims),
        Some(Answer::Response(response)) if context.mode("introspection") => response.introspected(),
        Some(Answer::Response(response)) => response.object(),
        None => Err(no_answer()),
    }
}

/// The response to the check.
///
/// # Errors
/// There is none.
pub fn first(answers: &[Answer]) -> Result<&Response, Refusal> {
    match answers.first() {
        Some(Answer::Response(response)) => Ok(response),
        _ => Err(no_answer()),
    }
}

/// The response to the request of this label, once it is there.
#[must_use]
pub fn response_to<'a>(answers: &'a [Answer], label: &str) -> Option<&'a Response> {
    answers.iter().find_map(|answer| match answer {
        Answer::Response(response) if response.to == label => Some(response),
        _ => None,
    })
}

fn no_answer() -> Refusal {
    Refusal::unavailable("there is no answer to the check")
}

impl Response {
    /// A header's value, the first of that name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }

    /// Whether the body, of whatever type, holds this text.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        match &self.body {
            Content::Empty => false,
            Content::Json(json) => json.contains(text),
            Content::Other(bytes) => String::from_utf8_lossy(bytes).contains(text),
        }
    }

    /// The JSON object of a call made with the credential (userinfo, who-am-I).
    ///
    /// # Errors
    /// By status (RFC 6750 3.1), then by the body's form.
    pub fn object(&self) -> Result<Object, Refusal> {
        self.accepted()?;
        Object::parse(&self.body)
    }

    /// The JSON list of objects of a call made with the credential.
    ///
    /// # Errors
    /// As for [`Response::object`].
    pub fn list(&self) -> Result<Vec<Object>, Refusal> {
        self.accepted()?;
        Object::parse_list(&self.body)
    }

    /// The answer to an introspection that says that the token is active (RFC 7662 2.2).
    ///
    /// # Errors
    /// 400, 401 and 403 speak of the gateway's own credentials. Nothing but a literal `true` is active.
    pub fn introspected(&self) -> Result<Object, Refusal> {
        self.accepted_as_client()?;
        let answer = Object::parse(&self.body)?;
        match answer.members().get("active") {
            Some(Value::Bool(true)) => Ok(answer.of_token()),
            Some(Value::Bool(false)) => Err(Refusal::invalid("the provider says that the token is not active")),
            _ => Err(Refusal::invalid("the answer has no `active` that is true or false")),
        }
    }

    /// Whether the status is that of a yes to a call made with the credential.
    ///
    /// # Errors
    /// Any other status, with its meaning.
    pub fn accepted(&self) -> Result<(), Refusal> {
        let complaint = || Complaint::of(self);
        match self.status {
            200..=299 => Ok(()),
            401 => Err(Refusal::invalid(format!("the provider refuses the token: 401{}", complaint().code()))),
            403 if complaint().is("insufficient_scope") => Err(Refusal::scope(
                "the provider says 403: the token has not the scopes that this needs",
                complaint().scopes,
            )),
            400 if complaint().is("invalid_token") => {
                Err(Refusal::invalid("the provider refuses the token: 400 (invalid_token)"))
            }
            _ => Err(self.fault()),
        }
    }

    /// Whether the status is that of a yes to a call made as the provider's client.
    ///
    /// # Errors
    /// Any other status. None of them blames the credential, but for one word: a provider that judges some kinds of its
    /// tokens only (oidc-provider and JWTs) says `unsupported_token_type`, as RFC 7009 2.2.1 calls it, of the others.
    pub fn accepted_as_client(&self) -> Result<(), Refusal> {
        match self.status {
            200..=299 => Ok(()),
            400 if Complaint::of(self).is("unsupported_token_type") => {
                Err(Refusal::invalid("the provider judges no tokens of this kind here: 400 (unsupported_token_type)"))
            }
            401 | 403 => Err(Refusal::misconfigured(format!(
                "the provider refuses this gateway as a client: {}{}; compare `client_id`, `client_secret` and `client_auth` with the provider's",
                self.status,
                Complaint::of(self).code()
            ))),
            _ => Err(self.fault()),
        }
    }

    /// A status that says nothing of the credential.
    #[must_use]
    pub fn fault(&self) -> Refusal {
        let status = self.status;
        let code = Complaint::of(self).code();
        let mut refusal = match status {
            429 => Refusal::throttled("the provider limits our rate: 429", self.retry()),
            300..=399 => Refusal::misconfigured(format!(
                "the provider redirects: {status}, which is never followed with a token; write the address that it redirects to in the settings"
            )),
            404 | 405 | 410 => Refusal::misconfigured(format!(
                "the provider knows no such address: {status}{code}; compare the settings with the provider's"
            )),
            _ => Refusal::unavailable(format!("the provider answers {status}{code}")),
        };
        refusal.retry = self.retry();
        refusal
    }
}
