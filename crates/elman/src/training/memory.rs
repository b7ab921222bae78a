//! What training takes, known before anything is set aside; and parts of sequences for a budget.

use crate::Error;
use crate::model::head::Head;
use crate::model::workers::Workspace;
use crate::network::groups::group_count;
use crate::network::layer::Stack;
use crate::network::parameters::Plan;

/// Bytes that training takes, beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Parameters, their transposed copies, their gradient and moments.
    pub model: usize,
    /// Gradients of the groups of tiles.
    pub groups: usize,
    /// Workspaces of the threads.
    pub workspaces: usize,
    /// Saving the model: its plain arrays. A checkpoint is written array by array, and takes less.
    pub saving: usize,
}

impl Memory {
    /// What training takes: known from the sizes alone, before anything is set aside. The optimizer keeps so many
    /// [`moments`](crate::Algorithm::moments).
    pub fn of_training(
        stack: &Stack,
        head: &Head,
        steps: usize,
        batch_size: usize,
        threads: usize,
        moments: usize,
    ) -> Self {
        let plan = Plan::new(stack, head.attention(stack), &head.dense(stack));
        let floats = size_of::<f32>();
        let workspace = Workspace::bytes(stack, head, stack.tile_rows(batch_size), steps, steps);
        let groups = group_count(stack, plan.len, batch_size);
        Memory {
            // The parameters, those of the step before, the gradient, the moments.
            model: ((3 + moments) * plan.len + plan.transposed_len) * floats,
            groups: groups * plan.len * floats,
            workspaces: threads.max(1).saturating_mul(workspace),
            saving: plan.count() * floats,
        }
    }

    /// Steps of the parts that a budget allows, and what they take: whole sequences where they fit.
    ///
    /// # Errors
    /// If not even the shortest parts fit, or a layer reads its rows from their ends, or windows of them, and so needs them whole.
    pub fn within(
        budget: Option<usize>,
        stack: &Stack,
        head: &Head,
        steps: usize,
        batch_size: usize,
        threads: usize,
        moments: usize,
    ) -> Result<(usize, Self), Error> {
        let whole = Self::of_training(stack, head, steps, batch_size, threads, moments);
        // Only the workspaces hang on the parts.
        let rows = stack.tile_rows(batch_size);
        let workspaces = |part: usize| threads.max(1).saturating_mul(Workspace::bytes(stack, head, rows, steps, part));
        let of = |part: usize| Memory { workspaces: workspaces(part), ..whole };
        let unit = Workspace::unit(head, rows);
        let Some(budget) = budget.filter(|&budget| whole.total() > budget) else { return Ok((steps, whole)) };
        let refuse = |least: Memory, why: &str| {
            let Memory { model, groups, workspaces, saving } = least;
            let expected = format!(
                "at least {} bytes{why}: {model} for the parameters, their gradient and moments, {groups} for the \
                 gradients of groups of rows, {workspaces} for the workspaces of the threads ({threads}), {saving} to save the \
                 model. Fewer threads, a smaller batch or a smaller network take less",
                least.total()
            );
            Err(Error::setting("memory_budget", format!("{budget} bytes"), expected))
        };
        if stack.is_bidirectional() || stack.has_windows() {
            let layer = if stack.is_bidirectional() { "bidirectional layer" } else { "layer that reads windows" };
            return refuse(whole, &format!(", for a {layer} needs whole sequences"));
        }
        // Longer parts take more and are run again all the same; shorter ones keep more states between them.
        let parts = (1..=steps.div_ceil(unit)).map(|count| (count * unit).min(steps));
        let best = parts.clone().rev().find(|&part| of(part).total() <= budget);
        match best {
            Some(part) => Ok((part, of(part))),
            None => refuse(parts.map(of).min_by_key(Memory::total).unwrap_or(whole), ""),
        }
    }

    /// All of it.
    pub fn total(&self) -> usize {
        self.model + self.groups + self.workspaces + self.saving
    }
}
