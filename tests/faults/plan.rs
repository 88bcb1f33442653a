//! What goes wrong on the way to a server, decided by a seed: the same seed does the same to the same requests.

use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What a request is, as far as its faults differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A watch
    Watch,
    /// A log that is followed
    FollowedLog,
    /// Anything else that only reads: one answer, then the end
    Read,
    /// Anything that writes
    Write,
}

/// What is done to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed without an answer
    Drop,
    /// The answer comes later
    Delay(Duration),
    /// The server answers with a failure
    Status {
        /// The HTTP status
        code: u16,
        /// `Retry-After`, in seconds
        retry_after: Option<u64>,
    },
    /// The answer ends early: the connection breaks, or the answer seems to be complete
    Cut {
        /// After this many bytes of it
        after: usize,
        /// Whether it seems to be complete
        clean: bool,
    },
    /// A watch tells that its version is too old, and ends
    Expired {
        /// After this many events
        after: usize,
    },
    /// The answer comes in small pieces with pauses
    Dribble(usize),
}

impl Fault {
    /// What it is called.
    #[allow(dead_code, reason = "only the first tier asks whether it met each")]
    pub fn name(&self) -> String {
        match self {
            Self::Drop => "dropped".into(),
            Self::Delay(_) => "delay".into(),
            Self::Status { code, .. } => code.to_string(),
            Self::Cut { clean: false, .. } => "broken answer".into(),
            Self::Cut { clean: true, .. } => "short answer".into(),
            Self::Expired { .. } => "expired watch".into(),
            Self::Dribble(_) => "small pieces".into(),
        }
    }
}

/// Faults of one client's requests.
pub struct Plan {
    random: StdRng,
    /// How many faults are left, so that every run ends
    left: u32,
    /// How likely a request meets a fault
    share: f64,
    /// Whether a 401 is still to come, of which a client gets one at most
    unauthorized: bool,
    /// Faults in a row by path
    row: HashMap<String, u32>,
}

/// More faults in a row than this on one object are an outage, which a command may report.
const ROW: u32 = 2;

impl Plan {
    /// The plan of a seed.
    pub fn seeded(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let (left, share) = (random.random_range(1..16), random.random_range(0.1..0.7));
        let unauthorized = random.random_bool(0.5);
        Self { random, left, share, unauthorized, row: HashMap::new() }
    }

    /// A plan without faults: the proxy only counts.
    #[allow(dead_code, reason = "the cluster's tier and the benches use it")]
    pub fn none() -> Self {
        Self { left: 0, ..Self::seeded(0) }
    }

    /// What is done to the next request, which goes to this path.
    pub fn next(&mut self, asked: Asked, path: &str) -> Option<Fault> {
        let row = self.row.get(path).copied().unwrap_or(0);
        let spared = asked == Asked::Write || self.left == 0 || row >= ROW || !self.random.random_bool(self.share);
        let fault = (!spared).then(|| self.fault(asked));
        let harmless = matches!(fault, None | Some(Fault::Delay(_) | Fault::Dribble(_)));
        self.row.insert(path.to_owned(), if harmless { 0 } else { row + 1 });
        self.left -= u32::from(fault.is_some());
        fault
    }

    fn fault(&mut self, asked: Asked) -> Fault {
        match (self.random.random_range(0..10), asked) {
            (0, _) => Fault::Drop,
            (1, _) => Fault::Delay(Duration::from_millis(self.random.random_range(1..1500))),
            (2..5, _) => self.status(),
            (5..7, Asked::Watch) => Fault::Expired { after: self.random.random_range(0..4) },
            (7, _) => Fault::Dribble(self.random.random_range(1..200)),
            // An answer that is not streamed says how long it is, or that it is complete.
            (_, Asked::Read) => Fault::Cut { after: self.random.random_range(0..1500), clean: false },
            (_, _) => Fault::Cut { after: self.random.random_range(0..1500), clean: self.random.random_bool(0.5) },
        }
    }

    fn status(&mut self) -> Fault {
        if std::mem::take(&mut self.unauthorized) {
            return Fault::Status { code: 401, retry_after: None };
        }
        let code = [429, 500, 502, 503, 504, 410][self.random.random_range(0..6)];
        let retry_after = (matches!(code, 429 | 503) && self.random.random_bool(0.5)).then(|| self.random.random_range(0..2));
        Fault::Status { code, retry_after }
    }
}
