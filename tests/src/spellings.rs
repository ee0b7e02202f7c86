//! Other ways to write a name.

/// Names that some server behind a gateway reads as `X-Remote-User`: CGI and WSGI fold everything that is no letter or digit.
pub const X_REMOTE_USER: &[&str] = &[
    "X-Remote-User",
    "x-remote-user",
    "X-REMOTE-USER",
    "X_Remote_User",
    "X-Remote_User",
    "X_Remote-User",
    "x_remote_user",
    "X.Remote.User",
    "X.Remote-User",
    "X~Remote~User",
    "X!Remote!User",
    "X'Remote'User",
    "X*Remote+User",
    "X#Remote$User",
    "X%Remote&User",
    "X^Remote`User",
    "X|Remote|User",
];
