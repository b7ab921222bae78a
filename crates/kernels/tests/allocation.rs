//! Nothing allocates while it steps: a counting allocator sees every call of the kernels and of the pool.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};

use elman_kernels::cell::{transpose, transposed_len};
use elman_kernels::unroll::{Initial, Lengths, Phase, Upstream};
use elman_kernels::{
    Activation, AdamStep, Aligned, Dense, Gru, IndRnn, Isa, LANES, Lstm, Mode, Noise, Nonlinearity, Pool, Reset, Rnn,
    Rule, Shaping, StepDense, StepNorm, StepPool, StepScale, Unroll, descend, padded, softmax, softmax_cross_entropy,
    sum_arrays,
};

/// The system's allocator, counting what the threads of a test ask of it. The test harness has threads of its own.
struct Counting;

/// Allocations of the threads that are watched.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Constant and without a destructor: to look at it allocates nothing.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if WATCHED.get() {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: they share the count.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Allocations of this thread, and of all that are watched, while `body` runs.
fn allocations(mut body: impl FnMut()) -> usize {
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    WATCHED.set(true);
    body();
    WATCHED.set(false);
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

#[test]
fn an_allocation_is_counted() {
    let _alone = alone();
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
    assert_eq!(allocations(|| drop(black_box(vec![0u8; 100]))), 1);
    let mut grows = Vec::with_capacity(1);
    assert_eq!(allocations(|| grows.extend(black_box([1, 2, 3]))), 1);
    assert_eq!(allocations(|| ()), 0);
}

/// Every cell, plain and with all its options.
fn cells() -> Vec<Box<dyn elman_kernels::Cell>> {
    let noise = Noise { recurrent_dropout: 0.3, candidate_dropout: 0.25, zoneout: 0.4, memory_zoneout: 0.0 };
    let (rnn, lstm, gru) = (Rnn::new(3, 33), Lstm::new(3, 33), Gru::new(3, 33));
    let indrnn = IndRnn::new(3, 33);
    let all = lstm.peepholes(true).projection(17).cell_clip(0.4).projection_clip(0.2).layer_norm(true);
    let all = all.noise(Noise { memory_zoneout: 0.2, ..noise });
    let mut cells: Vec<Box<dyn elman_kernels::Cell>> = vec![Box::new(lstm), Box::new(all), Box::new(all.coupled(true))];
    for activation in Activation::ALL {
        cells.push(Box::new(rnn.activation(activation)));
        cells.push(Box::new(rnn.activation(activation).noise(Noise { candidate_dropout: 0.0, ..noise })));
        cells.push(Box::new(indrnn.activation(activation)));
        cells.push(Box::new(indrnn.activation(activation).noise(Noise { candidate_dropout: 0.0, ..noise })));
    }
    for reset in [Reset::After, Reset::Before] {
        cells.push(Box::new(gru.reset(reset)));
        cells.push(Box::new(gru.reset(reset).layer_norm(true).noise(noise)));
    }
    for activation in Nonlinearity::ALL {
        cells.push(Box::new(StepDense::new(3, 33).activation(activation)));
    }
    cells.push(Box::new(StepNorm::new(33)));
    cells.push(Box::new(StepScale::new(33)));
    cells.push(Box::new(StepPool::max(33, 3)));
    cells.push(Box::new(StepPool::mean(33, 2)));
    cells
}

#[test]
fn no_cell_allocates_while_it_steps() {
    let _alone = alone();
    let (rows, steps) = (17, 20);
    // Rows that end early take other ways through the kernels.
    let active: Vec<usize> = (0..steps).map(|t| rows - t / 2).collect();
    for (isa, cell) in Isa::available().flat_map(|isa| cells().into_iter().map(move |cell| (isa, cell))) {
        let cell = &*cell;
        let (pp, mp) = (padded(cell.output()), padded(cell.memory()));
        let (layout, transposes) = (cell.layout(), cell.transposes());
        let weights = Aligned::zeros(layout.len);
        let mut gradient = Aligned::zeros(layout.len);
        let mut transposed = Aligned::zeros(transposed_len(&transposes));
        let [state, outputs] = [rows, steps * rows].map(|rows| Aligned::zeros(rows * pp));
        let memory = Aligned::zeros(rows * mp);
        let mut d_inputs = Aligned::zeros(steps * rows * padded(cell.input()));
        let (mut unroll, mut stream) = (Unroll::new(cell, steps, rows), Unroll::new(cell, 1, 1));
        for (initial, phase) in [(Initial::Zero, Phase::Training), (Initial::Given, Phase::Inference)] {
            let counted = allocations(|| {
                let lengths = Lengths { phase, ..Lengths::whole(rows, &active, initial) };
                for place in 0..rows {
                    unroll.draw_row_mask(place, || 0x1234_5678);
                    (0..steps).for_each(|t| unroll.draw_step_masks(t, rows, place, || 0x1234_5678));
                }
                unroll.forward(cell, isa, &weights, lengths);
                transpose(&transposes, &weights, &mut transposed);
                unroll.backward(
                    cell,
                    isa,
                    &weights,
                    &transposed,
                    lengths,
                    Upstream { state: &state, memory: Some(&memory), outputs: Some(&outputs) },
                    &mut gradient,
                    Some(&mut d_inputs),
                    true,
                );
                // One step for one row, as a stream has it.
                stream.input_mut(0, 1, 0).fill(1.0);
                stream.forward(cell, isa, &weights, Lengths::whole(1, &[1], Initial::Given));
                stream.carry();
            });
            assert_eq!(counted, 0, "{isa}, {cell:?}, {initial:?}, {phase:?}");
        }
    }
}

#[test]
fn the_dense_layer_the_loss_sums_and_an_optimizer_allocate_nothing() {
    let _alone = alone();
    let rows = 17;
    for isa in Isa::available() {
        let dense = Dense { input: 33, output: 10 };
        let mut weights = Aligned::zeros(dense.weights_len());
        let mut transposed = Aligned::zeros(dense.transposed_len());
        let inputs = Aligned::zeros(rows * dense.input_stride());
        let mut outputs = Aligned::zeros(rows * dense.output_stride());
        let mut d_inputs = Aligned::zeros(rows * padded(dense.input));
        let [mut gradient, mut m, mut v] = [(); 3].map(|()| Aligned::zeros(dense.weights_len()));
        let labels = [3; 17];
        let adam = AdamStep { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0 };
        let counted = allocations(|| {
            dense.forward(isa, &weights, &inputs, rows, &mut outputs);
            black_box(softmax_cross_entropy(&mut outputs, dense.output_stride(), dense.output, &labels, &[], 0.0, 1.0));
            for (panel, out) in transposed.chunks_exact_mut(dense.output * LANES).enumerate() {
                dense.transpose(&weights, panel, out);
            }
            for mode in [Mode::Overwrite, Mode::Add] {
                dense.backward(isa, &transposed, &inputs, rows, &outputs, &mut d_inputs, &mut gradient, mode);
            }
            sum_arrays(isa, [&*m, &*v].into_iter(), &mut gradient);
            descend(isa, Rule::Adam(adam), Shaping::NONE, &mut weights, &gradient, [&mut m, &mut v]);
            softmax(&mut outputs[..dense.output]);
        });
        assert_eq!(counted, 0, "{isa}");
    }
}

#[test]
fn the_pool_allocates_nothing_on_any_of_its_threads() {
    let _alone = alone();
    for threads in [1, 2, 3] {
        let mut pool = Pool::new(threads);
        let mut scratches = vec![0u64; threads];
        let mut items = vec![0u64; 100];
        // Each thread takes one of as many items as there are threads, for none goes on before all have one.
        let all_here = Barrier::new(threads);
        let watch = |pool: &mut Pool, watched: bool| {
            pool.for_each(&mut vec![(); threads], &mut vec![(); threads], |(), _, ()| {
                all_here.wait();
                WATCHED.set(watched);
            });
        };
        watch(&mut pool, true);
        let counted = allocations(|| {
            for _ in 0..100 {
                pool.for_each(&mut scratches, &mut items, |scratch, index, item| {
                    *scratch += 1;
                    *item += index as u64;
                });
            }
        });
        assert_eq!(counted, 0, "{threads} threads");
        assert_eq!(scratches.iter().sum::<u64>(), 10_000);

        // And what a worker allocates would have been seen.
        let mut one_each = vec![(); threads];
        watch(&mut pool, true);
        let counted = allocations(|| {
            pool.for_each(&mut scratches, &mut one_each, |_, _, ()| {
                all_here.wait();
                drop(black_box(Box::new(1)));
            });
        });
        assert_eq!(counted, threads, "{threads} threads");
        watch(&mut pool, false);
    }
}
