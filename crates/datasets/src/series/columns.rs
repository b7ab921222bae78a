//! Which column of a table is what.

use super::fault::Refusal;
use super::infer::ROWS_MIN;
use super::{Reader, SeriesFault};
use crate::table::numbers::{Found, Numbers};
use crate::table::survey::Survey;
use crate::table::taken::{NotRead, Taken};
use crate::table::times::{self, Times};
use crate::table::{Table, column, columns_of, is_unnamed};

pub(crate) struct Columns {
    pub(crate) target: Numbers,
    pub(crate) id: Vec<usize>,
    pub(crate) covariates: Vec<Numbers>,
    pub(crate) times: Times,
    pub(crate) taken: Taken,
    pub(crate) ignored: Vec<String>,
}

pub(crate) fn find(table: &Table, reader: &Reader) -> Result<Columns, Refusal> {
    let survey = Survey::new(table, reader.notations)?;
    let sought = match reader.target.as_str() {
        "" => None,
        name => Some(column(table, "target", name)?),
    };
    let id = columns_of(table, "id", &reader.id)?;
    let named = match &reader.covariates {
        Some(names) => Some(names.iter().map(|name| column(table, "covariates", name)).collect::<Result<Vec<_>, _>>()?),
        None => None,
    };
    let mut taken: Vec<usize> =
        sought.into_iter().chain(id.iter().copied()).chain(named.iter().flatten().copied()).collect();
    let free = |taken: &[usize]| (0..table.columns.len()).filter(|column| !taken.contains(column)).collect::<Vec<_>>();
    let time = times::find(table, &survey, &reader.time, &free(&taken))?;
    taken.extend(time.all());
    let target = match sought {
        Some(target) => target,
        None => sole_target(table, &survey, &free(&taken))?,
    };
    let mut roles = vec![(target, "the target")];
    roles.extend(id.iter().map(|&id| (id, "the id")));
    roles.extend(time.all().map(|column| (column, "the time")));
    roles.extend(named.iter().flatten().map(|&column| (column, "a covariate")));
    for (index, &(column, second)) in roles.iter().enumerate() {
        if let Some(&(_, first)) = roles[..index].iter().find(|&&(other, _)| other == column) {
            return Err(SeriesFault::ColumnTwice { name: table.columns[column].clone(), first, second }.into());
        }
    }
    taken.push(target);

    let mut said = Taken::default();
    let (mut covariates, mut ignored) = (Vec::new(), Vec::new());
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
            for column in (0..table.columns.len()).filter(|&column| !is_taken[column]) {
                match Numbers::find(table, &survey, column)? {
                    Found::Numbers(numbers) => covariates.push(numbers),
                    Found::Not(why) => {
                        said.not_read(|| NotRead { column: table.columns[column].clone(), why });
                        ignored.push(table.columns[column].clone());
                    }
                }
            }
        }
    }
    let target = Numbers::of(table, &survey, target)?;
    let format = times::format(table, &time, reader.time_format.as_deref())?;
    let times = Times { columns: time, format };
    said.time = Some(times.describe(table)?);
    said.id = id.iter().map(|&id| table.columns[id].clone()).collect();
    said.target = Some(target.describe(table, &survey));
    said.numbers(Some(&target), &covariates, table, &survey);
    Ok(Columns { target, id, covariates, times, taken: said, ignored })
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
