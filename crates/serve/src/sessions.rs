//! Sessions: a state for each client, which only its own steps change.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use elman::StreamState;

use crate::engine::{Done, Wanted};
use crate::failure::Failure;
use crate::figures::Figures;
use crate::served::Served;

/// Most requests of a session that wait for each other.
const WAITING_MAX: usize = 64;

/// Bytes that a session takes beside its state: names, locks, its place in the table. Measured over 10,000 sessions.
const OVERHEAD: u64 = 1200;

/// A state with a model, that goes on from request to request.
pub(crate) struct Session {
    pub(crate) key: String,
    pub(crate) served: Arc<Served>,
    /// Who has it may change the state; those who wait get it in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    /// After the last step that is done: whoever looks at it waits for none.
    state: Mutex<StreamState>,
    used: Mutex<Instant>,
    waiting: AtomicUsize,
    closed: AtomicBool,
}

impl Session {
    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// The state after the last step that is done.
    pub(crate) fn state(&self) -> StreamState {
        self.touch();
        self.kept()
    }

    /// The same, by no client.
    pub(crate) fn kept(&self) -> StreamState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).steps(0)
    }

    fn check_open(&self) -> Result<(), Failure> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(Failure::unknown("the session has ended")),
            false => Ok(()),
        }
    }

    /// Goes on by `xs [T, I]`. A client that goes away breaks nothing off: steps that began are finished, and the next request
    /// finds them done.
    ///
    /// # Errors
    /// If the session has ended, has too many waiting, or is not at the step that the request expects; and as
    /// [`Engine::run`](crate::engine::Engine::run).
    pub(crate) async fn advance(
        self: &Arc<Self>,
        xs: Vec<f32>,
        wanted: Wanted,
        expected: Option<u64>,
    ) -> Result<Done, Failure> {
        self.change(move |session| async move {
            let state = session.kept();
            let found = state.steps(0);
            if let Some(expected) = expected.filter(|&expected| expected != found) {
                return Err(Failure::conflict(format!(
                    "the session is at step {found}; the request expects {expected}"
                )));
            }
            let done = session.served.engine()?.run(state, xs, wanted).await?;
            session.put(done.state.clone());
            Ok(done)
        })
        .await
    }

    /// Goes on from another state.
    ///
    /// # Errors
    /// If it belongs to another model or is damaged.
    pub(crate) async fn set_state(self: &Arc<Self>, new: StreamState) -> Result<(), Failure> {
        self.served.check_state(&new)?;
        self.change(move |session| async move {
            session.put(new);
            Ok(())
        })
        .await
    }

    fn put(&self, new: StreamState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = new;
        self.touch();
    }

    /// Does, in its turn, what changes the state: to its end, whoever waits for it.
    async fn change<A, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Session>) -> F) -> Result<A, Failure>
    where
        A: Send + 'static,
        F: Future<Output = Result<A, Failure>> + Send + 'static,
    {
        self.check_open()?;
        self.touch();
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        if before >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(Failure::too_many(format!("{before} requests of this session wait already")));
        }
        let (session, work) = (self.clone(), work(self.clone()));
        let task = tokio::spawn(async move {
            let turn = session.turn.lock().await;
            let answer = match session.check_open() {
                Ok(()) => work.await,
                Err(failure) => Err(failure),
            };
            drop(turn);
            session.waiting.fetch_sub(1, Ordering::AcqRel);
            answer
        });
        task.await.unwrap_or_else(|_| Err(Failure::broken("the work was broken off by a mistake of the server")))
    }
}

/// All sessions, by their names.
pub(crate) struct Sessions {
    by_key: RwLock<HashMap<String, Arc<Session>>>,
    max: usize,
    /// Bytes that all may take.
    budget: u64,
    /// Bytes that they take.
    taken: Mutex<u64>,
    idle: Duration,
    figures: Arc<Figures>,
}

impl Sessions {
    pub(crate) fn new(max: usize, budget: u64, idle: Duration, figures: &Arc<Figures>) -> Self {
        let (by_key, taken) = (RwLock::default(), Mutex::default());
        Sessions { by_key, max, budget, taken, idle, figures: figures.clone() }
    }

    /// A new one under a name that nobody can guess.
    ///
    /// # Errors
    /// If there is no room, the model has no sessions, or the state is not its.
    pub(crate) fn make(&self, served: &Arc<Served>, state: Option<StreamState>) -> Result<Arc<Session>, Failure> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Failure::broken(format!("no random numbers: {error}")))?;
        let key = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.make_named(key, served, state, false)
    }

    /// The same under a given name; one of this name ends where it may be replaced.
    ///
    /// # Errors
    /// As [`Sessions::make`]; and if there is one of this name, and it may not be replaced.
    pub(crate) fn make_named(
        &self,
        key: String,
        served: &Arc<Served>,
        state: Option<StreamState>,
        replace: bool,
    ) -> Result<Arc<Session>, Failure> {
        let state = match state {
            Some(state) => served.check_state(&state).map(|()| state)?,
            None => served.start()?,
        };
        let session = Arc::new(Session {
            key: key.clone(),
            served: served.clone(),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
            used: Mutex::new(Instant::now()),
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let mut sessions = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = sessions.get(&key).cloned() {
            if !replace {
                return Err(Failure::conflict("there is a session of this name already"));
            }
            self.close(&mut sessions, &old);
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let more = cost(served);
        let seconds = u32::try_from(self.idle.as_secs()).unwrap_or(u32::MAX).clamp(1, 60);
        if sessions.len() >= self.max {
            let message =
                format!("there are {} sessions, as many as this server takes (--max-sessions)", sessions.len());
            return Err(Failure::busy(message, seconds));
        }
        if *taken + more > self.budget {
            let message = format!("the states take {} of {} bytes (--memory-budget)", *taken, self.budget);
            return Err(Failure::busy(message, seconds));
        }
        *taken += more;
        self.figures.bytes.set(i64::try_from(*taken).unwrap_or(i64::MAX));
        sessions.insert(key, session.clone());
        self.figures.sessions.set(i64::try_from(sessions.len()).unwrap_or(i64::MAX));
        self.figures.session_made();
        Ok(session)
    }

    /// The session of this name, of a model.
    ///
    /// # Errors
    /// If there is none: it may have ended.
    pub(crate) fn get(&self, model: &str, key: &str) -> Result<Arc<Session>, Failure> {
        let sessions = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(key).filter(|session| session.served.name == model);
        session.cloned().ok_or_else(|| Failure::unknown("there is no such session; it may have ended for want of use"))
    }

    /// Ends a session. What it computes is finished, and then forgotten.
    pub(crate) fn end(&self, session: &Session) {
        let mut sessions = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        // Another one may have its name by now.
        if sessions.get(&session.key).is_some_and(|found| std::ptr::eq(&**found, session)) {
            self.close(&mut sessions, session);
        }
    }

    fn close(&self, sessions: &mut HashMap<String, Arc<Session>>, session: &Session) {
        session.closed.store(true, Ordering::Release);
        sessions.remove(&session.key);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(cost(&session.served));
        self.figures.bytes.set(i64::try_from(*taken).unwrap_or(i64::MAX));
        self.figures.sessions.set(i64::try_from(sessions.len()).unwrap_or(i64::MAX));
    }

    /// Ends those that were not used for too long.
    pub(crate) fn reap(&self) -> usize {
        let idle: Vec<Arc<Session>> = {
            let sessions = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
            let is_idle =
                |session: &&Arc<Session>| session.idle() >= self.idle && session.waiting.load(Ordering::Acquire) == 0;
            sessions.values().filter(is_idle).cloned().collect()
        };
        idle.iter().for_each(|session| self.end(session));
        self.figures.sessions_ended(idle.len());
        idle.len()
    }

    /// All, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.by_key.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// Bytes of a session.
fn cost(served: &Served) -> u64 {
    served.state_bytes() as u64 + OVERHEAD
}
