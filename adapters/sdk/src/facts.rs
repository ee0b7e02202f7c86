//! From an answer's attributes to an identity.
//!
//! Strict about the username, since somebody will act under it: never a silent fallback to another attribute, never a
//! value that had to be converted. Lenient about the rest, where "not told" already makes the gateway refuse what needs
//! it. Expiry, audience and scopes are only reported: judging them is the gateway's.

use serde_json::Value;

use crate::{Actor, Attribute, Context, Email, Identity, Object, Pair, Refusal, object, time};

/// Most characters of a username; the contract's limit.
const USERNAME_CHARS_MAX: usize = 256;

/// How the facts are read from one provider's answer.
pub struct Facts<'a> {
    context: &'a Context,
    answer: &'a Object,
    of_token: bool,
    username: &'a str,
    subject: &'a str,
    email: &'a str,
    groups: &'a str,
    audience: &'a str,
    id_tokens: bool,
    shared: &'a [&'a str],
    verified_email: bool,
    services: &'a str,
}

impl<'a> Facts<'a> {
    /// Of an answer that speaks of a token: its claims, an introspection, a userinfo.
    #[must_use]
    pub fn of_token(context: &'a Context, answer: &'a Object) -> Self {
        Self {
            context,
            answer,
            of_token: true,
            username: "preferred_username",
            subject: "sub",
            email: "email",
            groups: "groups",
            audience: "aud",
            id_tokens: false,
            shared: &[],
            verified_email: false,
            services: "",
        }
    }

    /// Of an answer that only describes an account, in the provider's own words.
    #[must_use]
    pub fn of_account(context: &'a Context, answer: &'a Object) -> Self {
        Self { of_token: false, groups: "", ..Self::of_token(context, answer) }
    }

    /// The attribute that is the username where the operator named none.
    #[must_use]
    pub fn username(mut self, attribute: &'a str) -> Self {
        self.username = attribute;
        self
    }

    /// The attribute that is never renamed nor given to another person.
    #[must_use]
    pub fn subject(mut self, attribute: &'a str) -> Self {
        self.subject = attribute;
        self
    }

    /// The attribute that is the e-mail address.
    #[must_use]
    pub fn email(mut self, attribute: &'a str) -> Self {
        self.email = attribute;
        self
    }

    /// The attribute that has the groups.
    #[must_use]
    pub fn groups(mut self, attribute: &'a str) -> Self {
        self.groups = attribute;
        self
    }

    /// The attribute that says for whom the token was issued.
    #[must_use]
    pub fn audience(mut self, attribute: &'a str) -> Self {
        self.audience = attribute;
        self
    }

    /// ID tokens are taken too, which no provider means for calling an API, but some gateways are given.
    #[must_use]
    pub fn id_tokens(mut self) -> Self {
        self.id_tokens = true;
        self
    }

    /// Claims of ID tokens (`at_hash`, `c_hash`) that access tokens have here too, and which do not tell them apart.
    #[must_use]
    pub fn shared_with_id_tokens(mut self, claims: &'a [&'a str]) -> Self {
        self.shared = claims;
        self
    }

    /// An e-mail address that is the username has to be one that the provider says it verified: whoever registers can write any.
    #[must_use]
    pub fn verified_email(mut self) -> Self {
        self.verified_email = true;
        self
    }

    /// Subject, e-mail and groups by the settings of [`crate::attributes`].
    #[must_use]
    pub fn as_set(self) -> Self {
        let set = |attribute| self.context.text(attribute);
        let (subject, email, groups) = (set("subject_attribute"), set("email_attribute"), set("groups_attribute"));
        self.subject(subject).email(email).groups(groups)
    }

    /// How usernames of programs begin here (Keycloak's `service-account-`).
    #[must_use]
    pub fn services(mut self, prefix: &'a str) -> Self {
        self.services = prefix;
        self
    }

    /// The identity.
    ///
    /// # Errors
    /// There is no usable username, or this is another kind of token than one for access.
    pub fn identity(&self) -> Result<Identity, Refusal> {
        let answer = self.answer;
        if self.of_token {
            self.right_kind()?;
        }
        let (username_attribute, username) = self.find_username()?;
        let is_verified = || answer.flag(&format!("{}_verified", self.email)) == Some(true);
        if self.verified_email && username_attribute == self.email && !is_verified() {
            return Err(Refusal::invalid("the e-mail address, which is the username, is not verified"));
        }
        let mut identity = Identity {
            username,
            username_attribute,
            kind: Actor::User,
            subject: answer.name(self.subject),
            issuer: None,
            email: self.find_email(),
            groups: groups(answer, self.groups),
            scopes: None,
            audiences: None,
            client: None,
            confirmation: Vec::new(),
            issued: None,
            not_before: None,
            expires: None,
            attributes: if self.context.wants("attributes") { flatten(answer) } else { Vec::new() },
        };
        if self.of_token {
            self.add_token(&mut identity)?;
        }
        Ok(identity)
    }

    fn add_token(&self, identity: &mut Identity) -> Result<(), Refusal> {
        let answer = self.answer;
        let clients: Vec<_> =
            ["azp", "client_id", "cid", "appid"].iter().filter_map(|name| answer.text(name)).collect();
        let subject = answer.text("sub");
        let named_service = ["preferred_username", "username"]
            .iter()
            .filter_map(|name| answer.text(name))
            .any(|name| !self.services.is_empty() && name.starts_with(self.services));
        if named_service || clients.iter().any(|client| Some(client) == subject.as_ref()) {
            identity.kind = Actor::Service;
        }
        identity.issuer = answer.text("iss");
        identity.client = clients.into_iter().next();
        identity.scopes = scopes(answer);
        identity.audiences = answer.texts(self.audience);
        identity.confirmation = confirmation(answer);
        identity.issued = time::numeric_date("iat", answer.members().get("iat"))?;
        identity.not_before = time::numeric_date("nbf", answer.members().get("nbf"))?;
        identity.expires = time::numeric_date("exp", answer.members().get("exp"))?;
        Ok(())
    }

    /// The first of the wanted attributes that is there. One that is there and is no name ends the search.
    fn find_username(&self) -> Result<(String, String), Refusal> {
        let default = [self.username.to_owned()];
        let wanted: &[String] =
            if self.context.username_attributes.is_empty() { &default } else { &self.context.username_attributes };
        let Some(attribute) = wanted.iter().find(|attribute| self.answer.has(attribute)) else {
            let wanted = wanted.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            let usable = self.answer.usable_names();
            return Err(Refusal::invalid(format!(
                "the answer has no attribute {wanted}, or it is empty; usable: {usable}"
            )));
        };
        let refuse =
            |what: &str| Err(Refusal::invalid(format!("the attribute `{attribute}` {what}, which is no username")));
        let username = match self.answer.get(attribute) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => match object::integer(number) {
                Some(digits) => digits,
                None => return refuse("is a number with a fraction or an exponent"),
            },
            Some(Value::Array(_)) => return refuse("is a list"),
            Some(Value::Object(_)) => return refuse("is an object"),
            _ => return refuse("is true or false"),
        };
        if username.trim().is_empty() {
            return refuse("is white space");
        }
        if username.contains(char::is_control) {
            return refuse("has control characters");
        }
        if username.chars().count() > USERNAME_CHARS_MAX {
            return refuse("is longer than 256 characters");
        }
        Ok((attribute.clone(), username))
    }

    /// Refuses refresh, offline, ID and logout tokens, which some providers call active too (Keycloak: `Refresh`, `Offline`,
    /// `ID`), and which are signed by the keys of access tokens.
    fn right_kind(&self) -> Result<(), Refusal> {
        let refused = |what: String| Err(Refusal::invalid(format!("this is no access token: {what}")));
        for name in ["token_use", "token_type", "typ"] {
            let kind = self.answer.text(name).unwrap_or_default().to_ascii_lowercase();
            // RFC 8693 3 writes the kind as a URN.
            let kind = kind.strip_prefix("urn:ietf:params:oauth:token-type:").unwrap_or(&kind);
            let kind = kind.strip_suffix("_token").unwrap_or(kind);
            if matches!(kind, "refresh" | "offline" | "logout") || (kind == "id" && !self.id_tokens) {
                return refused(format!("`{name}` says that it is a {kind} token"));
            }
            // RFC 9449 6.2: such an answer has `cnf` as well, but for providers that leave it out.
            if matches!(kind, "dpop" | "pop" | "mac") {
                let reason = format!(
                    "`{name}` says that the token is bound to a key ({kind}), and it was presented without proof"
                );
                return Err(Refusal::invalid(reason));
            }
        }
        // A userinfo answer may repeat what stood in an ID token (Dex), so this is asked of the token's own members alone.
        if !self.answer.is_of_token() {
            return Ok(());
        }
        // Every security event token has this object, a logout token too (RFC 8417 2.2, Back-Channel Logout 2.4).
        if self.answer.members().get("events").is_some_and(Value::is_object) {
            return refused("it has `events`, as a logout or another security event token".into());
        }
        let of_id_token = |name: &&str| self.answer.members().contains_key(*name) && !self.shared.contains(name);
        match ID_TOKEN_CLAIMS.iter().find(|name| of_id_token(name)) {
            Some(name) if !self.id_tokens => refused(format!("it has `{name}`, which only ID tokens have")),
            _ => Ok(()),
        }
    }

    fn find_email(&self) -> Option<Email> {
        let address = self.answer.get(self.email)?.as_str()?;
        let usable = !address.is_empty() && !address.contains(char::is_control);
        usable
            .then(|| Email { address: address.into(), verified: self.answer.flag(&format!("{}_verified", self.email)) })
    }
}

/// Claims that only ID tokens have: hashes of what was issued beside them (OpenID Connect Core 3.1.3.6 and 3.3.2.11, FAPI 1.0
/// part 2, 5.1). `nonce` is none of these: Keycloak before 24, authentik and Entra ID put it into access tokens.
const ID_TOKEN_CLAIMS: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

/// A list of texts, one text, or a list of objects with a `name`.
fn groups(answer: &Object, attribute: &str) -> Option<Vec<String>> {
    let member = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(group) => group.get("name")?.as_str().map(Into::into),
        _ => None,
    };
    let mut groups: Vec<String> = match answer.get(attribute)? {
        Value::String(name) => vec![name.clone()],
        Value::Array(members) => members.iter().filter_map(member).collect(),
        _ => return None,
    };
    groups.retain(|group| !group.is_empty());
    Some(groups)
}

/// `scope` (RFC 8693 4.2, RFC 7662 2.2) or `scp` (Okta, Entra), each a text with spaces or a list.
fn scopes(answer: &Object) -> Option<Vec<String>> {
    ["scope", "scp"]
        .iter()
        .find_map(|name| answer.texts(name))
        .map(|texts| texts.iter().flat_map(|text| text.split_whitespace()).map(Into::into).collect())
}

/// `cnf` (RFC 7800 3.1). Whatever is there is reported, in whatever form: a binding must not get lost on the way to the
/// gateway, which refuses a bound token whose proof it did not check.
fn confirmation(answer: &Object) -> Vec<Pair> {
    let pair = |name: &str, value: &Value| Pair {
        name: name.into(),
        value: value.as_str().map_or_else(|| value.to_string(), Into::into),
    };
    match answer.members().get("cnf") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(methods)) if !methods.is_empty() => {
            methods.iter().map(|(name, value)| pair(name, value)).collect()
        }
        Some(other) => vec![pair("cnf", other)],
    }
}

/// Every attribute by its path, in the order of the paths.
fn flatten(answer: &Object) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    for (name, value) in answer.members() {
        add(name, value, &mut attributes);
    }
    attributes
}

fn add(path: &str, value: &Value, attributes: &mut Vec<Attribute>) {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    let values = match value {
        Value::Object(members) => {
            for (name, value) in members {
                add(&format!("{path}.{name}"), value, attributes);
            }
            return;
        }
        Value::Array(members) => members.iter().filter_map(scalar).collect(),
        Value::Null => return,
        other => scalar(other).into_iter().collect(),
    };
    attributes.push(Attribute { path: path.into(), values });
}

#[cfg(test)]
mod tests;
