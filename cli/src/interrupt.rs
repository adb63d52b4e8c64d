//! Ctrl-C, heard in a thread of its own: while operators compute, the threads that run queries hear nothing.

use std::sync::Arc;

use tokio::sync::Notify;

/// Tells whoever waits that the user pressed Ctrl-C.
#[derive(Clone, Default)]
pub(crate) struct Interrupts(Arc<Notify>);

impl Interrupts {
    /// Begins to listen. Where that is not possible, Ctrl-C ends the program, as it does by default.
    pub(crate) fn listen() -> Self {
        let interrupts = Self::default();
        let notify = interrupts.0.clone();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build()
            else {
                return;
            };
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    notify.notify_waiters();
                }
            });
        });
        interrupts
    }

    /// Waits for the next Ctrl-C.
    pub(crate) async fn next(&self) {
        self.0.notified().await;
    }
}
