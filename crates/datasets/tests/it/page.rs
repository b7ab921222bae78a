//! What `docs/formats.md` says of tables: every form of a time, number and missing value that the page shows is read as it
//! says, in series and in classes. A form that the page gains needs a test here, and one that the code loses fails.

use elman_datasets::SequenceSet;
use elman_datasets::sequences::{self, ColumnNames};
use elman_datasets::series::{Reader, SeriesSet, TimeFormat};

fn page() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md");
    std::fs::read_to_string(path).unwrap()
}

/// What stands in code between two texts of the page.
fn shown(from: &str, to: &str) -> Vec<String> {
    let page = page();
    let (_, behind) = page.split_once(from).unwrap_or_else(|| panic!("the page does not say {from:?}"));
    let (part, _) = behind.split_once(to).unwrap_or_else(|| panic!("the page does not say {to:?} behind {from:?}"));
    part.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn series(reader: Reader, text: &str) -> SeriesSet {
    reader.parse("a.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn classes(names: ColumnNames, text: &str) -> SequenceSet {
    sequences::parse("a.csv", text.as_bytes(), &names).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Three times that follow each other, the first of them on the page; what they are called; how often they come.
const TIMES: &[(&str, [&str; 3], &str, &str)] = &[
    ("t", ["2009", "2010", "2011"], "year", "yearly"),
    ("t", ["2009-05", "2009-06", "2009-07"], "year and month", "monthly"),
    ("t", ["2009-05-31", "2009-06-01", "2009-06-02"], "date", "daily"),
    (
        "t",
        ["2009-05-31T13:00:00+02:00", "2009-05-31T14:00:00+02:00", "2009-05-31T15:00:00+02:00"],
        "date and clock",
        "hourly",
    ),
    (
        "t",
        ["2009-05-31 13:00:00 UTC", "2009-05-31 14:00:00 UTC", "2009-05-31 15:00:00 UTC"],
        "date and clock",
        "hourly",
    ),
    ("t", ["2009-W22", "2009-W23", "2009-W24"], "year and week", "weekly"),
    ("t", ["2009W22", "2009W23", "2009W24"], "year and week", "weekly"),
    ("t", ["2009-W22-7", "2009-W23-1", "2009-W23-2"], "year, week and day", "daily"),
    ("t", ["2009Q2", "2009Q3", "2009Q4"], "year and quarter", "quarterly"),
    ("t", ["2009-Q2", "2009-Q3", "2009-Q4"], "year and quarter", "quarterly"),
    ("t", ["Q2 2009", "Q3 2009", "Q4 2009"], "year and quarter", "quarterly"),
    ("t", ["1991M07", "1991M08", "1991M09"], "year and month", "monthly"),
    ("t", ["07/1991", "08/1991", "09/1991"], "year and month", "monthly"),
    ("t", ["1991 Jul", "1991 Aug", "1991 Sep"], "year and month", "monthly"),
    ("t", ["July 1991", "August 1991", "September 1991"], "year and month", "monthly"),
    ("t", ["Jan-1-1995", "Feb-1-1995", "Mar-1-1995"], "date", "monthly"),
    ("t", ["31-Dec-2020", "01-Jan-2021", "02-Jan-2021"], "date", "daily"),
    ("t", ["31/12/2020", "01/01/2021", "02/01/2021"], "date DD/MM/YYYY", "daily"),
    ("t", ["12/31/2020", "01/01/2021", "01/02/2021"], "date MM/DD/YYYY", "daily"),
    ("t", ["31.12.2020 13:00", "31.12.2020 14:00", "31.12.2020 15:00"], "date and clock DD.MM.YYYY hh:mm", "hourly"),
    (
        "t",
        ["12/31/2020 1:00 PM", "12/31/2020 2:00 PM", "12/31/2020 3:00 PM"],
        "date and clock MM/DD/YYYY h:mm AM",
        "hourly",
    ),
    ("t", ["200905", "200906", "200907"], "year and month", "monthly"),
    ("t", ["20090531", "20090601", "20090602"], "date", "daily"),
    ("t", ["2009053113", "2009053114", "2009053115"], "date and hour", "hourly"),
    ("date", ["43861", "43862", "43863"], "Excel's numbers of days", "daily"),
    ("t", ["1", "2", "3"], "steps", "a step"),
];

#[test]
fn every_time_that_the_page_shows_is_read() {
    let mut found: Vec<&str> = Vec::new();
    for (name, times, what, frequency) in TIMES {
        let rows: String = times.iter().zip(1..).map(|(time, y)| format!("\"{time}\",{y}\n")).collect();
        let set = series(Reader::new("y"), &format!("{name},y\n{rows}"));
        // Between them may stand how it was written.
        let (said, first) = (set.report.taken.to_string(), times[0]);
        let ends = format!(", as {first}; target y: 3 numbers");
        assert!(said.starts_with(&format!("time {name}: {what}")) && said.ends_with(&ends), "{said}");
        assert_eq!((set.frequency.to_string().as_str(), set.report.gaps), (*frequency, 0), "{times:?}");
        // In the time that a forecast continues, and sorted: the same of classes, whose steps come in the wrong order.
        assert_eq!(set.time_text(&set.series[0], 2).as_deref(), Some(times[2]));
        let rows: String = times.iter().zip(1..4).rev().map(|(time, x)| format!("a,\"{time}\",{x}\n")).collect();
        assert_eq!(classes(ColumnNames::default(), &format!("id,date,x\n{rows}")).values, [1.0, 2.0, 3.0], "{times:?}");
        found.push(times[0]);
    }
    // These stand alone with a format that is said.
    let excel = Reader::new("y").time(["t"]).time_format("excel");
    assert_eq!(series(excel, "t,y\n43861.5,1\n43862.5,2\n43863.5,3\n").frequency.to_string(), "daily");
    found.push("43861.5");
    let missing: Vec<String> = shown("| form | for example |", "\n| parts in columns")
        .into_iter()
        .chain(shown("| Excel's numbers of days |", ": with"))
        .filter(|form| !found.contains(&form.as_str()) && !["/", "-"].contains(&form.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let slashes = series(Reader::new("y"), "t,y\n2009/05/31,1\n2009/06/01,2\n2009/06/02,3\n");
    assert_eq!(slashes.time_text(&slashes.series[0], 3).as_deref(), Some("2009/06/03"));
}

#[test]
fn the_time_since_1970_is_that_of_its_unit() {
    for per_second in [1_i64, 1_000, 1_000_000, 1_000_000_000] {
        let table = |first: i64| -> String {
            let row = |hour: i64| format!("{},{hour}\n", (first + hour * 3600) * per_second);
            (0..3).map(row).collect()
        };
        let format = |first: i64| series(Reader::new("y"), &format!("t,y\n{}", table(first))).format;
        // From the first hour of 1980 to the last ones of 2100; outside they count steps.
        for first in [315_532_800, 4_133_980_800 - 3 * 3600] {
            assert!(matches!(format(first), TimeFormat::Epoch { .. }), "{first} {per_second}: {:?}", format(first));
        }
        assert_eq!(format(315_532_800 - 4 * 3600), TimeFormat::Step, "{per_second}");
    }
}

#[test]
fn parts_of_times_stand_in_columns() {
    for (header, rows, frequency) in [
        ("year,quarter", ["2009,3", "2009,4", "2010,1"], "quarterly"),
        ("year,week", ["2009,22", "2009,23", "2009,24"], "weekly"),
        ("year,month", ["2009,11", "2009,12", "2010,1"], "monthly"),
        ("year,month,day", ["2009,12,30", "2009,12,31", "2010,1,1"], "daily"),
        ("year,month,day,hour", ["2009,12,31,22", "2009,12,31,23", "2010,1,1,0"], "hourly"),
        ("Date,Time", ["2009-12-31,22:00", "2009-12-31,23:00", "2010-01-01,00:00"], "hourly"),
        ("a,b", ["2009-12-31,22:00", "2009-12-31,23:00", "2010-01-01,00:00"], "hourly"),
        ("a,hour", ["2009-12-31,22", "2009-12-31,23", "2010-01-01,0"], "hourly"),
    ] {
        let of = |id: &str| rows.iter().zip(1..).map(|(row, y)| format!("{id}{row},{y}\n")).collect::<String>();
        let set = series(Reader::new("y"), &format!("{header},y\n{}", of("")));
        assert_eq!((set.frequency.to_string().as_str(), set.covariates.len()), (frequency, 0), "{header}");
        let turned: String = of("a,").lines().rev().map(|line| format!("{line}\n")).collect();
        let set = classes(ColumnNames::default(), &format!("id,{header},x\n{turned}"));
        assert_eq!((&set.values[..], &set.names[..]), (&[1.0, 2.0, 3.0][..], &["x".to_owned()][..]), "{header}");
    }
}

#[test]
fn every_number_that_the_page_shows_is_read() {
    let expected = [
        ("1.5", 1.5, "2.25"),
        ("1,5", 1.5, "2,25"),
        ("1,234,567", 1_234_567.0, "7"),
        ("1.234,5", 1_234.5, "7"),
        ("1 234", 1_234.0, "7"),
        ("1'234", 1_234.0, "7"),
    ];
    let shown = shown("and separated thousands: ", ". All of its cells decide");
    assert_eq!(shown, expected.map(|(text, ..)| text.to_owned()));
    for (text, number, other) in expected {
        for separator in [",", ";", "\t"] {
            let lines = |head: &str, cells: &dyn Fn(&str, usize) -> String| {
                let rows = [text, text, other].into_iter().zip(1..).map(|(text, at)| cells(text, at) + "\n");
                format!("{head}\n{}", rows.collect::<String>()).replace('|', separator)
            };
            let table = lines("t|y", &|cell, at| format!("{at}|\"{cell}\""));
            assert_eq!(series(Reader::new("y"), &table).series[0].target[..2], [number, number], "{table}");
            let table = lines("id|x", &|cell, _| format!("a|\"{cell}\""));
            assert_eq!(classes(ColumnNames::default(), &table).values[..2], [number, number], "{table}");
        }
    }
}

#[test]
fn every_missing_value_that_the_page_shows_is_missing() {
    let shown = shown("An empty cell, ", " is missing.");
    assert_eq!(shown.len(), 7, "{shown:?}");
    for text in shown.iter().map(String::as_str).chain([""]) {
        let set = series(Reader::new("y"), &format!("t,y,x\n1,1,2\n2,{text},{text}\n3,3,4\n4,5,6\n"));
        assert!(set.series[0].target[1].is_nan() && set.series[0].covariates[1].is_nan(), "{text}");
        assert_eq!((set.report.missing_targets, set.report.missing_covariates), (1, 1), "{text}");
        let set = classes(ColumnNames::default(), &format!("id,x,z\na,1,7\na,{text},8\n"));
        assert!(set.values[2].is_nan() && set.missing() == 1, "{text}");
    }
    // Truth values are numbers; infinite ones and those that single precision does not hold are refused by both.
    for (cell, says) in [("inf", "\"inf\" is not a finite number"), ("1e39", "\"1e39\" is not a finite number")] {
        let error = Reader::new("y").parse("a.csv", format!("t,y\n1,1\n2,{cell}\n3,3\n").as_bytes()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        let text = format!("id,x\na,1\na,2\na,3\na,4\na,{cell}\n");
        let error = sequences::parse("a.csv", text.as_bytes(), &ColumnNames::default()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn of_two_columns_of_times_the_usual_name_decides() {
    let names = shown("unless\nonly one of them is called ", ". Rows are sorted");
    assert_eq!(names.len(), 5, "{names:?}");
    for name in names.iter().flat_map(|name| [name.clone(), name.to_uppercase()]) {
        let text = format!(
            "id,sold,{name},x\na,2020-01-01,2020-01-03,3\na,2020-01-02,2020-01-02,2\na,2020-01-03,2020-01-01,1\n"
        );
        assert_eq!(classes(ColumnNames::default(), &text).values, [1.0, 2.0, 3.0], "{name}");
        let text = text.replace("id,", "").replace("a,", "");
        assert_eq!(series(Reader::new("x"), &text).series[0].target, [1.0, 2.0, 3.0], "{name}");
    }
}

#[test]
fn formats_that_the_page_names_may_be_said() {
    let text = |times: [&str; 3]| -> String {
        times.iter().zip(1..).fold("t,y\n".into(), |text, (time, y)| format!("{text}{time},{y}\n"))
    };
    let days = ["01/02/2020", "02/02/2020", "03/02/2020"];
    for (form, times, frequency) in [
        ("DD/MM/YYYY", days, "daily"),
        ("%d/%m/%Y", days, "daily"),
        ("DD/MM/YY", ["01/02/20", "02/02/20", "03/02/20"], "daily"),
        ("year", ["850", "851", "852"], "yearly"),
        ("steps", ["2009", "2010", "2011"], "a step"),
        ("seconds", ["0", "3600", "7200"], "hourly"),
        ("milliseconds", ["0", "1000", "2000"], "every second"),
        ("excel", ["100.5", "101.5", "102.5"], "daily"),
    ] {
        let set = series(Reader::new("y").time(["t"]).time_format(form), &text(times));
        assert_eq!(set.frequency.to_string(), frequency, "{form}");
    }
    let listed = [shown("which:\n", ". It also takes"), shown("not on the list, such as ", ". If two columns hold")];
    for form in listed.concat().iter().map(|form| form.trim_start_matches("--time-format ")) {
        let known = ["DD/MM/YYYY", "%d/%m/%Y", "DD/MM/YY", "year", "steps", "seconds", "milliseconds", "excel"];
        assert!(known.contains(&form), "{form}");
    }
}

/// A table of several series has a middle for each, up to so many; beyond, one for all.
#[test]
fn middles_of_many_series_have_a_bound() {
    let table = |series: usize| -> String {
        let row =
            |s: usize, t: usize| format!("{s},{t},{}\n", 1_600_000_000_u64 + 50_000_000 * (s as u64 % 2) + t as u64);
        (0..series).flat_map(|s| (0..3).map(move |t| row(s, t))).collect()
    };
    let centres = |count: usize| {
        let set = series(Reader::new("y").id("id"), &format!("id,t,y\n{}", table(count)));
        (set.series[0].centre(), set.series[1].centre())
    };
    assert_eq!(centres(16_384), (1_600_000_001.0, 1_650_000_001.0));
    let (first, second) = centres(16_385);
    assert_eq!(first, second);
}
