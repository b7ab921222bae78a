//! Steps of many sessions as one batch.
//!
//! N rows, I input, O outputs, P state of the last layer.
//!
//! A task is a state and the steps that follow it. Whatever waits when a thread is free becomes the rows of its next round,
//! at most [`ROWS`]; nothing waits for company. In a round all rows go the same number of steps: as many as the shortest
//! has left, and no more than [`ROUND`] while others wait. A row of a batch has the bits of the row alone, so whoever is
//! beside it makes no difference.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use elman::diagnose::{LayerGate, StreamGates};
use elman::{Model, Stream, StreamState};
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::figures::Figures;

/// Most rows of a round.
pub(crate) const ROWS: usize = 32;

/// Most steps of a round.
const ROUND: usize = 32;

/// Which steps are answered.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// An answer after each step; else after the last one.
    pub(crate) each: bool,
    /// The state h of the last layer beside each answer.
    pub(crate) hidden: bool,
    /// The gates of all layers beside each answer, if this tells them.
    pub(crate) gates: Option<Arc<StreamGates>>,
}

impl Wanted {
    /// Answers alone: after each step, or after the last one.
    pub(crate) fn answers(each: bool) -> Self {
        Wanted { each, hidden: false, gates: None }
    }
}

/// What came of a task.
#[derive(Debug)]
pub(crate) struct Done {
    /// After its last step.
    pub(crate) state: StreamState,
    /// [A, O] of the A steps that were to be answered.
    pub(crate) answers: Vec<f32>,
    /// [A, P], if it was wanted.
    pub(crate) hidden: Vec<f32>,
    /// Of the A steps, if they were wanted.
    pub(crate) gates: Vec<Vec<LayerGate>>,
}

struct Task {
    state: StreamState,
    /// [T, I]
    xs: Vec<f32>,
    /// Steps that are done.
    at: usize,
    wanted: Wanted,
    answers: Vec<f32>,
    hidden: Vec<f32>,
    gates: Vec<Vec<LayerGate>>,
    reply: oneshot::Sender<Result<Done, Failure>>,
}

/// Threads that step a model.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
    max_waiting: usize,
    /// I
    input: usize,
    figures: Arc<Figures>,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code that holds it can panic halfway: what is in it is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the rows of a round; waits where there are none. False when all is done.
    fn fill(&self, rows: &mut Vec<Task>) -> bool {
        let mut queue = self.queue();
        while rows.is_empty() && queue.tasks.is_empty() {
            if queue.closed {
                return false;
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        // Where others wait, whoever has been on goes behind them.
        if rows.len() + queue.tasks.len() > ROWS {
            queue.tasks.extend(rows.drain(..));
        }
        let room = (ROWS - rows.len()).min(queue.tasks.len());
        rows.extend(queue.tasks.drain(..room));
        if !queue.tasks.is_empty() {
            self.work.notify_one();
        }
        true
    }
}

impl Engine {
    /// For a model, on so many threads.
    ///
    /// # Errors
    /// If the model has no streams: a layer reads its rows from their ends.
    pub(crate) fn new(
        model: &Arc<Model>,
        threads: usize,
        max_waiting: usize,
        figures: &Arc<Figures>,
    ) -> Result<Self, elman::Error> {
        let first = model.stream()?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            max_waiting,
            input: model.stack().input(),
            figures: figures.clone(),
        });
        let threads = (0..threads)
            .map(|_| {
                let (shared, streams) = (shared.clone(), Streams::new(model.clone(), first.clone()));
                std::thread::spawn(move || work(&shared, streams))
            })
            .collect();
        Ok(Engine { shared, threads })
    }

    /// Steps on from a state: `xs [T, I]`, which are finite, or tokens.
    ///
    /// # Errors
    /// If too much waits already, or the state leaves the finite numbers.
    pub(crate) async fn run(&self, state: StreamState, xs: Vec<f32>, wanted: Wanted) -> Result<Done, Failure> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.queue();
            if queue.tasks.len() >= self.shared.max_waiting {
                return Err(Failure::busy("too many steps wait already", 1));
            }
            let (answers, hidden, gates) = (Vec::new(), Vec::new(), Vec::new());
            queue.tasks.push_back(Task { state, xs, at: 0, wanted, answers, hidden, gates, reply });
        }
        self.shared.work.notify_one();
        answer.await.unwrap_or_else(|_| Err(Failure::broken("the thread that computes has ended")))
    }

    /// Tasks that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.queue().tasks.len()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.work.notify_all();
        // One of them may be the one that drops the last user of the model: it does not wait for itself.
        for thread in self.threads.drain(..) {
            if thread.thread().id() != std::thread::current().id() {
                // A thread that panicked has said so.
                let _ = thread.join();
            }
        }
    }
}

/// Streams of 1 to [`ROWS`] rows, made when they are first needed.
struct Streams {
    model: Arc<Model>,
    by_rows: Vec<Option<Stream>>,
}

impl Streams {
    fn new(model: Arc<Model>, one: Stream) -> Self {
        let mut by_rows = vec![None; ROWS + 1];
        by_rows[1] = Some(one);
        Streams { model, by_rows }
    }

    fn of(&mut self, rows: usize) -> Result<&mut Stream, elman::Error> {
        let place = &mut self.by_rows[rows];
        match place {
            Some(stream) => Ok(stream),
            None => Ok(place.insert(self.model.streams(rows)?)),
        }
    }
}

fn work(shared: &Shared, mut streams: Streams) {
    let mut rows: Vec<Task> = Vec::with_capacity(ROWS);
    while shared.fill(&mut rows) {
        shared.figures.batch(rows.len());
        round(shared, &mut streams, &mut rows);
    }
}

/// Some steps of all rows; those that are done are answered and taken out.
fn round(shared: &Shared, streams: &mut Streams, rows: &mut Vec<Task>) {
    let input = shared.input;
    let left = |task: &Task| task.xs.len() / input - task.at;
    let is_due = |task: &Task| task.wanted.each || left(task) == 0;
    let steps = rows.iter().map(left).min().unwrap_or(0).min(ROUND);
    let stream = match streams.of(rows.len()) {
        Ok(stream) => stream,
        Err(error) => {
            return rows.drain(..).for_each(|task| drop(task.reply.send(Err(Failure::broken(error.to_string())))));
        }
    };
    let mut refused = vec![None; rows.len()];
    for (row, task) in rows.iter().enumerate() {
        if let Err(error) = stream.set_state_of(&[row], &task.state) {
            refused[row] = Some(Failure::from(error));
            stream.reset_row(row);
        }
    }
    // They are of one model, so they are the same for whoever asks.
    let gates = rows.iter().find_map(|task| task.wanted.gates.clone());
    let outputs = stream.model().head().outputs();
    let mut xs = vec![0.0; rows.len() * input];
    for _ in 0..steps {
        for (task, x) in rows.iter_mut().zip(xs.chunks_exact_mut(input)) {
            x.copy_from_slice(&task.xs[task.at * input..][..input]);
            task.at += 1;
        }
        match &gates {
            Some(gates) => {
                let seen: Vec<usize> =
                    (0..rows.len()).filter(|&row| rows[row].wanted.gates.is_some() && is_due(&rows[row])).collect();
                for (row, gates) in seen.iter().zip(gates.read(stream, &xs, &seen)) {
                    rows[*row].gates.push(gates);
                }
            }
            None => drop(stream.read(&xs)),
        }
        if !rows.iter().any(is_due) {
            continue;
        }
        let answers = stream.answer();
        for (task, answer) in rows.iter_mut().zip(answers.chunks_exact(outputs)) {
            if is_due(task) {
                task.answers.extend_from_slice(answer);
            }
        }
        for (row, task) in rows.iter_mut().enumerate() {
            if task.wanted.hidden && is_due(task) {
                task.hidden.extend_from_slice(stream.h(row));
            }
        }
    }
    shared.figures.steps(steps * rows.len());
    for (row, task) in rows.iter_mut().enumerate() {
        match stream.is_finite(row) {
            true => task.state = stream.state_of(&[row]),
            false => {
                let why =
                    "these steps take the session's state out of the finite numbers; it stays as it was before them";
                refused[row].get_or_insert(Failure::unfit(why));
            }
        }
    }
    let mut refused = refused.into_iter();
    let mut stay = Vec::with_capacity(rows.len());
    for task in rows.drain(..) {
        let failure = refused.next().flatten();
        if let Some(failure) = failure {
            // Whoever asked may have gone: then nobody is left to tell.
            let _ = task.reply.send(Err(failure));
        } else if left(&task) > 0 {
            stay.push(task);
        } else {
            let Task { state, answers, hidden, gates, reply, .. } = task;
            let _ = reply.send(Ok(Done { state, answers, hidden, gates }));
        }
    }
    *rows = stay;
}
