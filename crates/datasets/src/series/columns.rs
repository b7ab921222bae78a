//! Which column of a table is what.

use super::fault::Refusal;
use super::infer::ROWS_MIN;
use super::statics::{TEXTS_MAX, constant};
use super::{Reader, SeriesFault};
use crate::table::numbers::{Found, Numbers};
use crate::table::survey::Survey;
use crate::table::taken::{NotRead, Taken, Why};
use crate::table::times::{self, Times};
use crate::table::{Table, column, columns_of, is_unnamed};

pub(crate) struct Columns {
    /// One; or several, each a series of its own.
    pub(crate) targets: Vec<Numbers>,
    pub(crate) id: Vec<usize>,
    pub(crate) covariates: Vec<Numbers>,
    /// Places in `covariates`.
    pub(crate) known: Vec<usize>,
    pub(crate) statics: Vec<Static>,
    /// Whether the targets are the first covariates too.
    pub(crate) jointly: bool,
    pub(crate) times: Times,
    pub(crate) taken: Taken,
    pub(crate) ignored: Vec<String>,
}

/// A column that says one thing of each series.
pub(crate) struct Static {
    pub(crate) column: usize,
    /// None of texts.
    pub(crate) numbers: Option<Numbers>,
}

pub(crate) fn find(table: &Table, reader: &Reader) -> Result<Columns, Refusal> {
    let survey = Survey::new(table, reader.notations)?;
    let each = |role, names: &[String]| -> Result<Vec<usize>, SeriesFault> {
        names.iter().map(|name| column(table, role, name)).collect()
    };
    let sought = match reader.target.as_str() {
        "" => Vec::new(),
        name => columns_of(table, "target", &[name.to_owned()])?,
    };
    let id = columns_of(table, "id", &reader.id)?;
    let known = each("known", &reader.known)?;
    let mut named = reader.covariates.as_ref().map(|names| each("covariates", names)).transpose()?;
    if let Some(named) = &mut named {
        let more: Vec<usize> = known.iter().copied().filter(|column| !named.contains(column)).collect();
        named.extend(more);
    }
    let named_statics = reader.statics.as_ref().map(|names| each("static", names)).transpose()?;
    let mut taken: Vec<usize> = sought.iter().chain(&id).chain(named.iter().flatten()).copied().collect();
    taken.extend(known.iter().chain(named_statics.iter().flatten()));
    let free = |taken: &[usize]| (0..table.columns.len()).filter(|column| !taken.contains(column)).collect::<Vec<_>>();
    let time = times::find(table, &survey, &reader.time, &free(&taken))?;
    taken.extend(time.all());
    let targets = match sought[..] {
        [] => vec![sole_target(table, &survey, &free(&taken))?],
        _ => sought,
    };
    if reader.jointly {
        if targets.len() == 1 {
            return Err(SeriesFault::Alone { target: table.columns[targets[0]].clone() }.into());
        }
        // They are read whether or not they are named.
        if let Some(named) = &mut named {
            named.retain(|column| !targets.contains(column));
        }
    }
    let mut roles: Vec<(usize, &'static str)> = targets.iter().map(|&target| (target, "the target")).collect();
    roles.extend(id.iter().map(|&id| (id, "the id")));
    roles.extend(time.all().map(|column| (column, "the time")));
    roles.extend(named.as_ref().unwrap_or(&known).iter().map(|&column| (column, "a covariate")));
    // An id may be one too: it tells the series apart that were learnt from.
    let statics = named_statics.iter().flatten().filter(|column| !id.contains(column));
    roles.extend(statics.map(|&column| (column, "static")));
    for (index, &(column, second)) in roles.iter().enumerate() {
        if let Some(&(_, first)) = roles[..index].iter().find(|&&(other, _)| other == column) {
            return Err(SeriesFault::ColumnTwice { name: table.columns[column].clone(), first, second }.into());
        }
    }
    taken.extend(&targets);

    let mut said = Taken::default();
    let (mut covariates, mut statics, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    for column in named_statics.iter().flatten().copied() {
        let facts = survey.columns[column];
        let is_text = (facts.wrong > 0 && !facts.is_truths()) || id.contains(&column);
        let numbers = if is_text { None } else { Some(Numbers::of(table, &survey, column)?) };
        statics.push(Static { column, numbers });
    }
    match named {
        Some(named) => {
            for column in named {
                covariates.push(Numbers::of(table, &survey, column)?);
            }
        }
        None => {
            // A table can have 2²⁰ columns, most of them free.
            let mut is_taken = vec![false; table.columns.len()];
            taken.iter().for_each(|&column| is_taken[column] = true);
            known.iter().for_each(|&column| is_taken[column] = false);
            let constant = match reader.statics {
                None => constant(table, &id, &candidates(table, &survey, &taken))?,
                Some(_) => Vec::new(),
            };
            for column in (0..table.columns.len()).filter(|&column| !is_taken[column]) {
                let of_series = constant.iter().find(|of| of.column == column);
                match Numbers::find(table, &survey, column)? {
                    Found::Numbers(numbers) if of_series.is_some() => {
                        statics.push(Static { column, numbers: Some(numbers) });
                    }
                    Found::Numbers(numbers) => covariates.push(numbers),
                    Found::Not(Why::Text { .. }) if of_series.is_some_and(|of| of.texts <= TEXTS_MAX) => {
                        statics.push(Static { column, numbers: None });
                    }
                    // The first cell that is no number says why; where there is none, all are missing.
                    Found::Not(_) if known.contains(&column) => covariates.push(Numbers::of(table, &survey, column)?),
                    Found::Not(why) => {
                        let why = of_series.map_or(why, |of| Why::Texts { count: of.texts });
                        said.not_read(|| NotRead { column: table.columns[column].clone(), why });
                        ignored.push(table.columns[column].clone());
                    }
                }
            }
        }
    }
    let targets =
        targets.into_iter().map(|column| Numbers::of(table, &survey, column)).collect::<Result<Vec<_>, _>>()?;
    let format = times::format(table, &time, reader.time_format.as_deref())?;
    let times = Times { columns: time, format };
    let names =
        |columns: &mut dyn Iterator<Item = usize>| columns.map(|column| table.columns[column].clone()).collect();
    said.time = Some(times.describe(table)?);
    said.id = names(&mut id.iter().copied());
    said.known = names(&mut known.iter().copied());
    said.statics = names(&mut statics.iter().map(|of| of.column));
    said.jointly = reader.jointly;
    said.numbers(&targets, &covariates, table, &survey);
    if reader.jointly {
        covariates.splice(..0, targets.iter().copied());
    }
    let place = |&column: &usize| covariates.iter().position(|of| of.column() == column);
    let known = known.iter().filter_map(place).collect();
    Ok(Columns { targets, id, covariates, known, statics, jointly: reader.jointly, times, taken: said, ignored })
}

/// Columns that may say one thing of each series: of numbers, truths or texts.
fn candidates(table: &Table, survey: &Survey, taken: &[usize]) -> Vec<usize> {
    let may_be = |&column: &usize| {
        let facts = survey.columns[column];
        facts.known > 0 && !is_unnamed(&table.columns[column]) && !survey.is_times(column) && !facts.is_nearly_numbers()
    };
    (0..table.columns.len()).filter(|column| !taken.contains(column)).filter(may_be).take(1 << 8).collect()
}

/// The only column of numbers.
fn sole_target(table: &Table, survey: &Survey, free: &[usize]) -> Result<usize, Refusal> {
    // A pandas index is no series; a column without a name stands for one only where there is no other.
    let numbers = |&column: &usize| survey.columns[column].known > survey.columns[column].wrong;
    let all: Vec<usize> = free.iter().copied().filter(numbers).collect();
    let named: Vec<usize> = all.iter().copied().filter(|&column| !is_unnamed(&table.columns[column])).collect();
    if !survey.any {
        return Err(SeriesFault::TooFew { found: 0, expected: ROWS_MIN }.into());
    }
    // Where there are no numbers, a column of text is the one that was meant: its first cell says why it is none.
    let text = free.iter().copied().find(|&column| survey.columns[column].wrong > 0);
    if let (true, Some(column)) = (all.is_empty(), text) {
        Numbers::of(table, survey, column)?;
    }
    match named[..] {
        [column] => Ok(column),
        _ => {
            let columns = match named.is_empty() {
                true => table.columns.clone(),
                false => named.iter().map(|&column| table.columns[column].clone()).collect(),
            };
            Err(SeriesFault::NoTarget { columns }.into())
        }
    }
}
