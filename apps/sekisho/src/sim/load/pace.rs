use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The runtime's own timer counts in milliseconds, which is coarser than most answers take. This thread sleeps
/// by the system's fine timer and wakes the generator whenever requests fall due.
pub(super) struct Pacer {
    due: Arc<Notify>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Requests due closer together than this are handed over together: waking costs more than it tells.
const TICK_MIN: Duration = Duration::from_micros(100);

impl Pacer {
    /// Wakes whoever waits for [`Pacer::due`] at every multiple of `gap` from now on.
    pub(super) fn every(gap: Duration) -> Self {
        let (due, stop) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (notify, stopped) = (due.clone(), stop.clone());
        let thread = thread::spawn(move || tick(gap.max(TICK_MIN), &notify, &stopped));
        Self { due, stop, thread: Some(thread) }
    }

    /// Returns when something may have fallen due since the last time.
    pub(super) async fn due(&self) {
        self.due.notified().await;
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It sleeps for one gap at most, and it cannot panic.
            let _ = thread.join();
        }
    }
}

fn tick(gap: Duration, due: &Notify, stop: &AtomicBool) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        next += gap;
        thread::sleep(next.saturating_duration_since(Instant::now()).min(Duration::from_millis(100)));
        if Instant::now() >= next {
            due.notify_one();
        } else {
            next -= gap;
        }
    }
}
