//! The embedded demo.
pub(crate) async fn run() -> medley_engine::Result<u8> {
    Ok(0)
}
