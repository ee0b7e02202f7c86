//! The trait that an adapter implements, and how it becomes a component.
//!
//! A plain trait rather than the generated one: it borrows what it is given, and the same type runs natively in tests. It
//! must never give an adapter a way to the outside: no clock, no randomness, no I/O; the one thing it may do is log.

use crate::bindings::exports::portcullis::adapter::provider::Guest;
use crate::{Answer, Context, Description, Finding, PlanError, Refusal, Response, Step};

/// One provider. All three are pure functions: equal arguments give equal results, and nothing is kept between calls.
pub trait Adapter {
    /// Everything that a person sees of the adapter. Called once, when the file is loaded.
    fn describe() -> Description;

    /// From checked settings (and, if it asked for some, documents) to a plan. Called once per configured provider.
    ///
    /// # Errors
    /// All that is wrong with the settings at once, or the document that is missing or wrong.
    fn make_plan(context: &Context, documents: &[Response]) -> Result<Step, PlanError>;

    /// From answers to an identity. `answers` holds first the one to the check, then those to what was asked for.
    ///
    /// # Errors
    /// Why there is no identity; only two of the causes blame the credential.
    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal>;
}

impl<T: Adapter> Guest for T {
    fn describe() -> Description {
        say_why_on_panic();
        <T as Adapter>::describe()
    }

    fn make_plan(context: Context, documents: Vec<Response>) -> Result<Step, PlanError> {
        say_why_on_panic();
        <T as Adapter>::make_plan(&context, &documents)
    }

    fn identify(context: Context, answers: Vec<Answer>) -> Result<Finding, Refusal> {
        say_why_on_panic();
        <T as Adapter>::identify(&context, &answers)
    }
}

/// Makes a component of an [`Adapter`]: `portcullis_sdk::register!(Keycloak);`.
///
/// The exports exist on WebAssembly only; a native test build with them does not link.
#[macro_export]
macro_rules! register {
    ($adapter:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_adapter!($adapter with_types_in $crate::bindings);
    };
}

/// A line for the operator's log. At most 16 lines of 1 KiB a call; the gateway adds the adapter's name.
pub fn warn(message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::portcullis::adapter::log::write(crate::bindings::portcullis::adapter::log::Level::Warn, message);
    #[cfg(not(target_family = "wasm"))]
    let _ = message;
}

/// On the pure target a panic's text goes nowhere, and the operator reads "unreachable". This sends it to the log.
fn say_why_on_panic() {
    #[cfg(target_family = "wasm")]
    {
        use std::sync::Once;
        static HOOK: Once = Once::new();
        HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| warn(&format!("the adapter panicked: {panic}")))));
    }
}
