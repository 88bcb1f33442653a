//! Brings lazily written changes to disk: a thread that starts with the first of them and writes what has gathered.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use redb::{Database, Durability};
use tokio::sync::watch;

use super::recent::Recent;

/// How long lazily written changes gather.
const GATHER: Duration = Duration::from_millis(200);

/// The thread's owner; dropping it writes what is left.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    database: Arc<Database>,
    writer: Arc<Mutex<Recent>>,
    state: Mutex<State>,
    wake: Condvar,
    /// Turns true when something did not reach the disk
    failed: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    dirty: bool,
    stop: bool,
}

impl Flusher {
    pub(super) fn new(database: Arc<Database>, writer: Arc<Mutex<Recent>>) -> Self {
        let shared = Shared { database, writer, state: Mutex::default(), wake: Condvar::new(), failed: watch::Sender::new(false) };
        Flusher { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    /// Notes that something was written that is not on disk.
    pub(super) fn mark_dirty(&self) {
        if std::mem::replace(&mut lock(&self.shared.state).dirty, true) {
            // The thread gathers already, and waking it for each write would cost more than the write.
            return;
        }
        self.shared.wake.notify_one();
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = self.shared.clone();
            // Without a thread (the system refused one) the changes reach the disk with the next durable write.
            *thread = std::thread::Builder::new().name("store-flush".to_owned()).spawn(move || shared.run()).ok();
        }
    }

    /// Writes now what is not on disk.
    pub(super) fn flush(&self) -> Result<(), redb::Error> {
        self.shared.flush()
    }

    /// Turns true when something that was written did not reach the disk.
    pub(super) fn failed(&self) -> watch::Receiver<bool> {
        self.shared.failed.subscribe()
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        lock(&self.shared.state).stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // A panic of the thread has been printed by its hook; the database is intact without it.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn run(&self) {
        loop {
            let mut state = lock(&self.state);
            while !state.dirty && !state.stop {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let gathered = self.wake.wait_timeout_while(state, GATHER, |state| !state.stop);
            let stop = gathered.unwrap_or_else(PoisonError::into_inner).0.stop;
            if self.flush().is_err() {
                self.failed.send_replace(true);
                return;
            }
            if stop {
                return;
            }
        }
    }

    fn flush(&self) -> Result<(), redb::Error> {
        let _writer = lock(&self.writer);
        if !std::mem::take(&mut lock(&self.state).dirty) {
            return Ok(());
        }
        let committed = self.commit();
        // What is not on disk is still to be told of, to whoever asks for it next.
        lock(&self.state).dirty = committed.is_err();
        committed
    }

    fn commit(&self) -> Result<(), redb::Error> {
        let mut write = self.database.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        // Keeps what is needed to open the file at once after a crash, instead of a walk through all of it.
        write.set_quick_repair(true);
        write.commit()?;
        Ok(())
    }
}

/// Locks what no panic can leave half-changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
