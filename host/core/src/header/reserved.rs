//! Names of headers that a client may not set, because a server behind believes them or because HTTP needs them.
//!
//! All names are folded ([`super::fold`]), and so are those that they are compared with: `SSL_CLIENT_CERT` and
//! `Ssl-Client-Cert` are one header to CGI and WSGI servers.

/// Headers that concern one connection only (RFC 9110 7.6.1). `te` with `trailers` alone is let through by the proxy;
/// `upgrade` only where both sides upgrade. What `Connection` names is hop-by-hop as well. `trailer` is not among them:
/// it announces what follows the body, and goes with it (RFC 9110 6.6.2).
pub const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Headers that servers believe when a proxy in front sets them, and who believes or sets them: the client's address, its
/// TLS certificate, the scheme, the host and the path that it asked for. Sorted.
pub const TRUSTED: [(&str, &str); 38] = [
    ("cf-connecting-ip", "Cloudflare"),
    ("cf-connecting-ipv6", "Cloudflare"),
    ("cf-pseudo-ipv4", "Cloudflare"),
    ("cf-visitor", "Cloudflare"),
    ("client-cert", "RFC 9440"),
    ("client-cert-chain", "RFC 9440"),
    ("client-ip", "PHP applications (`HTTP_CLIENT_IP`), Rails"),
    ("do-connecting-ip", "DigitalOcean"),
    ("fastly-client-ip", "Fastly"),
    ("fastly-ssl", "Fastly"),
    ("fly-client-ip", "Fly.io"),
    ("forwarded", "RFC 7239"),
    ("forwarded-for", "request-ip, django-ipware"),
    ("front-end-https", "Microsoft"),
    ("proxy", "CGI programs (`HTTP_PROXY`)"),
    ("proxy-client-ip", "WebLogic"),
    ("true-client-ip", "Akamai, Cloudflare"),
    ("x-arr-clientcert", "IIS, Azure App Service"),
    ("x-arr-ssl", "IIS, Azure App Service"),
    ("x-azure-clientip", "Azure Front Door"),
    ("x-azure-socketip", "Azure Front Door"),
    ("x-client-ip", "Azure, Heroku"),
    ("x-clientcert", "reverse proxies with TLS client certificates"),
    ("x-cluster-client-ip", "Rackspace, Riverbed"),
    ("x-forwarded", "request-ip, django-ipware"),
    ("x-host", "PHP applications"),
    ("x-http-host-override", "PHP applications"),
    ("x-middleware-subrequest", "Next.js"),
    ("x-nf-client-connection-ip", "Netlify"),
    ("x-originating-ip", "Microsoft"),
    ("x-proxyuser-ip", "Google"),
    ("x-real-ip", "nginx"),
    ("x-remote-addr", "PHP applications"),
    ("x-remote-ip", "Tornado, PHP applications"),
    ("x-rewrite-url", "IIS, Symfony"),
    ("x-scheme", "Tornado"),
    ("x-sendfile-type", "Rack"),
    ("x-url-scheme", "Paste, Zope"),
];

/// As [`TRUSTED`], every name that begins so.
pub const TRUSTED_FAMILIES: [(&str, &str); 11] = [
    ("ssl-client-", "Apache, nginx"),
    ("wl-proxy-", "WebLogic"),
    ("x-accel-", "nginx, Rack"),
    ("x-amzn-mtls-", "AWS load balancers"),
    ("x-appengine-", "Google App Engine"),
    ("x-client-cert", "reverse proxies with TLS client certificates"),
    ("x-envoy-", "Envoy"),
    ("x-forwarded-", "most servers"),
    ("x-original-", "IIS, Symfony, ingress-nginx"),
    ("x-ssl-", "HAProxy, reverse proxies with TLS client certificates"),
    ("x-vercel-", "Vercel"),
];

/// Headers by which a request is taken for one of another method, and who does so. [`METHOD_QUERY`] in the query as well.
pub const METHOD_OVERRIDES: [(&str, &str); 3] = [
    ("x-http-method", "Microsoft (OData)"),
    ("x-http-method-override", "Google, Rails, Laravel, Symfony, ASP.NET MVC"),
    ("x-method-override", "IBM"),
];

/// The parameter of a query by which Rails, Laravel, Symfony and Spring take a request for one of another method.
pub const METHOD_QUERY: &str = "_method";

/// Headers that belong to HTTP (RFC 9110, RFC 9111, RFC 9112, RFC 7239), to the way of a request through the gateway, or to
/// credentials. None can be an identity header, and none may come in a trailer (RFC 9110 6.5.1). Sorted.
pub const HTTP_OWN: [&str; 43] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "www-authenticate",
    "x-request-id",
];

/// Whether a folded name is one of [`HOP_BY_HOP`].
#[must_use]
pub fn is_hop_by_hop(folded: &str) -> bool {
    HOP_BY_HOP.contains(&folded)
}

/// Whether a folded name is one of [`TRUSTED`] or of [`TRUSTED_FAMILIES`].
#[must_use]
pub fn is_trusted(folded: &str) -> bool {
    TRUSTED.binary_search_by(|(name, _)| (*name).cmp(folded)).is_ok()
        || TRUSTED_FAMILIES.iter().any(|(start, _)| folded.starts_with(start))
}

/// Whether a name, folded or not, folds to one of [`METHOD_OVERRIDES`]. Allocates nothing.
#[must_use]
pub fn is_method_override(name: &str) -> bool {
    let folds_to = |other: &str| name.len() == other.len() && name.bytes().map(super::fold_byte).eq(other.bytes());
    METHOD_OVERRIDES.iter().any(|(other, _)| folds_to(other))
}

/// Whether a folded name is one of [`HTTP_OWN`].
#[must_use]
pub fn is_http_own(folded: &str) -> bool {
    HTTP_OWN.binary_search(&folded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::fold;
    use super::*;

    #[test]
    fn the_lists_are_folded_and_sorted() {
        let trusted = TRUSTED.map(|(name, _)| name);
        let families = TRUSTED_FAMILIES.map(|(name, _)| name);
        for list in [&trusted[..], &families, &HTTP_OWN, &HOP_BY_HOP, &METHOD_OVERRIDES.map(|(name, _)| name)] {
            assert!(list.iter().all(|name| fold(name) == *name), "{list:?}");
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn trusted_headers_by_fold() {
        for name in [
            "Forwarded",
            "Forwarded_For",
            "X-Forwarded-For",
            "x_forwarded_proto",
            "X.Forwarded.Host",
            "X-Forwarded-Prefix",
            "x-forwarded-anything",
            "X-Forwarded-Client-Cert",
            "X-Forwarded",
            "X_Real_IP",
            "X-Original-URL",
            "x~original~method",
            "X-Rewrite-URL",
            "True-Client-IP",
            "CF_Connecting_IP",
            "SSL_CLIENT_S_DN",
            "X-SSL-Client-Verify",
            "X-Client-Cert",
            "X-Client-Certificate",
            "X-ARR-ClientCert",
            "WL-Proxy-Client-IP",
            "Proxy",
        ] {
            assert!(is_trusted(&fold(name)), "{name}");
        }
        for name in ["X-Forward", "X-Forwardedness", "X-Real-IPs", "Accept", "X-Originals", "Client", "X-SSL", "CF-Ray"]
        {
            assert!(!is_trusted(&fold(name)), "{name}");
        }
    }
}
