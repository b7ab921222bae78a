//! The confusion matrix and the figures of each class, as tables of text or as JSON.

use elman::{ClassScore, Confusion};
use serde_json::{Value, json};

use super::judged::Judged;
use super::names::{few, short};
use crate::jobs::figures;
use crate::output::Output;
use crate::shown::amounts::thousands;
use crate::shown::columns::aligned;

/// Above so many classes the matrix is wider than a terminal: the JSON has it.
const SHOWN_MAX: usize = 24;

/// Letters of a name at the head of a row, and of a column of counts; longer ones are cut.
const ROW_MAX: usize = 28;
const COLUMN_MAX: usize = 10;

/// Both tables and the test line; an error where the loss is not finite, with what that means.
pub(super) fn report(output: &mut Output, judged: &Judged, names: &[String], not_finite: &str) -> anyhow::Result<()> {
    let confusion = &judged.confusion;
    let counts: Vec<Vec<u64>> = confusion.counts.outer_iter().map(|row| row.to_vec()).collect();
    output.result(matrix(confusion, names), &json!({"event": "confusion", "classes": names, "counts": counts}))?;
    let by_class: Vec<Value> =
        names.iter().enumerate().map(|(class, name)| object(name, confusion.class(class))).collect();
    let scores = json!({
        "event": "classes", "classes": by_class,
        "macro": object("macro", confusion.macro_average()),
        "weighted": object("weighted", confusion.weighted_average()),
    });
    output.result(figures(confusion, names), &scores)?;
    figures::report(output, &judged.evaluation, not_finite)
}

fn object(name: &str, of: ClassScore) -> Value {
    json!({"class": name, "precision": of.precision, "recall": of.recall, "f1": of.f1, "rows": of.rows})
}

/// The matrix: true classes down, predicted ones across.
fn matrix(confusion: &Confusion, names: &[String]) -> String {
    if names.len() > SHOWN_MAX {
        return format!("the confusion matrix of {} classes is in confusion.svg, and with --json", names.len());
    }
    let head = names.iter().map(|name| short(name, COLUMN_MAX));
    let mut rows = vec![["true \\ predicted".to_owned()].into_iter().chain(head).collect::<Vec<_>>()];
    for (name, counts) in names.iter().zip(confusion.counts.outer_iter()) {
        let count = |&count: &u64| if count == 0 { "·".to_owned() } else { thousands(count) };
        rows.push([short(name, ROW_MAX)].into_iter().chain(counts.iter().map(count)).collect());
    }
    aligned(&rows, 1).join("\n")
}

/// Precision, recall and F1 of each class, and their means.
fn figures(confusion: &Confusion, names: &[String]) -> String {
    let mut rows = vec![["class", "precision", "recall", "F1", "rows"].map(str::to_owned).to_vec()];
    let mut push = |name: &str, of: ClassScore| {
        let figures = [of.precision, of.recall, of.f1].map(|figure| format!("{figure:.3}"));
        rows.push([&[short(name, ROW_MAX)], &figures[..], &[thousands(of.rows)]].concat());
    };
    for (class, name) in names.iter().enumerate() {
        push(name, confusion.class(class));
    }
    push("macro mean", confusion.macro_average());
    push("weighted mean", confusion.weighted_average());
    let mut text = format!("\n{}", aligned(&rows, 1).join("\n"));
    let (unpredicted, absent) = confusion.undefined();
    for (classes, what) in [
        (unpredicted, "nothing is predicted as these, their precision 0/0 is taken as 0"),
        (absent, "these have no rows here, their recall 0/0 is taken as 0"),
    ] {
        if !classes.is_empty() {
            let classes: Vec<String> = classes.iter().map(|&class| names[class].clone()).collect();
            text += &format!("\n{what}: {}", few(&classes));
        }
    }
    text + &format!("\nMacro F1: {:.3}", confusion.macro_average().f1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn tables_are_aligned_whatever_the_names() {
        let mut confusion = Confusion::new(3);
        for (truth, predicted, count) in [(0, 0, 1200), (0, 1, 3), (1, 1, 40), (1, 0, 1)] {
            (0..count).for_each(|_| confusion.add(truth, predicted));
        }
        let names = names(&["gehen", "größer", "x"]);
        let expected = "\
true \\ predicted  gehen  größer  x
gehen             1,200       3  ·
größer                1      40  ·
x                     ·       ·  ·";
        assert_eq!(matrix(&confusion, &names), expected);
        let text = figures(&confusion, &names);
        assert!(text.contains("\ngehen              0.999   0.998  0.998  1,203\n"), "{text}");
        assert!(text.contains("their precision 0/0 is taken as 0: x\n"), "{text}");
        assert!(text.contains("their recall 0/0 is taken as 0: x\n"), "{text}");
        assert!(text.ends_with("\nMacro F1: 0.975"), "{text}");
    }

    #[test]
    fn long_names_are_cut() {
        let names = names(&["a name without an end, or nearly so", "short"]);
        let text = matrix(&Confusion::new(2), &names);
        assert!(
            text.starts_with("true \\ predicted              a name wi…  short\na name without an end, or n…  "),
            "{text}"
        );
    }

    #[test]
    fn a_matrix_wider_than_a_terminal_is_left_out() {
        let many: Vec<String> = (0..SHOWN_MAX + 1).map(|class| class.to_string()).collect();
        assert!(matrix(&Confusion::new(many.len()), &many).contains("25 classes is in confusion.svg"));
    }
}
