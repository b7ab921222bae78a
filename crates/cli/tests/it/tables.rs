//! What the pages on files, classes and series say of the flags that settle a table, in each job that reads one.

use crate::support::*;

/// Sequences of classes, of a regression, or a series: the rows below their names, x written by a closure.
fn table(kind: &str, x: impl Fn(usize) -> String) -> String {
    let row = |at: usize| match kind {
        "series" => format!("{};{}\n", 2000 + at, x(at)),
        _ => format!("s{};{};{};{}\n", at / 5, at % 5, x(at), at / 5 % 2),
    };
    let names = if kind == "series" { "year;x\n" } else { "id;time;x;label\n" };
    (0..100).fold(names.to_owned(), |text, at| text + &row(at))
}

/// A short training of each job on `a.csv`.
const JOBS: [(&str, &str); 3] = [
    ("classify", "--hidden-size 3 --num-epoch 1 --batch-size 4"),
    ("regress", "--target label --hidden-size 3 --num-epoch 1 --batch-size 4"),
    ("series", "--target x --horizon 3 --hidden-size 3 --num-epoch 1"),
];

/// A number that stands for a missing value is warned of until a flag says so; quiet, the warning is an event alone.
#[test]
fn a_number_that_stands_for_a_missing_value_is_settled_by_a_flag() {
    let place = Place::new();
    for (job, flags) in JOBS {
        place
            .write("a.csv", table(job, |at| if at % 9 == 4 { "-999".into() } else { (at % 7).to_string() }).as_bytes());
        let train = format!("train {job} --data a.csv {flags} --threads 1");
        let warns = place.elman(&format!("{train} --out {job}-1"));
        warns.succeeded();
        let says = "column \"x\" has -999 11 times, and otherwise 0 to 6: if it stands for a missing value, say";
        assert!(warns.stderr.contains(&format!("warning: {says} --missing-value=-999\n")), "{job}: {}", warns.stderr);
        let quiet = place.elman(&format!("{train} --quiet --json --out {job}-2"));
        quiet.succeeded();
        let objects = objects(&quiet.stdout);
        assert!(event(&objects, "warning")["text"].as_str().unwrap().starts_with(says), "{job}");
        assert_eq!(quiet.stderr, "", "{job}");
        let settled = place.elman(&format!("{train} --missing-value=-999 --out {job}-3"));
        settled.succeeded();
        assert!(!settled.stderr.contains("-999 11 times"), "{job}: {}", settled.stderr);
        let counted = if job == "series" { "11 missing targets" } else { "11 values are missing" };
        assert!(settled.stderr.contains(counted), "{job}: {}", settled.stderr);
        // The run knows it: its table is read again so.
        let again = place.elman(&format!("eval {job}-3"));
        again.succeeded();
        assert!(!again.stderr.contains("-999"), "{job}: {}", again.stderr);
    }
}

/// Cells that allow two readings are refused by every job, with the line, the column and the flag, and read with it.
#[test]
fn marks_that_allow_two_readings_are_settled_by_a_flag() {
    let place = Place::new();
    for (job, flags) in JOBS {
        place.write("a.csv", table(job, |at| format!("1{},25{}", at % 7, at % 3)).as_bytes());
        let train = format!("train {job} --data a.csv {flags} --threads 1");
        let words = ["line 2, column \"x\": \"10,250\" may have", "--decimal , or --thousands ,"];
        place.elman(&format!("{train} --out {job}")).refused(1, &words);
        for (flag, how) in [("--decimal ,", "decimal comma"), ("--thousands ,", "thousands between ','")] {
            let read = place.elman(&format!("{train} {flag} --out {job}-{}", &how[..7]));
            read.succeeded();
            assert!(
                read.stderr.contains(&format!("x: 100 numbers ({how})")) || read.stderr.contains(&format!("x ({how})")),
                "{job}, {flag}: {}",
                read.stderr
            );
        }
    }
}

/// Text that is the same in all rows of a series is read, or what is named, or nothing.
#[test]
fn static_columns_are_found_named_or_none() {
    let place = Place::new();
    let table = |shops: usize| {
        (0..shops)
            .flat_map(|shop| (0..40).map(move |t| (shop, t)))
            .fold("shop,kind,t,y\n".to_owned(), |text, (shop, t)| {
                text + &format!("{shop},k{},{t},{}\n", shop, (t + shop) % 6)
            })
    };
    place.write("a.csv", table(4).as_bytes());
    let train = |flags: &str| {
        let line = "train series --data a.csv --target y --id shop --horizon 3 --context 6 --season 6 --hidden-size 3 --num-epoch 1";
        place.elman(&format!("{line} {flags}"))
    };
    for (flags, said) in [
        ("--out found", "static: kind\n"),
        ("--static kind --out named", "static: kind\n"),
        ("--static shop --out ids", "static: shop; not read: kind"),
        ("--static= --out none", "not read: kind, line 2 \"k0\" is no number\n"),
    ] {
        let outcome = train(flags);
        outcome.succeeded();
        assert!(outcome.stderr.contains(said), "{flags}: {}", outcome.stderr);
    }
    // Of many texts only what is named is read, and of more than 1,000 nothing.
    place.write("a.csv", table(60).as_bytes());
    let outcome = train("--out many");
    outcome.succeeded();
    assert!(outcome.stderr.contains("not read: kind, 60 different texts, more than 50\n"), "{}", outcome.stderr);
    let outcome = train("--static kind --out many-named");
    outcome.succeeded();
    assert!(outcome.stderr.contains("static: kind\n"), "{}", outcome.stderr);
    place.write("a.csv", table(1001).as_bytes());
    train("--static kind --out too-many").refused(2, &["kind, which has 1001 different texts", "at most 1000"]);
}

/// The backtest on a newer table goes from the start of the test to the new end, and the context has its sizes by default.
#[test]
fn a_newer_table_is_tested_from_the_same_time_to_its_end() {
    let place = Place::new();
    let months = |count: usize| {
        let row = |t: usize| format!("{}-{:02},{}\n", 2000 + t / 12, t % 12 + 1, 50 + t % 12 * 3 + t % 5);
        (0..count).fold("month,y\n".to_owned(), |text, t| text + &row(t))
    };
    place.write("a.csv", months(144).as_bytes());
    let train = "train series --data a.csv --target y --hidden-size 3 --num-epoch 1";
    for (horizon, context) in [(6, 24), (9, 27)] {
        place.elman(&format!("{train} --horizon {horizon} --out h{horizon}")).succeeded();
        assert!(place.text(&format!("h{horizon}/config.toml")).contains(&format!("\ncontext = {context}\n")));
    }
    place.write("newer.csv", months(150).as_bytes());
    let of = |line: &str| {
        let outcome = place.elman(line);
        outcome.succeeded();
        let objects = objects(&outcome.stdout);
        let backtest = objects[0].clone();
        (backtest["start"].clone(), backtest["origins"].as_u64().unwrap())
    };
    let ((from, before), (again, after)) = (of("eval h6 --json"), of("eval h6 --data newer.csv --json"));
    assert!(from.is_string() && from == again, "{from} {again}");
    assert_eq!(after, before + 6);
    place.write("quarters.csv", months(150).replace("-01,", "Q1,").as_bytes());
    place.elman("eval h6 --data quarters.csv").refused(1, &["quarters.csv", "line 3"]);
}
