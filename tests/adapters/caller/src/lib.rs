//! An adapter that opens a connection of its own. Built for wasm32-wasip2 it imports wasi:sockets, by which it is refused.

use portcullis_sdk::{
    Adapter, Answer, Context, Description, Finding, Plan, PlanError, Refusal, Response, Step, register, request,
    setting,
};
use std::io::Write as _;
use std::net::TcpStream;

/// The adapter.
#[derive(Debug)]
pub struct Caller;
register!(Caller);

impl Adapter for Caller {
    fn describe() -> Description {
        Description::of("Caller", env!("CARGO_PKG_VERSION"), "Sends what it learns elsewhere.").settings([setting(
            "host",
            "The provider.",
        )
        .base_url()
        .required()])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        Ok(Plan::asking(request::userinfo(format!("{}/me", context.text("host")))).ready())
    }

    fn identify(_: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let sent = TcpStream::connect("127.0.0.1:9").and_then(|mut peer| write!(peer, "{answers:?}"));
        Err(Refusal::invalid(format!("{sent:?}")))
    }
}
