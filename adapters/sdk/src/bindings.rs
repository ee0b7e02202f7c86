//! What wit-bindgen makes of `wit/adapter.wit`.
//!
//! A module of its own because it is the one place with generated code, and with `unsafe`: the canonical ABI is pointers
//! and lengths. Adapters must never name it: they use the types through the crate's root, so that it can change.
#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    world: "adapter",
    path: "../../wit",
    pub_export_macro: true,
    export_macro_name: "export_adapter",
    default_bindings_module: "portcullis_sdk::bindings",
});
