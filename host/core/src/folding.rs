//! What servers behind a gateway read differently, and how it is folded here: one table for all of it.
//!
//! A gateway decides on what it reads, and the upstream acts on what *it* reads. Where servers are known to differ, a
//! request is folded to the reading that refuses most, by the rules of [`FOLDINGS`]. docs/security.md repeats the table; a
//! test compares the two. Headers that servers believe are listed in [`crate::header::TRUSTED`] and
//! [`crate::header::TRUSTED_FAMILIES`].

/// One thing that servers read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folding {
    /// What it is about.
    pub what: &'static str,
    /// How the gateway reads it.
    pub how: &'static str,
    /// Servers that read it so.
    pub servers: &'static str,
    /// Where the code is, below `host/`.
    pub code: &'static str,
}

/// All of them.
pub const FOLDINGS: [Folding; 14] = [
    Folding {
        what: "names of headers and trailers",
        how: "ASCII letters in lower case, every byte that is no ASCII letter or digit as `-`",
        servers: "CGI, WSGI (wsgiref, cheroot), PHP, Rack: `X_Remote_User`, `X.Remote.User`",
        code: "core/src/header.rs",
    },
    Folding {
        what: "headers that servers believe when a proxy sets them",
        how: "dropped on every route, as headers and as trailers, by the lists below",
        servers: "see the lists below",
        code: "core/src/header/reserved.rs",
    },
    Folding {
        what: "names of trailers beyond these",
        how: "what frames, routes, qualifies or authenticates a message is dropped (RFC 9110 6.5.1), overrides of the method too",
        servers: "servers that merge trailers into headers (RFC 9112 7.1.2)",
        code: "src/gateway/headers.rs",
    },
    Folding {
        what: "methods",
        how: "400 unless upper-case ASCII letters, digits, `-` and `_`, at most 32 bytes; in a preflight's question too",
        servers: "Django and Flask convert to upper case: `delete`",
        code: "core/src/method.rs",
    },
    Folding {
        what: "HEAD",
        how: "held to the rules of GET, where no route of the same host and path names HEAD",
        servers: "all: HEAD runs what GET runs",
        code: "src/decision/routing.rs",
    },
    Folding {
        what: "overrides of the method, in headers and in the query",
        how: "read in any letter case; 400 where the method is another route's, where two differ, and in a preflight's query",
        servers: "Rails, Laravel, Symfony, Spring, ASP.NET MVC, OData",
        code: "src/decision/routing.rs",
    },
    Folding {
        what: "names of parameters in the query",
        how: "separated by `&` or `;`; as names of headers, and by Unicode's mappings to ASCII letters; cut at NUL and at brackets; blanks, brackets and `?` before them stripped; decoded up to three times; any reading that matches counts",
        servers: "PHP (`.method`, `access[token`), Rails and qs (`[_method]`), URLSearchParams (`?a`), servers that decode twice",
        code: "core/src/target/query.rs",
    },
    Folding {
        what: "separators and dot segments in paths",
        how: "`%2f`, `%5c`, `//` and `;` are refused unless the route allows them, and then end a segment; a dot segment is refused behind any of them",
        servers: "nginx (`//`, `%2f`), Tomcat and Jetty (`;`), IIS (`\\`)",
        code: "core/src/target/path.rs",
    },
    Folding {
        what: "paths that are decoded or parsed again",
        how: "decoded until nothing is left, at most 4 times; `%3b`, `%3f` and `%23` are syntax from the second reading on; no reading may hold a dot segment or a control character, and all must find the same route",
        servers: "chains: nginx passes a decoded path on to Tomcat; `/%2561dmin`, `/admin%3bx`",
        code: "core/src/target/path.rs",
    },
    Folding {
        what: "hosts",
        how: "one host without user information, escapes or a final dot; in lower case",
        servers: "all: names are compared without letter case (RFC 3986 3.2.2)",
        code: "core/src/target/authority.rs",
    },
    Folding {
        what: "several Cookie fields",
        how: "joined with `; ` where cookies pass (RFC 9113 8.2.3)",
        servers: "PHP and others take the first, or join them with commas",
        code: "src/gateway/headers.rs",
    },
    Folding {
        what: "identity headers with several values",
        how: "a comma in a value is refused (403), or encoded with `header_values: percent_encode`",
        servers: "all that read a header as a list (RFC 9110 5.6.1): `alice, root`",
        code: "core/src/header.rs",
    },
    Folding {
        what: "usernames that are kept out (`users.deny`, `services.prefix`)",
        how: "compared in any letter case by Unicode's mappings, and without blanks around them; what lets somebody in is compared letter by letter",
        servers: "most applications and databases ignore the case of usernames",
        code: "core/src/text.rs",
    },
    Folding {
        what: "usernames with `lower_case: true`",
        how: "ASCII letters alone, so that two names become one only if they were one under ASCII case",
        servers: "Unicode makes `karen` of a name that begins with U+212A (CVE-2019-19844)",
        code: "core/src/policy/naming.rs",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{METHOD_OVERRIDES, TRUSTED, TRUSTED_FAMILIES};
    use std::path::PathBuf;

    fn root() -> PathBuf {
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..")
    }

    #[test]
    fn the_table_in_docs_security_is_this_one() {
        let document = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
        let section = document.split("## What is folded how").nth(1).expect("the section");
        let section = section.split("\n## ").next().unwrap();
        let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        let rows: Vec<&str> = rows.into_iter().filter(|line| !line.starts_with("| ---")).collect();
        let expected: Vec<String> =
            FOLDINGS.iter().map(|row| format!("| {} | {} | {} |", row.what, row.how, row.servers)).collect();
        assert_eq!(rows, expected);
        let families = TRUSTED_FAMILIES.iter().map(|(start, by)| (format!("{start}*"), by));
        let names = TRUSTED.iter().chain(&METHOD_OVERRIDES).map(|(name, by)| ((*name).to_owned(), by));
        let one_line = section.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, by) in names.chain(families) {
            assert!(one_line.contains(&format!("`{name}` ({by})")), "`{name}` ({by}) is not in the list");
        }
    }

    #[test]
    fn the_code_is_where_the_table_says() {
        for row in FOLDINGS {
            assert!(root().join("host").join(row.code).is_file(), "{}", row.code);
        }
    }
}
