//! Nothing: what is here are the tests over all adapters, in `tests/`.
