//! What the length of the data decides where no flag does: the horizon, the parts for validation and test, the context.

use elman::datasets::series::{Series, SeriesSet};
use elman::series::Cut;
use serde::{Deserialize, Serialize};

use super::flags::SeriesArgs;
use super::settings::{CutBy, SeriesSettings};
use super::share::Share;
use crate::jobs::several;

/// Settings that nobody has chosen: no flag and no file.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct Open {
    pub(super) horizon: bool,
    pub(super) validation: bool,
    pub(super) test: bool,
    pub(super) context: bool,
    pub(super) batch: bool,
    pub(super) hidden: bool,
    pub(super) epochs: bool,
    pub(super) patience: bool,
    pub(super) every: bool,
    pub(super) cut: bool,
}

impl Open {
    pub(super) fn of(args: &SeriesArgs) -> Self {
        let open = args.common.config.is_none();
        Open {
            horizon: open && args.horizon.is_none(),
            validation: open && args.validation.is_none(),
            test: open && args.test.is_none(),
            context: open && args.context.is_none() && args.data.is_some(),
            batch: args.common.batch_is_open(),
            hidden: open && args.common.hidden_size.is_none(),
            epochs: open && !args.common.training.options.has("num_epoch"),
            every: open && args.every.is_none(),
            cut: open && args.cut.is_none(),
            patience: open && !args.common.optimization.options.has("early_stopping"),
        }
    }
}

impl several::Open for Open {
    fn give(&mut self, name: &str) {
        self.context &= name != "context";
        self.hidden &= name != "hidden_size";
    }
}

/// Most windows of an epoch that are learnt from, and of those for validation: neighbours in a series hold nearly the same.
pub(super) const WINDOWS_MAX: [usize; 2] = [4096, 2048];

/// Of how many windows of a series one is read, so that of `windows` at most so many are left.
pub(super) fn every(windows: usize, most: usize) -> usize {
    windows.div_ceil(most).max(1)
}

/// Where the parts begin that are kept from training, where no flag says it: at one time for all series; or before the end of
/// each, if by one time fewer than half of several series would be tested. What is chosen so is said.
pub(super) fn cut_by(job: &mut SeriesSettings, set: &SeriesSet, open: Open) -> Option<String> {
    let steps = Cut::steps(set);
    let by_time = Cut::last(set, job.validation.of(steps), job.test.of(steps));
    let tested = by_time.map_or(0, |cut| cut.tested(set, job.horizon));
    let all = set.series.len();
    if all < 2 || 2 * tested >= all {
        return None;
    }
    job.cut = Some(CutBy::End);
    for (part, open) in [(&mut job.validation, open.validation), (&mut job.test, open.test)] {
        if open {
            *part = Share::Steps(job.horizon);
        }
    }
    Some(format!(
        "--cut is end: the series end at different times, and by one time for all {tested} of {all} would be tested; validation is \
         {} and the test {} of each",
        job.validation, job.test
    ))
}

/// The steps of the series in the middle, by length.
pub(super) fn median(set: &SeriesSet) -> usize {
    let mut steps: Vec<usize> = set.series.iter().map(Series::steps).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(0)
}

/// Makes the defaults fit a series of `steps` steps, with seasons of `season`. What is chosen so is said, a line each.
///
/// What a flag chose stays as it is, and is refused later where there is no data for it.
pub(super) fn fit(job: &mut SeriesSettings, steps: usize, season: usize, open: Open) -> Vec<String> {
    let mut lines = Vec::new();
    // Windows that are relative reach beyond validation: it may be short.
    let rolling = job.recipe.is_auto();
    let parts = |job: &SeriesSettings| [job.validation.of(steps), job.test.of(steps)];
    let least = parts(job).into_iter().skip(usize::from(rolling)).min().unwrap_or(0);
    if open.horizon && least < job.horizon {
        // A test of several forecasts says more than one of a single one.
        let otherwise = if rolling { least / 2 } else { least };
        let chosen = if (2..=least).contains(&season) { season } else { otherwise.max(1) };
        lines.push(format!(
            "--horizon is {chosen}: the default of {} is more than validation or test has, {least} of {steps} steps",
            job.horizon
        ));
        job.horizon = chosen;
    }
    let [validation, test] = parts(job);
    let short = [if rolling { validation == 0 } else { validation < job.horizon }, test < job.horizon];
    let chosen = [short[0] && open.validation, short[1] && open.test];
    let enough = job.horizon.checked_mul(2).is_some_and(|both| both < steps);
    if enough && short == chosen && chosen != [false, false] {
        for (part, _) in [&mut job.validation, &mut job.test].into_iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            *part = Share::Steps(job.horizon);
        }
        let names =
            ["--validation", "--test"].into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(name, _)| name);
        let names: Vec<_> = names.collect();
        lines.push(format!(
            "{} {} {} steps, the horizon: the default part of {steps} steps is less",
            names.join(" and "),
            if names.len() == 1 { "is" } else { "are" },
            job.horizon
        ));
    }
    let kept = parts(job).into_iter().fold(0, usize::saturating_add);
    let own = job.default_context(season);
    let room = steps.saturating_sub(kept).saturating_sub(job.horizon);
    // Windows that are relative may have less before them.
    if rolling {
        return lines;
    }
    // Of what there is to learn from a quarter at least gives windows: a few are not enough.
    if open.context && own > room - room / 4 && room > 0 {
        let chosen = (2 * room / 3).max(1);
        let windows = match (room + 1).saturating_sub(own) {
            0 => "no window".to_owned(),
            1 => "one window".to_owned(),
            few => format!("{few} windows"),
        };
        job.context = Some(chosen);
        lines.push(format!(
            "--context is {chosen}: the default of {own} leaves {windows} in the {} steps to learn from",
            steps - kept
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Open = Open {
        horizon: true,
        validation: true,
        test: true,
        context: true,
        batch: true,
        hidden: true,
        epochs: true,
        patience: true,
        every: true,
        cut: true,
    };

    fn sizes(job: &SeriesSettings, steps: usize, season: usize) -> (usize, [usize; 2], usize) {
        let context = job.context.unwrap_or(job.default_context(season));
        (job.horizon, [job.validation.of(steps), job.test.of(steps)], context)
    }

    fn fitted(
        steps: usize,
        season: usize,
        change: impl FnOnce(&mut SeriesSettings),
        open: Open,
    ) -> (SeriesSettings, Vec<String>) {
        let mut job = SeriesSettings::default();
        change(&mut job);
        let lines = fit(&mut job, steps, season, open);
        (job, lines)
    }

    #[test]
    fn the_best_known_series_trains_without_a_flag() {
        // 144 months: 15% of them are 22, fewer than the default horizon of 24.
        let (job, lines) = fitted(144, 12, |_| (), ALL);
        assert_eq!(sizes(&job, 144, 12), (12, [22, 22], 36));
        assert_eq!(lines, ["--horizon is 12: the default of 24 is more than validation or test has, 22 of 144 steps"]);
        // A long series is left alone.
        let (job, lines) = fitted(3000, 12, |_| (), ALL);
        assert_eq!((job, lines), (SeriesSettings::default(), vec![]));
    }

    #[test]
    fn a_horizon_that_was_chosen_is_what_the_parts_are_made_for() {
        let open = Open { horizon: false, ..ALL };
        let (job, lines) = fitted(144, 12, |job| job.horizon = 24, open);
        assert_eq!(sizes(&job, 144, 12), (24, [24, 24], 48));
        assert!(lines[0].starts_with("--validation and --test are 24 steps, the horizon"), "{lines:?}");
        assert!(
            lines[1].starts_with("--context is 48: the default of 72 leaves one window in the 96 steps"),
            "{lines:?}"
        );
        let one = Open { validation: false, ..open };
        let (job, lines) = fitted(144, 12, |job| (job.horizon, job.validation) = (24, Share::Steps(30)), one);
        assert_eq!(sizes(&job, 144, 12).1, [30, 24]);
        assert!(lines[0].starts_with("--test is 24 steps"), "{lines:?}");
        // What a flag says is not changed: the message about it is better than a guess.
        let (job, lines) = fitted(144, 12, |job| (job.horizon, job.validation) = (24, Share::Steps(2)), one);
        assert_eq!(sizes(&job, 144, 12).1, [2, 22]);
        assert_eq!(lines, Vec::<String>::new());
    }

    #[test]
    fn whatever_the_length_a_default_run_has_windows() {
        for season in [1, 4, 7, 12, 24, 365] {
            for steps in 7..2000 {
                let (job, _) = fitted(steps, season, |_| (), ALL);
                let (horizon, [validation, test], context) = sizes(&job, steps, season);
                let windows = (steps - validation - test + 1).checked_sub(context + horizon);
                assert!(windows.is_some_and(|windows| windows > 0), "{steps} steps, season {season}: {job:?}");
                assert!(validation >= horizon && test >= horizon, "{steps} steps, season {season}: {job:?}");
            }
        }
    }
}
