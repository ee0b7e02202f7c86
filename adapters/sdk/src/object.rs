//! A JSON object from a provider, and how attributes are found in it.
//!
//! The gateway has checked the text (UTF-8, depth, no member twice); here it is only parsed. Numbers keep their digits.
//! Nothing is guessed: a value of another type than asked for is told apart from one that is not there.

use serde_json::{Map, Value};

use crate::{Content, Refusal};

/// A JSON object.
#[derive(Debug, Clone, Default)]
pub struct Object {
    members: Map<String, Value>,
    of_token: bool,
}

/// The JSON library's own mark for a number of many digits. An object with this member would be read as a number.
const NUMBER_MARK: &str = "$serde_json";

impl Object {
    /// The object in a body.
    ///
    /// # Errors
    /// Whatever is not a JSON object is no answer of a working provider: `unavailable`.
    pub fn parse(body: &Content) -> Result<Self, Refusal> {
        match json(body)? {
            Value::Object(members) => Ok(Self::of(members)),
            _ => Err(Refusal::unavailable("the answer is JSON, but not an object")),
        }
    }

    /// The claims of a token whose signature the gateway verified.
    ///
    /// # Errors
    /// Here it is the credential that is broken, not the provider.
    pub fn claims(text: &str) -> Result<Self, Refusal> {
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) if !text.contains(NUMBER_MARK) => Ok(Self::of(members).of_token()),
            _ => Err(Refusal::invalid("the token's claims are not a JSON object")),
        }
    }

    /// The objects of a JSON array.
    ///
    /// # Errors
    /// Anything else is `unavailable`.
    pub fn parse_list(body: &Content) -> Result<Vec<Self>, Refusal> {
        let member = |value| match value {
            Value::Object(members) => Ok(Self::of(members)),
            _ => Err(Refusal::unavailable("a member of the answer's list is not an object")),
        };
        match json(body)? {
            Value::Array(members) => members.into_iter().map(member).collect(),
            _ => Err(Refusal::unavailable("the answer is JSON, but not a list")),
        }
    }

    /// An attribute: the member of exactly this name, else the path that its dots describe.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        lookup(&self.members, path)
    }

    /// An attribute that is an object.
    #[must_use]
    pub fn object(&self, path: &str) -> Option<Self> {
        self.get(path)?.as_object().cloned().map(Self::of)
    }

    /// The objects of an attribute that is a list of them; members of other types are left out.
    #[must_use]
    pub fn objects(&self, path: &str) -> Option<Vec<Self>> {
        Some(self.get(path)?.as_array()?.iter().filter_map(Value::as_object).cloned().map(Self::of).collect())
    }

    /// The names of an attribute's members, where it is an object.
    #[must_use]
    pub fn names(&self, path: &str) -> Option<Vec<String>> {
        Some(self.get(path)?.as_object()?.keys().cloned().collect())
    }

    /// An attribute that is a text, and not an empty one.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.get(path)?.as_str().filter(|text| !text.is_empty()).map(Into::into)
    }

    /// An attribute that is a text or an integer (its digits), not empty and without control characters.
    #[must_use]
    pub fn name(&self, path: &str) -> Option<String> {
        let name = match self.get(path)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => integer(number)?,
            _ => return None,
        };
        (!name.is_empty() && !name.contains(char::is_control)).then_some(name)
    }

    /// An attribute that is `true` or `false`, or the text of one of them (Cognito).
    #[must_use]
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.get(path)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => None,
        }
    }

    /// The texts of an attribute that is a list or a single text; members of other types are left out.
    #[must_use]
    pub fn texts(&self, path: &str) -> Option<Vec<String>> {
        match self.get(path)? {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(members) => Some(members.iter().filter_map(Value::as_str).map(Into::into).collect()),
            _ => None,
        }
    }

    /// Whether the attribute is there: neither missing nor `null` nor the empty text.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        !matches!(self.get(path), None | Some(Value::Null)) && self.get(path).and_then(Value::as_str) != Some("")
    }

    /// The same, where it names a subject. (Hydra's userinfo says yes to a program's token and leaves `sub` out.)
    ///
    /// # Errors
    /// Nobody is named.
    pub fn of_somebody(self) -> Result<Self, Refusal> {
        if self.has("sub") { Ok(self) } else { Err(Refusal::invalid("the answer names nobody: there is no `sub`")) }
    }

    /// The same with this member set to what is found at `path`, or without it where nothing is.
    #[must_use]
    pub fn with(mut self, member: &str, path: &str) -> Self {
        match self.get(path).cloned() {
            Some(value) => self.members.insert(member.into(), value),
            None => self.members.remove(member),
        };
        self
    }

    /// The same with this member as this text.
    #[must_use]
    pub fn with_text(mut self, member: &str, text: &str) -> Self {
        self.members.insert(member.into(), text.into());
        self
    }

    /// The same with this member as a number where it is the text of a whole one (Google's tokeninfo writes all so).
    #[must_use]
    pub fn with_number(mut self, member: &str) -> Self {
        let number = self.members.get(member).and_then(Value::as_str).and_then(|text| text.parse::<i64>().ok());
        if let Some(number) = number {
            self.members.insert(member.into(), number.into());
        }
        self
    }

    /// Names of members that could be a username, for a message; at most 12, never their values.
    #[must_use]
    pub fn usable_names(&self) -> String {
        let mut names: Vec<_> =
            self.members.keys().filter(|name| self.name(name).is_some()).map(String::as_str).collect();
        names.truncate(12);
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    fn of(members: Map<String, Value>) -> Self {
        Self { members, of_token: false }
    }

    /// The same, as the members of the presented token itself (its claims, or what an introspection says that they are), and
    /// not of an account.
    pub(crate) fn of_token(self) -> Self {
        Self { of_token: true, ..self }
    }

    /// Whether these are the members of the presented token itself.
    pub(crate) fn is_of_token(&self) -> bool {
        self.of_token
    }

    pub(crate) fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

/// The digits of an integer literal; none for a number with a fraction or an exponent, which has no one spelling.
pub(crate) fn integer(number: &serde_json::Number) -> Option<String> {
    let digits = number.to_string();
    let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
    (!unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn json(body: &Content) -> Result<Value, Refusal> {
    match body {
        Content::Json(text) if text.contains(NUMBER_MARK) => Err(Refusal::unavailable("the answer is not plain JSON")),
        Content::Json(text) => serde_json::from_str(text)
            .map_err(|error| Refusal::unavailable(format!("the answer is broken JSON: {error}"))),
        Content::Empty => Err(Refusal::unavailable("the answer is empty")),
        Content::Other(_) => Err(Refusal::unavailable("the answer is not JSON; is this the right URL?")),
    }
}

/// The shortest first member first, so that `a.b.c` means `a`, then `b.c`. A name with dots of its own is found too.
fn lookup<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    members.get(path).or_else(|| {
        path.match_indices('.').find_map(|(at, _)| {
            let (first, rest) = (path.get(..at)?, path.get(at + 1..)?);
            lookup(members.get(first)?.as_object()?, rest)
        })
    })
}
