//! Runs of every job that are short and have much to remember, and what they leave.

use std::fmt::Write;

use super::Place;

/// A name and a command line, without its folder: masks, stacks, streams, schedules, early stopping, both kinds of
/// Rprop.
pub(crate) const JOBS: [(&str, &str); 16] = [
    ("mnist", "train mnist --data set --hidden-size 16 --batch-size 50 --learning-rate 0.01 --num-epoch 5 --threads 2"),
    (
        "mnist with masks",
        "train mnist --data set --hidden-size 6 --batch-size 60 --num-epoch 3 --threads 3 --cell lstm --layers 2 \
         --dropout 0.2 --zoneout 0.1 --recurrent-dropout 0.1 --schedule cosine --micro-batch 30 --batch-per-log 1",
    ),
    (
        "mnist in full batches",
        "train mnist --data set --hidden-size 6 --num-epoch 25 --threads 1 --optimizer rprop+ --batch-size full",
    ),
    (
        "mnist that stops early",
        "train mnist --data set --hidden-size 8 --batch-size 50 --num-epoch 12 --threads 2 --optimizer rmsprop \
         --learning-rate 0.03 --schedule plateau --patience 1 --early-stopping 2",
    ),
    ("echo", "train echo --series-length 2000 --num-epoch 3 --batch-per-log 7 --threads 2"),
    ("echo without its state", "train echo --series-length 2000 --num-epoch 2 --reset-state --cell gru --threads 1"),
    (
        "text",
        "train text --data text.txt --hidden-size 10 --batch-size 4 --sequence-length 10 --num-epoch 2 --dropout 0.2 \
         --learning-rate 0.01 --threads 2",
    ),
    ("classify", "train classify --data walks.csv --hidden-size 8 --num-epoch 12 --batch-size 6 --threads 2"),
    (
        "series",
        "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 --batch-size 8 \
         --num-epoch 6 --threads 2 --early-stopping 2 --batch-per-log 3",
    ),
    (
        "regress",
        "train regress --data yields.csv --target yield --hidden-size 6 --num-epoch 8 --early-stopping 3 --ensemble 2 \
         --threads 2",
    ),
    (
        "classify steps",
        "train classify --data tags.csv --label-per-step --hidden-size 6 --num-epoch 7 --batch-size 6 --threads 2",
    ),
    (
        "classify by an ensemble",
        "train classify --data walks.csv --hidden-size 6 --num-epoch 6 --batch-size 6 --threads 2 --ensemble 3 \
         --recurrent-dropout 0.2",
    ),
    (
        "classify by trials",
        "train classify --data walks.csv --hidden-size 6 --num-epoch 4 --batch-size 6 --threads 2 --read auto \
         --label-smoothing 0.1",
    ),
    (
        "series with a final fit",
        "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 --batch-size 8 \
         --num-epoch 4 --threads 2 --recurrent-dropout 0.2 --batch-per-log 3 --final",
    ),
    (
        "series by an ensemble with a final fit",
        "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 --batch-size 8 \
         --num-epoch 3 --threads 1 --scaling global --transform none --batch-per-log 3 --ensemble 2 --final",
    ),
    (
        "series by an ensemble",
        "train series --data a.csv --target y --horizon 3 --context 8 --season 6 --hidden-size 4 --batch-size 8 \
         --num-epoch 5 --threads 1 --early-stopping 1 --batch-per-log 3 --ensemble 2",
    ),
];

/// Sequences of unequal lengths, with a number each: ten times the mean of their steps, and 300.
pub(crate) fn yields() -> String {
    let mut yields = "id,time,x,yield\n".to_owned();
    for row in 0..60usize {
        let length = 4 + row % 3;
        let tenths = |step: usize| row * 37 % 19 + (row * 31 + step * 17) % 5;
        let number = 300.0 + (0..length).map(tenths).sum::<usize>() as f64 / length as f64;
        for step in 0..length {
            writeln!(yields, "b{row},{step},{:.1},{number:.2}", tenths(step) as f64 / 10.0).unwrap();
        }
    }
    yields
}

/// Sequences of two classes, of unequal lengths.
pub(crate) fn walks() -> String {
    let mut walks = "id,time,x,y,label\n".to_owned();
    for row in 0..24 {
        for step in 0..3 + row % 3 {
            let noise = (row * 31 + step * 17) % 13;
            let label = ["left", "right"][row % 2];
            writeln!(walks, "s{row},{step},{},{},{label}", noise + row % 2 * 9, noise + (row + 1) % 2 * 9).unwrap();
        }
    }
    walks
}

/// Sequences whose steps are `up` or `down` by the number two steps before; the first two have no label.
pub(crate) fn tags() -> String {
    let mut tags = "id,time,x,label\n".to_owned();
    let mut state = 7_u32;
    for row in 0..60 {
        let mut before = Vec::new();
        for step in 0..8 + row % 4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = (state >> 28) as i32 - 8;
            let label = match before.iter().nth_back(1) {
                None => "",
                Some(&x) if x >= 0 => "up",
                Some(_) => "down",
            };
            writeln!(tags, "t{row},{step},{x},{label}").unwrap();
            before.push(x);
        }
    }
    tags
}

/// With the data of all of them.
pub(crate) fn place() -> Place {
    let place = Place::with_set();
    let words = ["né", "so", "it", "goes", "√2", "and", "on"];
    let text: String =
        (0..400usize).map(|n| words[n * n % 11 % words.len()].to_owned() + [" ", "\n"][n % 6 / 5]).collect();
    place.write("text.txt", text.as_bytes());
    place.write("walks.csv", walks().as_bytes());
    place.write("yields.csv", yields().as_bytes());
    place.write("tags.csv", tags().as_bytes());
    let mut series = "time,y\n".to_owned();
    (0..90).for_each(|t| writeln!(series, "{t},{}", [10, 14, 19, 21, 16, 11][t % 6] + t % 5).unwrap());
    place.write("a.csv", series.as_bytes());
    place
}

/// That two runs left the same: every file to the byte, but for the seconds, and the times in the events.
#[track_caller]
pub(crate) fn assert_same(place: &Place, whole: &str, other: &str, what: &str) {
    let events = |run: &str| -> Vec<usize> {
        let names = place.names(run).into_iter().filter(|name| name.starts_with("events."));
        names.map(|name| place.bytes(&format!("{run}/{name}")).len()).collect()
    };
    let names = |run: &str| -> Vec<String> {
        place.names(run).into_iter().filter(|name| !name.starts_with("events.")).collect()
    };
    assert_eq!(names(whole), names(other), "{what}");
    let mut parts = 0;
    for name in names(whole) {
        let [one, two] = [whole, other].map(|run| format!("{run}/{name}"));
        if place.path(&one).is_dir() {
            // A member of an ensemble has what a run has.
            parts += 1;
            assert_same(place, &one, &two, what);
        } else if name == "metrics.csv" {
            assert_eq!(rows(place, whole), rows(place, other), "{what}: {name}");
        } else {
            assert!(place.bytes(&one) == place.bytes(&two), "{what}: {one} and {two} differ");
        }
    }
    // As many events of as many tags and steps: one twice would show.
    assert_eq!(events(whole), events(other), "{what}: events");
    assert_eq!(events(whole).len(), usize::from(parts == 0), "{what}: files of events");
}

/// The lines of `metrics.csv` without their seconds.
fn rows(place: &Place, run: &str) -> Vec<String> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), 9, "{line}");
        [&fields[..6], &fields[7..]].concat().join(",")
    };
    place.text(&format!("{run}/metrics.csv")).lines().map(line).collect()
}
