//! Plans: how a credential is checked, and what the operator should know of it.

use crate::{AttributeHint, Binding, Check, Endpoints, Method, Pair, Plan, Request, Shape, SignatureRules, Step};

/// What is accepted under published keys (RFC 7518 3.1, RFC 8037): no `none`, no HMAC.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Attributes that are never renamed nor given to another person, at every provider that has them.
const STABLE: [&str; 6] = ["sub", "oid", "id", "accountId", "account_id", "userKey"];

impl Plan {
    /// Checks every credential with this request.
    #[must_use]
    pub fn asking(request: Request) -> Self {
        Self::of(vec![Check { when: Shape::Any, how: Method::Call(request) }])
    }

    /// Checks every token with this request, and declares that JWTs are among this provider's tokens: where a route has several
    /// providers, one that takes just anything is not shown the JWT of an issuer that nobody claims.
    #[must_use]
    pub fn asking_with_jwts(request: Request) -> Self {
        let jwts = Check { when: Shape::Jwt, how: Method::Call(request.clone()) };
        Self::of(vec![jwts, Check::opaque(request)])
    }

    /// Checks with this request what is no JWT, and takes no JWT: for a provider whose access tokens never are JWTs, so that it
    /// is not shown those of others.
    #[must_use]
    pub fn asking_opaque(request: Request) -> Self {
        Self::of(vec![Check::opaque(request)])
    }

    /// Verifies a JWT under the keys at this URL. `issuers` are exact, but for one `{claim}`.
    #[must_use]
    pub fn verifying(keys: impl Into<String>, issuers: Vec<String>) -> Self {
        let rules = SignatureRules {
            keys: keys.into(),
            issuers,
            algorithms: texts(&ALGORITHMS),
            types: texts(&["JWT", "at+jwt"]),
            expires: true,
        };
        let mut plan = Self::of(vec![Check { when: Shape::Jwt, how: Method::Verify(rules) }]);
        plan.binding = Binding::Audience;
        plan
    }

    /// Tries these checks in order.
    #[must_use]
    pub fn of(checks: Vec<Check>) -> Self {
        Self {
            checks,
            origins: Vec::new(),
            username_attributes: Vec::new(),
            binding: Binding::None,
            issuers: Vec::new(),
            endpoints: Endpoints {
                authorize: None,
                token: None,
                device: None,
                revoke: None,
                scopes: Vec::new(),
                pkce: Vec::new(),
                authorize_parameters: Vec::new(),
            },
            notes: Vec::new(),
        }
    }

    /// Attributes worth choosing as username, the default first.
    #[must_use]
    pub fn usernames(mut self, names: &[&str]) -> Self {
        let hint = |name: &&str| AttributeHint { name: (*name).into(), stable: STABLE.contains(name) };
        self.username_attributes = names.iter().map(hint).collect();
        self
    }

    /// What an accepted answer says about whom the credential was issued for.
    #[must_use]
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Whose tokens belong here (`iss`); the empty text names nobody.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.extend(Some(issuer.into()).filter(|issuer| !issuer.is_empty()));
        self
    }

    /// How a token is had: the authorization and the token endpoint (RFC 6749 3.1, 3.2), and the scopes without which
    /// the check does not work.
    #[must_use]
    pub fn endpoints(mut self, authorize: impl Into<String>, token: impl Into<String>, scopes: &[&str]) -> Self {
        self.endpoints.authorize = Some(authorize.into());
        self.endpoints.token = Some(token.into());
        self.endpoints.scopes = texts(scopes);
        self
    }

    /// The device authorization endpoint (RFC 8628 3.1).
    #[must_use]
    pub fn device(mut self, url: impl Into<String>) -> Self {
        self.endpoints.device = Some(url.into());
        self
    }

    /// The revocation endpoint (RFC 7009).
    #[must_use]
    pub fn revoke(mut self, url: impl Into<String>) -> Self {
        self.endpoints.revoke = Some(url.into());
        self
    }

    /// Challenge methods of PKCE (RFC 7636 4.3), best first.
    #[must_use]
    pub fn pkce(mut self, methods: &[&str]) -> Self {
        self.endpoints.pkce = texts(methods);
        self
    }

    /// A parameter of the authorization request (`audience`, `prompt`).
    #[must_use]
    pub fn authorize_parameter(mut self, name: &str, value: &str) -> Self {
        self.endpoints.authorize_parameters.push(Pair { name: name.into(), value: value.into() });
        self
    }

    /// What the operator should know, logged when the plan is made.
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The plan, ready.
    #[must_use]
    pub fn ready(self) -> Step {
        Step::Ready(self)
    }
}

impl Check {
    /// A credential that starts so is refused as no access token, and nobody is asked.
    #[must_use]
    pub fn refuse(prefix: &str, why: &str) -> Self {
        Self { when: Shape::Prefixed(vec![prefix.into()]), how: Method::Refuse(why.into()) }
    }

    /// A credential that starts so is checked with this request.
    #[must_use]
    pub fn prefixed(prefix: &str, request: Request) -> Self {
        Self { when: Shape::Prefixed(vec![prefix.into()]), how: Method::Call(request) }
    }

    /// A bearer token that is no JWT is checked with this request.
    #[must_use]
    pub fn opaque(request: Request) -> Self {
        Self { when: Shape::Opaque, how: Method::Call(request) }
    }

    /// A JWT whose unverified `iss` is one of these, to the letter, is checked with this request. What the provider then says
    /// yes to was issued by one of them, as long as the provider itself verifies the token.
    #[must_use]
    pub fn jwt_from(issuers: Vec<String>, request: Request) -> Self {
        Self { when: Shape::JwtFrom(issuers), how: Method::Call(request) }
    }

    /// Whatever no check before this one fits is refused, and nobody is asked.
    #[must_use]
    pub fn refuse_others(why: &str) -> Self {
        Self { when: Shape::Any, how: Method::Refuse(why.into()) }
    }

    /// Whatever is presented is checked with this request.
    #[must_use]
    pub fn any(request: Request) -> Self {
        Self { when: Shape::Any, how: Method::Call(request) }
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
