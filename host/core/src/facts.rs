//! What remains of an identity once its verdict stands: the name, and the facts that routes' rules read at every request.
//!
//! Packed, since they are kept by the hundred thousand. What only the verdict needed (times, issuer, client, what the token is
//! bound to) is gone; what routes put into headers is rendered beside them.

use crate::identity::{Actor, Identity};
use crate::list::List;
use std::sync::Arc;

/// The facts of somebody whom a provider vouched for. `None` means that the provider does not tell, as in [`Identity`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// As whom requests pass. Shared: the log and the list of decisions hold it too.
    pub username: Arc<str>,
    /// A person or a program.
    pub kind: Actor,
    /// Groups as the provider writes them.
    pub groups: Option<List>,
    /// What the credential may do (RFC 6749 3.3).
    pub scopes: Option<List>,
    /// For whom the credential was issued (RFC 7519 4.1.3).
    pub audiences: Option<List>,
    /// Further attributes, by path.
    pub attributes: Box<[(Box<str>, List)]>,
}

impl Facts {
    /// What rules may read of an identity.
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        let list = |texts: &Option<Vec<String>>| texts.as_ref().map(List::of);
        let attributes = identity.attributes.iter();
        Self {
            username: identity.username.as_str().into(),
            kind: identity.kind,
            groups: list(&identity.groups),
            scopes: list(&identity.scopes),
            audiences: list(&identity.audiences),
            attributes: attributes.map(|found| (found.path.as_str().into(), List::of(&found.values))).collect(),
        }
    }

    /// What they take on the heap, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let lists = [&self.groups, &self.scopes, &self.audiences].into_iter().flatten().map(List::bytes).sum::<usize>();
        let attribute = |(path, values): &(Box<str>, List)| path.len() + values.bytes();
        self.username.len()
            + lists
            + size_of_val(&*self.attributes)
            + self.attributes.iter().map(attribute).sum::<usize>()
    }
}
