//! Randomness of the system.

/// Random bytes, fit for keys.
///
/// # Errors
///
/// The system gives none.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "the system gives no randomness".to_owned())?;
    Ok(bytes)
}
