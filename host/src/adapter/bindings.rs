//! What wasmtime makes of `wit/`: the contract's types and the typed calls. Generated, hence without documentation.
#![allow(missing_docs, unreachable_pub, clippy::all)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "adapter",
    additional_derives: [PartialEq],
});
