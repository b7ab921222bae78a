//! Tables of time series: what is read, what is repaired and reported, and what is refused.

use crate::make::{Folder, assert_says, gz};
use elman_datasets::series::{Reader, Series, SeriesSet, StaticValue, Time, TimeFormat};
use elman_datasets::{Error, series::SeriesFault};

#[track_caller]
fn read(reader: &Reader, text: &str) -> SeriesSet {
    reader.parse("a.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// The text is refused with a message that names the file and holds `parts`.
#[track_caller]
fn refused(reader: &Reader, text: &str, parts: &[&str]) {
    let error = reader.parse("a.csv", text.as_bytes()).expect_err("the text must be refused");
    assert!(matches!(error, Error::Series { .. }), "{error:?}");
    assert_says(&error.to_string(), &["cannot read a.csv: "]);
    assert_says(&error.to_string(), parts);
}

fn y() -> Reader {
    Reader::new("y")
}

/// Texts of the times of all steps, and of two beyond.
fn times(set: &SeriesSet, series: &Series) -> Vec<String> {
    (0..series.steps() as i64 + 2).map(|step| set.time_text(series, step).unwrap()).collect()
}

/// None for what is not known: NaN is not equal to itself.
fn known(values: &[f32]) -> Vec<Option<f32>> {
    values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect()
}

#[test]
fn month_ends_with_a_gap_and_missing_cells() {
    let set = read(&y(), "date,y,a,b\n2023-10-31,1,NaN,1\n2023-11-30,,2,?\n2024-01-31,na,3,NULL\n2024-02-29,4.5,4,4\n");
    let series = &set.series[0];
    assert_eq!(set.frequency.to_string(), "monthly");
    let expected = ["2023-10-31", "2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"];
    assert_eq!(times(&set, series), expected);
    assert_eq!(known(&series.target), [Some(1.0), None, None, None, Some(4.5)]);
    let covariates = [None, Some(1.0), Some(2.0), None, None, None, Some(3.0), None, Some(4.0), Some(4.0)];
    assert_eq!(known(&series.covariates), covariates);
    assert_eq!(set.covariates, ["a", "b"]);
    let report = &set.report;
    assert_eq!((report.rows, report.gaps, report.missing_targets, report.missing_covariates), (4, 1, 2, 3));
    assert_eq!((report.reordered, &report.time[..]), (0, &["date".to_owned()][..]));
}

#[test]
fn rows_out_of_order_are_sorted_and_counted() {
    let set = read(&y(), "y;ds\n3;2009-03\n1;2009-01\n2;2009-02\n4;2009-04\n");
    assert_eq!(set.series[0].target, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(set.report.reordered, 1);
}

#[test]
fn several_series_keep_their_order_and_their_own_starts() {
    let text =
        "id\ttime\ty\nb\t2009-01-02\t1\na\t2009-01-05\t2\nb\t2009-01-03\t3\na\t2009-01-06\t4\nb\t2009-01-04\t5\n";
    let set = read(&y().id("id"), text);
    let ids: Vec<_> = set.series.iter().map(|series| series.id.as_str()).collect();
    assert_eq!((ids, set.frequency.to_string().as_str()), (vec!["b", "a"], "daily"));
    assert_eq!((&set.series[0].target[..], &set.series[1].target[..]), (&[1.0, 3.0, 5.0][..], &[2.0, 4.0][..]));
    assert_eq!(set.time_text(&set.series[1], 2).as_deref(), Some("2009-01-07"));
}

#[test]
fn times_in_columns_of_parts() {
    let tables = [
        ("year,month,y\n2008,11,1\n2008,12,2\n2009,1,3\n", "2009-02", "monthly"),
        ("YEAR,y,Quarter\n1959.0,1,3.0\n1959.0,2,4.0\n1960.0,3,1.0\n", "1960Q2", "quarterly"),
        ("y,Day,Month,Year\n1,28,2,2008\n2,29,2,2008\n3,1,3,2008\n", "2008-03-02", "daily"),
        ("year,month,day,hour,y\n2008,2,29,22,1\n2008,2,29,23,2\n2008,3,1,0,3\n", "2008-03-01T01:00", "hourly"),
    ];
    for (text, next, frequency) in tables {
        let set = read(&y(), text);
        assert_eq!(set.time_text(&set.series[0], 3).as_deref(), Some(next));
        assert_eq!((set.frequency.to_string().as_str(), set.covariates.len()), (frequency, 0), "{text}");
    }
    let named = read(&y().time(["month", "year"]), "year,month,y\n2008,11,1\n2008,12,2\n2009,1,3\n");
    assert_eq!(named.report.time, ["year", "month"]);
    refused(&y(), "year,month,y\n2008,12,1\n2008,13,2\n", &["line 3, column \"month\": \"13\"", "from 1 to 12"]);
    refused(&y(), "year,month,day,y\n2009,2,28,1\n2009,2,29,2\n", &["line 3, column \"day\": \"29\"", "of its month"]);
    refused(&y(), "year,quarter,y\n2009,5,1\n", &["line 2, column \"quarter\": \"5\"", "from 1 to 4"]);
    refused(&y().time(["month", "y2"]), "y2,month,y\n", &["columns \"month\", \"y2\" do not make a time"]);
}

#[test]
fn which_column_is_the_time() {
    // By its name, before parts and contents; by contents, where no name says so; never a column of counts.
    let named = read(&y(), "year,month,date,y\n1,1,2009-01,1\n1,1,2009-02,2\n1,1,2009-03,3\n");
    assert_eq!((&named.report.time[..], named.covariates.len()), (&["date".to_owned()][..], 2));
    let found = read(&y(), "n,y,when\n1,1,2009-01\n2,2,2009-02\n3,3,2009-03\n");
    assert_eq!((&found.report.time[..], &found.covariates[..]), (&["when".to_owned()][..], &["n".to_owned()][..]));
    let steps = read(&y().time(["n"]), "n,y\n5,1\n7,2\n9,3\n");
    assert_eq!(
        (steps.frequency.to_string().as_str(), steps.time_text(&steps.series[0], 3).as_deref()),
        ("every 2 steps", Some("11"))
    );
    refused(
        &y(),
        "n,y\n1,1\n2,2\n3,3\n",
        &["none of its columns holds times; its columns are \"n\", \"y\"", "Name the time"],
    );
    // A name that promises times and does not hold them is shown with its first wrong cell.
    refused(&y(), "date,y\nMay,1\n", &["line 2, column \"date\": \"May\" is not a time; expected 2009, 2009-05"]);
    refused(&y(), "date,y\n1749.042,1\n", &["\"1749.042\" is not a time", "years with a fraction are not read"]);
    // Two that hold times are not chosen between, unless one alone has the name of times.
    let two = "shipped,ordered,y\n2020-01-01,2020-01-01,1\n2020-02-07,2020-01-02,2\n2020-01-15,2020-01-03,3\n";
    refused(&y(), two, &["columns \"shipped\" and \"ordered\" both hold times", "as --time shipped"]);
    refused(&y(), &two.replace("shipped,ordered", "date,time"), &["columns \"time\" and \"date\" both hold times"]);
    refused(&y(), &two.replace("shipped,ordered", ",when"), &["columns \"\" and \"when\" both"]);
    assert_eq!(read(&y().time(["ordered"]), two).report.taken.not_read[0].to_string(), "shipped, other times");
    assert_eq!(read(&y(), &two.replace("ordered", "date")).report.time, ["date"]);
}

#[test]
fn a_first_column_without_a_name_is_the_times_or_numbers_the_rows() {
    let years = read(&Reader::new(""), ",0\n1821,269\n1822,321\n1823,585\n");
    assert_eq!((years.target.as_str(), years.time_text(&years.series[0], 3).as_deref()), ("0", Some("1824")));
    assert_eq!(years.report.taken.to_string(), "time a column without a name: year, as 1821; target 0: 3 numbers");
    let rows = read(&Reader::new(""), ",y\n0,5\n1,6\n2,8\n");
    assert_eq!((rows.frequency.to_string().as_str(), rows.series[0].steps()), ("a step", 3));
    let dates = read(&Reader::new(""), ",KSI\n1969-01-01,1687\n1969-02-01,1508\n1969-03-01,1507\n");
    assert_eq!((dates.frequency.to_string().as_str(), dates.target.as_str()), ("monthly", "KSI"));
    let index = read(&Reader::new(""), "Unnamed: 0,Quarter,c\n0,1970 Q1,1\n1,1970 Q2,2\n2,1970 Q3,3\n");
    assert_eq!((&index.report.time[..], index.covariates.len()), (&["Quarter".to_owned()][..], 0));
    assert_eq!(
        index.report.taken.to_string(),
        "time Quarter: year and quarter, as 1970 Q1; target c: 3 numbers; not read: Unnamed: 0, the numbers of rows"
            .replace("Unnamed: 0", "\"Unnamed: 0\"")
    );
}

#[test]
fn the_only_column_of_numbers_is_the_target() {
    let sole = Reader::new("");
    assert_eq!(read(&sole, "date,sales,note\n2009-01,1,a\n2009-02,2,b\n2009-03,3,c\n").target, "sales");
    let two = "date,a,b\n2009-01,1,4\n2009-02,2,5\n2009-03,3,6\n";
    refused(&sole, two, &["no target is named", "name one of \"a\", \"b\""]);
    // Of text alone its first cell says why it is no target.
    refused(&sole, "date,a\n2009-01,x\n", &["line 2, column \"a\": \"x\" is not a number"]);
    let error = Reader::new("").parse("a.csv", b"2009-01,5\n2009-02,6\n2009-03,7\n").unwrap_err().to_string();
    assert_says(
        &error,
        &["line 1: expected the names of the columns, found values alone, as \"2009-01\"", "put a line"],
    );
}

/// What files call a month after December, an hour after midnight.
#[test]
fn times_of_every_form_go_on_in_it() {
    for (times, frequency, next) in [
        (["199911", "199912", "200001"], "monthly", "200002"),
        (["2020013122", "2020013123", "2020020100"], "hourly", "2020020101"),
        (["202001312330", "202001312345", "202002010000"], "every 15 minutes", "202002010015"),
        (["20200131235958", "20200131235959", "20200201000000"], "every second", "20200201000001"),
        (["20231231", "20240101", "20240102"], "daily", "20240103"),
        (["1991 Nov", "1991 Dec", "1992 Jan"], "monthly", "1992 Feb"),
        (["Nov-1991", "Dec-1991", "Jan-1992"], "monthly", "Feb-1992"),
        (["Nov-1-1994", "Dec-1-1994", "Jan-1-1995"], "monthly", "Feb-1-1995"),
        (["1991M11", "1991M12", "1992M01"], "monthly", "1992M02"),
        (["11/1991", "12/1991", "01/1992"], "monthly", "02/1992"),
        (["1991Q2", "1991Q3", "1991Q4"], "quarterly", "1992Q1"),
        (["Q2 1991", "Q3 1991", "Q4 1991"], "quarterly", "Q1 1992"),
        (["29/02/2020", "01/03/2020", "02/03/2020"], "daily", "03/03/2020"),
        (["1/30/2020", "1/31/2020", "2/1/2020"], "daily", "2/2/2020"),
        (["31.1.2020 22:00", "31.1.2020 23:00", "1.2.2020 00:00"], "hourly", "1.2.2020 01:00"),
        (["946684800", "949363200", "951868800"], "monthly", "954547200"),
        (["1577836800000", "1577840400000", "1577844000000"], "hourly", "1577847600000"),
        (["1577836800000000000", "1577836801000000000", "1577836802000000000"], "every second", "1577836803000000000"),
    ] {
        let rows: String = times.iter().zip(1..).map(|(time, y)| format!("{time},{y}\n")).collect();
        let set = read(&y(), &format!("date,y\n{rows}"));
        assert_eq!((set.frequency.to_string().as_str(), set.report.gaps), (frequency, 0), "{times:?}");
        assert_eq!(set.time_text(&set.series[0], 3).as_deref(), Some(next));
    }
    // Counters stay counters.
    let steps = read(&y(), "t,y\n200011,1\n200012,2\n200013,3\n");
    assert_eq!((steps.frequency.to_string().as_str(), steps.report.gaps), ("a step", 0));
}

#[test]
fn times_that_may_be_either_are_refused_until_said() {
    let text = "date,y\n01/02/2020,1\n02/02/2020,2\n03/02/2020,3\n";
    let says =
        ["line 2, column \"date\": \"01/02/2020\" may be DD/MM/YYYY or MM/DD/YYYY", "--time-format DD/MM/YYYY or"];
    refused(&y(), text, &says);
    let days = read(&y().time_format("DD/MM/YYYY"), text);
    assert_eq!((days.frequency.to_string().as_str(), days.report.taken.time.unwrap().what.as_str()), ("daily", "date"));
    let months = read(&y().time_format("%m/%d/%Y"), text);
    assert_eq!((months.frequency.to_string().as_str(), &*months.format.to_string()), ("monthly", "MM/DD/YYYY"));
    assert_eq!(months.time_text(&months.series[0], 3).as_deref(), Some("04/02/2020"));
    assert_eq!(read(&y().time_format("steps"), "t,y\n200001,1\n200002,2\n200003,3\n").format, TimeFormat::Step);
    refused(
        &y().time_format("DD/MM/YY"),
        "date,y\n13/01/1999,1\n",
        &["line 2", "\"13/01/1999\" is not a time; expected DD"],
    );
    refused(&y().time_format("days"), text, &["--time-format is \"days\"; expected a pattern such as DD/MM/YYYY"]);
    let mixed = "date,y\n13/01/2020,1\n01/14/2020,2\n";
    refused(&y(), mixed, &["line 3", "\"01/14/2020\" is of another form than \"13/01/2020\" on line 2"]);
}

#[test]
fn marks_in_numbers_are_read_where_a_column_leaves_no_doubt() {
    let read_y = |reader: Reader, cells: [&str; 3]| {
        let rows: String = cells.iter().zip(1..).map(|(y, month)| format!("2009-0{month};{y}\n")).collect();
        let set = reader.parse("a.csv", format!("date;y\n{rows}").as_bytes());
        set.map(|set| (set.series[0].target.clone(), set.report.taken.target.unwrap().how)).map_err(|e| e.to_string())
    };
    let how = |how: &str| Some(how.to_owned());
    assert_eq!(read_y(y(), ["1,5", "2", "-3,25"]).unwrap(), (vec![1.5, 2.0, -3.25], how("decimal comma")));
    assert_eq!(
        read_y(y(), ["1,234,567", "10,257", "7"]).unwrap(),
        (vec![1_234_567.0, 10_257.0, 7.0], how("thousands between ','"))
    );
    assert_eq!(
        read_y(y(), ["1.234,5", "10,5", "1"]).unwrap(),
        (vec![1234.5, 10.5, 1.0], how("decimal comma, thousands between '.'"))
    );
    assert_eq!(read_y(y(), ["1 234", "5", "6"]).unwrap().1, how("thousands between blanks"));
    let message = read_y(y(), ["10,257", "11,289", "7"]).unwrap_err();
    assert_says(&message, &["line 2, column \"y\": \"10,257\" may have", "--decimal , or --thousands ,"]);
    assert_eq!(read_y(y().thousands(Some(',')), ["10,257", "11,289", "7"]).unwrap().0, [10_257.0, 11_289.0, 7.0]);
    assert_eq!(read_y(y().decimal(','), ["10,257", "11,289", "7"]).unwrap().0, [10.257, 11.289, 7.0]);
    assert_eq!(read_y(y().thousands(None), ["10,257", "11,289", "7"]).unwrap().0, [10.257, 11.289, 7.0]);
    let message = read_y(y(), ["1.5", "2.5", "3,5"]).unwrap_err();
    assert_says(&message, &["line 4, column \"y\": \"3,5\" is not a number beside", "--decimal and --thousands"]);
    // Where one column has decimal commas, points in another may part thousands.
    // Semicolons part cells where commas are decimal marks.
    let alone = "date;y\n2009-01;1.234\n2009-02;12.345\n2009-03;3.456\n";
    refused(&y(), alone, &["line 2, column \"y\": \"1.234\" may have", "--decimal . or --thousands ."]);
    let target = |reader: Reader, text: &str| read(&reader, text).series[0].target.clone();
    assert_eq!(target(y().thousands(Some('.')), alone), [1234.0, 12345.0, 3456.0]);
    assert_eq!(target(y().decimal('.'), alone), [1.234, 12.345, 3.456]);
    assert_eq!(target(y(), &alone.replace("3.456", "3.45")), [1.234, 12.345, 3.45]);
    assert_eq!(target(y(), &alone.replace(';', ",")), [1.234, 12.345, 3.456]);
    // What was seen between semicolons holds for shorter tables.
    assert_eq!(read(&y(), &alone.replace("3.456", "3.45")).report.taken.marks, Some(('.', None)));
    assert_eq!(read(&y(), &alone.replace("3.456", "3.45").replace(';', ",")).report.taken.marks, None);
    let text = "date;y;x\n2009-01;1,5;1.234\n2009-02;2,5;2.345\n2009-03;3,5;3.456\n";
    refused(&y(), text, &["line 2, column \"x\": \"1.234\" may have", "--decimal . or --thousands ."]);
    let set = read(&y().decimal(','), text);
    assert_eq!(set.series[0].covariates, [1234.0, 2345.0, 3456.0]);
}

#[test]
fn a_covariate_does_not_vanish_for_one_cell() {
    let table = |cells: &[&str]| {
        let rows: String = cells.iter().zip(1..).map(|(x, day)| format!("2009-01-{day:02},{day},{x}\n")).collect();
        format!("date,y,x\n{rows}")
    };
    let says = ["line 7, column \"x\": \"15o\" is not a finite number, and 5 of the column's 6 cells are", "mend it"];
    refused(&y(), &table(&["1", "2", "3", "4", "5", "15o"]), &says);
    refused(&y(), &table(&["1", "2", "3", "4", "true"]), &["\"true\" is not a finite number, and 4 of"]);
    refused(&y(), &table(&["1.5", "2", "3", "4", "\"5,5\""]), &["\"5,5\" is not a finite number beside the others"]);
    let text = read(&y(), &table(&["1", "b", "c", "4"]));
    assert_eq!(
        text.report.taken.to_string(),
        "time date: date, as 2009-01-01; target y: 4 numbers; not read: x, line 3 \"b\" is no number"
    );
    // Of days and months the example alone does not say which is which.
    let dotted = read(&y(), "date,y\n01.02.2009,1\n02.02.2009,2\n15.02.2009,3\n");
    assert_eq!(dotted.report.taken.to_string(), "time date: date DD.MM.YYYY, as 01.02.2009; target y: 3 numbers");
    let truths = read(&y(), &table(&["True", "FALSE", "", "true"]));
    assert_eq!(known(&truths.series[0].covariates), [Some(1.0), Some(0.0), None, Some(1.0)]);
}

#[test]
fn what_is_no_number_or_time_says_what_to_write() {
    let read = |text: &str| Reader::new("").parse("a.csv", text.as_bytes()).unwrap_err().to_string();
    for (cell, says) in [
        ("$1.50", "\"$1.50\" is not a number: leave out signs of currency and percent"),
        ("12 %", "is not a number: leave out signs of currency and percent"),
        ("(3.5)", "write what is below 0 with a -"),
        ("−3.5", "its minus is another character than -"),
    ] {
        let message = read(&format!("date,y\n2009-01,{cell}\n2009-02,{cell}\n2009-03,{cell}\n"));
        assert_says(&message, &["line 2, column \"y\":", says]);
    }
    for (cell, says) in [
        ("01/01/2020 13:00 PM", "a date and an hour from 1 to 12, as 2009-05-31 1:00 PM"),
        ("2020-01-01 24:00", "write 24:00 as 00:00 of the next day"),
        ("2020-W54", "a week of its year, as 2020-W05"),
        ("43831.5", "Excel's numbers of days, say --time-format excel"),
    ] {
        assert_says(&read(&format!("date,y\n{cell},1\n")), &["line 2, column \"date\":", says]);
    }
    assert_says(&read("date|y\n2009-01|1\n"), &["\"date|y\" (cells are parted by commas, semicolons or tabs"]);
    assert_says(&read("date,y\n"), &["has 0 rows, expected at least 3"]);
}

#[test]
fn a_column_called_step_counts_steps() {
    for first in [1500, 200_001, 20_200_101] {
        let rows: String = (0..5).map(|t| format!("{},{t}\n", first + t)).collect();
        let form = |name: &str| read(&y(), &format!("{name},y\n{rows}")).format;
        assert_eq!(form("step"), TimeFormat::Step);
        assert_ne!(form("time"), TimeFormat::Step);
    }
}

#[test]
fn two_frequencies_in_one_table_are_refused_with_the_line() {
    let months = |from: i32, steps: i32, each: i32, id: &str| -> String {
        let row = |k: i32| {
            let month = from + k * each;
            format!("{id}{}-{:02},{k}\n", 2000 + month / 12, month % 12 + 1)
        };
        (0..steps).map(row).collect()
    };
    // Quarters, then months.
    let then = format!("date,y\n{}{}", months(0, 12, 3, ""), months(36, 60, 1, ""));
    let says =
        ["most rows are monthly, but from line 2 (2000-01) to line 14 (2003-01) each is 3 steps", "cut the file"];
    refused(&y(), &then, &says);
    // The same under two ids; and weeks among days.
    let ids = format!("id,date,y\n{}{}", months(0, 90, 1, "a,"), months(0, 9, 3, "b,"));
    refused(
        &y().id("id"),
        &ids,
        &["from line 92 (2000-01) to line 100 (2002-01) each is 3 steps of that", "in series \"b\""],
    );
    let days = |first: i64, count: i64, each: i64| -> String {
        let day = |k: i64| Time((18_262 + first + k * each) * 86_400_000_000).civil();
        (0..count).map(day).map(|c| format!("{}-{:02}-{:02},1\n", c.year, c.month, c.day)).collect()
    };
    let weeks = format!("date,y\n{}{}", days(0, 50, 7), days(350, 200, 1));
    refused(&y(), &weeks, &["most rows are daily, but from line 2 (2020-01-01)", "each is 7 steps"]);
    let more_weeks = format!("date,y\n{}{}", days(0, 200, 7), days(1400, 50, 1));
    refused(&y(), &more_weeks, &["most rows are weekly, but line 203"]);
    // Days that are missing here and there are gaps.
    let gaps: String = (0..200).filter(|k| k % 7 > 1).map(|k| days(k, 1, 1)).collect();
    assert_eq!(read(&y(), &format!("date,y\n{gaps}")).report.gaps, 56);
}

#[test]
fn values_far_from_0_are_kept_as_differences() {
    let rows: String =
        (0..40).map(|t| format!("{t},{},{}\n", 1_600_000_000 + t % 12, 1e7 + f64::from(t) / 8.0)).collect();
    let set = read(&y(), &format!("t,y,x\n{rows}"));
    let series = &set.series[0];
    assert_eq!((series.centre(), series.target[0], series.target[11]), (1_600_000_006.0, -6.0, 5.0));
    assert_eq!(f64::from(series.covariates[3]) + series.covariate_centre(0), 1e7 + 0.375);
    assert!(set.report.rounded.is_empty());
    // One value far from the others: what is lost is said.
    let set = read(&y(), &format!("t,y,x\n{rows}40,0,1e7\n"));
    assert_eq!((set.report.rounded.len(), set.report.rounded[0].column.as_str()), (1, "y"));
}

#[test]
fn series_far_from_each_other_have_centres_of_their_own() {
    // The rows of the two come in turns, as in a table that is sorted by its dates.
    let row = |t: i32| format!("far,{t},{},{t}\nnear,{t},{},{}\n", 1_600_000_000 + t % 12, t % 12, 3_000_000_000u32);
    let rows: String = (0..40).map(row).collect();
    let set = read(&y().id("id"), &format!("id,t,y,x\n{rows}"));
    let [far, near] = [&set.series[0], &set.series[1]];
    assert_eq!((far.centre(), far.target[0], far.target[11]), (1_600_000_006.0, -6.0, 5.0));
    assert_eq!((near.centre(), near.target[0], near.target[11]), (0.0, 0.0, 11.0));
    let x = |series: &Series| f64::from(series.covariates[3]) + series.covariate_centre(0);
    assert_eq!((x(far), x(near)), (3.0, 3e9));
    assert!(set.report.rounded.is_empty());
    // What is lost in one series is said, though the other keeps all of its own.
    let set = read(&y().id("id"), &format!("id,t,y,x\n{rows}far,40,0,0\n"));
    let says = "column \"y\": of 40 changes from a value to the next, 39 are lost in single precision";
    let said = set.report.rounded.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(said.len() == 1 && said[0].starts_with(says), "{said:?}");
}

#[test]
fn remarks_are_passed_over_and_counted() {
    let set = read(&y(), "# made by hand\n#\ndate,y\n2009-01,1\n# spring\n2009-02,2\n2009-03,3\n");
    assert_eq!((set.series[0].steps(), set.report.taken.comments), (3, 3));
    refused(&y(), "date,y\n2009-01,1\n#2009-02,2\n", &["line 3, column \"date\": \"#2009-02\" is not a time"]);
}

#[test]
fn offsets_are_kept_or_turned_into_universal_time() {
    let same =
        read(&y(), "time,y\n2009-05-31T23:00:00+02:00,1\n2009-06-01T00:00:00+02:00,2\n2009-06-01T01:00:00+02:00,3\n");
    assert_eq!(same.time_text(&same.series[0], 3).as_deref(), Some("2009-06-01T02:00:00+02:00"));
    // The clocks of a zone were set back; hours in Universal Time go on.
    let several = read(&y(), "time,y\n2023-10-29 01:00+02:00,1\n2023-10-29 02:00+02:00,2\n2023-10-29 02:00+01:00,3\n");
    let expected =
        ["2023-10-28 23:00Z", "2023-10-29 00:00Z", "2023-10-29 01:00Z", "2023-10-29 02:00Z", "2023-10-29 03:00Z"];
    assert_eq!(times(&several, &several.series[0]), expected);
    let says = ["lines 3 and 4 have the same time, 2023-10-29 02:00;", "summer time"];
    refused(&y(), "time,y\n2023-10-29 01:00,1\n2023-10-29 02:00,2\n2023-10-29 02:00,3\n", &says);
}

#[test]
fn covariates_are_numbers_with_a_name() {
    let text = ",date,y,shop,a,empty\n0,2009-01,1,x,5,\n1,2009-02,2,x,,\n2,2009-03,3,x,6,\n";
    let all = read(&y(), text);
    assert_eq!(
        (&all.covariates[..], &all.report.ignored[..]),
        (&["a".to_owned()][..], &["", "shop", "empty"].map(str::to_owned)[..])
    );
    assert!(read(&y().covariates([""; 0]), text).covariates.is_empty());
    assert_eq!(read(&y().covariates(["empty", "a"]), text).covariates, ["empty", "a"]);
    refused(&y().covariates(["shop"]), text, &["line 2, column \"shop\": \"x\" is not a number"]);
    refused(&y().covariates(["price"]), text, &["no column \"price\" for the covariates", "\"shop\", \"a\""]);
}

#[test]
fn a_file_gzipped_or_not() {
    let text = "time,y\n1,1\n2,2\n3,3\n";
    let folder = Folder::new().with("a.csv", text.as_bytes()).with("b", &gz(text.as_bytes()));
    let cut = gz(text.as_bytes());
    let folder = folder.with("cut.gz", &cut[..cut.len() - 3]);
    assert_eq!(y().read(&folder.file("a.csv")).unwrap(), read(&y(), text));
    assert_eq!(y().read(&folder.file("b")).unwrap(), read(&y(), text));
    assert_says(&y().read(&folder.file("cut.gz")).unwrap_err().to_string(), &["cut.gz: damaged gzip stream"]);
    assert_says(&y().read(&folder.file("none")).unwrap_err().to_string(), &["none: ", "os error 2", "check the path"]);
}

#[test]
fn columns_that_are_not_there_or_asked_for_twice() {
    let text = "date,y\n2009-01,1\n2009-02,2\n2009-03,3\n";
    refused(&Reader::new("sales"), text, &["no column \"sales\" for the target; its columns are \"date\", \"y\""]);
    refused(&y().time(["when"]), text, &["no column \"when\" for the time"]);
    refused(&y().id("shop"), text, &["no column \"shop\" for the id"]);
    refused(&y().time(["y"]), text, &["\"y\" is both the target and the time"]);
    refused(&y().id("date").time(["date"]), text, &["\"date\" is both the id and the time"]);
    refused(&y().covariates(["y"]), text, &["\"y\" is both the target and a covariate"]);
}

#[test]
fn cells_that_are_no_numbers_or_times() {
    let says = ["line 4, column \"y\": \"x\" is not a number;", "stand for what is missing"];
    refused(&y(), "date,y\n2009-01,1\n\n2009-02,x\n", &says);
    refused(&y(), "date,y\n2009-01,inf\n", &["\"inf\" is not a finite number"]);
    refused(&y(), "date,y\n2009-01,1e39\n", &["\"1e39\" is not a finite number of 32 bits"]);
    refused(&y(), "date,y\n2009-01,1\n2009-02-30,1\n", &["line 3, column \"date\": \"2009-02-30\" is not a time"]);
    refused(&y(), "date,y\n2009-01,1\n,1\n", &["line 3, column \"date\": \"\" is not a time"]);
    refused(&y(), "date,y\n2009-01,1\n2009-02-01,1\n", &["line 3", "another form than \"2009-01\" on line 2"]);
    refused(
        &y().id("id"),
        "id,date,y\na,2009-01,1\n,2009-02,1\n",
        &["line 3, column \"id\": the id of the series is missing"],
    );
}

#[test]
fn times_that_make_no_series() {
    refused(&y(), "date,y\n2009-01,1\n2009-02,2\n", &["longest series has 2 rows, expected at least 3"]);
    refused(&y(), "date,y\n", &["has 0 rows"]);
    let several = "shop,date,y\na,2009-01,1\nb,2009-01,2\na,2009-02,3\n";
    refused(&y(), several, &["lines 2 and 3 have the same time, 2009-01;", "name the column of ids"]);
    refused(&y().id("shop"), &several.replace("b,", "a,"), &["lines 2 and 3", "in series \"a\"; leave one"]);
    let mixed = "date,y\n2009-01-07,1\n2009-01-14,2\n2009-01-21,3\n2009-01-24,4\n";
    refused(&y(), mixed, &["most rows are weekly, but line 5 (2009-01-24)", "after line 4 (2009-01-21);"]);
    let sparse = "date,y\n1009-01-01,1\n2009-01-01,2\n2009-01-02,3\n2009-01-03,3\n";
    refused(&y(), sparse, &["4 rows span 365246 periods (daily), more than 16 for each row"]);
    let empty = "id,date,y\na,2009-01,1\na,2009-02,2\na,2009-03,3\nb,2009-01,\n";
    refused(&y().id("id"), empty, &["the target \"y\" has no value in series \"b\""]);
}

#[test]
fn texts_that_are_no_tables() {
    let says = |bytes: &[u8], parts: &[&str]| {
        let error = y().parse("a.csv", bytes).expect_err("the text must be refused");
        assert_says(&error.to_string(), &["cannot read a.csv: "]);
        assert_says(&error.to_string(), parts);
    };
    says(b"", &["it is empty; expected a header that names its columns"]);
    says(b"\n \r\n", &["expected the names of the columns, found nothing"]);
    says(b"date,y\n2009-01\n", &["line 2: expected 2 cells, one for each column, found 1"]);
    let separator = ["line 3: expected 2 cells", "found 3; quote a cell that holds the separator ','"];
    says(b"date,y\n\n2009-01,1,5\n", &separator);
    says(b"date,y\n2009-01,\"1\n2009-02,2\n", &["line 2: ", "a quote that is not closed in it", "double the quotes"]);
    says(b"date,y,z\n2009-01,1,\"two\nlines\"\n", &["line 2: expected cells of one line", "close it in its line"]);
    says(b"date,y\n2009-01,\"1\"5\n", &["line 2: ", "text that follows its closing quote"]);
    says(b"date,y,date\n", &["line 1, column 3: ", "a name that no other column has, found \"date\"; rename one"]);
    says(b"date,y\n2009-01,1\n\xe9,2\n", &["not UTF-8: byte 0xe9 at offset 17, in line 3; save it as UTF-8"]);
    says(b"\xff\xfed\0", &["it is UTF-16LE, expected UTF-8; save it as UTF-8"]);
    says(b"\xfe\xff\0d", &["it is UTF-16"]);
}

#[test]
fn quotes_and_blanks_mean_nothing() {
    let lines = [
        r#""date", "y", "shop""#,
        r#""2009-01",  1, "a, ""b""""#,
        "",
        r#"2009-02 ,"2" ,"a, ""b""""#,
        r#"2009-03,3, " a, ""b"" ""#,
    ];
    let set = read(&y().id("shop"), &lines.join("\n"));
    assert_eq!((set.series.len(), set.series[0].id.as_str()), (1, "a, \"b\""));
    assert_eq!(set.series[0].target, [1.0, 2.0, 3.0]);
}

#[test]
fn an_error_can_be_matched() {
    match y().parse("a.csv", b"date,y\n2009-01,1\n2009-01,1\n2009-02,1\n") {
        Err(Error::Series { origin, fault }) => {
            assert_eq!(origin, "a.csv");
            assert!(matches!(*fault, SeriesFault::SameTime { first: 2, second: 3, .. }));
        }
        other => panic!("{other:?}"),
    }
}

/// Whole numbers as far apart as they can be are refused, not wrapped around.
#[test]
fn the_largest_whole_numbers() {
    let (min, max) = (i64::MIN, i64::MAX);
    refused(&y(), &format!("t,y\n{min},1\n-1,2\n0,3\n1,4\n{max},5\n"), &["5 rows span ", "periods (a step)"]);
    let set = read(&y(), &format!("t,y\n{},1\n{},2\n{max},3\n", max - 2, max - 1));
    assert_eq!((set.series[0].steps(), set.time(&set.series[0], 3)), (3, None));
}

#[cfg(feature = "sunspots")]
mod sunspots {
    use elman_datasets::series::Civil;
    use elman_datasets::sunspots;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_files_are_the_published_ones() {
        let expected = [
            ("sunspots-monthly.csv", "75deadf09de65c3251c638bb6bb4ec5de80c2df615edfbd23bf9534d4a33fc0b"),
            ("sunspots-yearly.csv", "f67889b1d9002cd5227f0e0ef54e35b419cdd85a31279adef6f73fb41e5c0a9b"),
        ];
        for ((name, bytes), expected) in sunspots::FILES.into_iter().zip(expected) {
            let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((name, found.as_str()), expected);
        }
    }

    #[test]
    fn they_are_whole() {
        let monthly = sunspots::monthly().unwrap();
        let yearly = sunspots::yearly().unwrap();
        let cases = [(&monthly, 3126, "monthly", "1749-01-01", "2009-07-01"), (&yearly, 309, "yearly", "1700", "2009")];
        for (set, steps, frequency, first, next) in cases {
            let series = &set.series[0];
            assert_eq!((series.steps(), set.frequency.to_string().as_str()), (steps, frequency));
            assert_eq!(set.time_text(series, 0).as_deref(), Some(first));
            assert_eq!(set.time_text(series, steps as i64).as_deref(), Some(next));
            assert_eq!((set.report.gaps, set.report.missing_targets, set.report.reordered), (0, 0, 0));
        }
        assert_eq!((monthly.series[0].target[1], yearly.series[0].target[308]), (62.6, 2.9));
        assert_eq!(monthly.series[0].start, Civil::date(1749, 1, 1).time().unwrap());
    }
}

/// Rows of a header and five lines, the time written by a closure.
fn hours(header: &str, time: impl Fn(i64) -> String) -> String {
    let rows: String = (0..30).map(|hour| format!("{},{hour}\n", time(hour))).collect();
    format!("{header},y\n{rows}")
}

#[test]
fn a_day_and_its_clock_in_two_columns() {
    let day = |hour: i64| format!("2020-01-{:02}", 1 + hour / 24);
    let half = |hour: i64| format!("{}:30 {}", (hour + 11) % 12 + 1, if hour % 24 < 12 { "AM" } else { "PM" });
    type Time<'a> = &'a dyn Fn(i64) -> String;
    let tables: [(&str, Time, &str); 7] = [
        ("Date,Time", &|t| format!("{},{:02}:30", day(t), t % 24), "2020-01-01 00:30"),
        ("Time,Date", &|t| format!("{:02}:30:00,{}", t % 24, day(t)), "2020-01-01 00:30:00"),
        ("Date,at", &|t| format!("{},{}", day(t), half(t)), "2020-01-01 12:30 AM"),
        ("Date,Hour", &|t| format!("{},{}", day(t), t % 24), "2020-01-01 00:00"),
        ("date,clock", &|t| format!("{},{:02}:30", day(t).replace('-', ""), t % 24), "2020-01-01 00:30"),
        ("x,z", &|t| format!("{:02}/01/2020,{}:30", 13 + t / 24, t % 24), "13/01/2020 0:30"),
        ("t", &|t| format!("{} {:02}:30:00 UTC", day(t), t % 24), "2020-01-01 00:30:00 UTC"),
    ];
    for (header, time, first) in tables {
        let set = read(&y(), &hours(header, time));
        assert_eq!((set.frequency.to_string().as_str(), set.series[0].steps()), ("hourly", 30), "{header}");
        assert_eq!(set.time_text(&set.series[0], 0).as_deref(), Some(first), "{header}");
        assert_eq!(set.covariates, Vec::<String>::new(), "{header}");
    }
    // Named, in this order.
    let text = hours("a,b", |t| format!("{},{:02}:30", day(t), t % 24));
    let set = read(&y().time(["a", "b"]), &text);
    assert_eq!(set.report.taken.to_string(), "time a, b: date and clock, as 2020-01-01 00:30; target y: 30 numbers");
    assert_eq!(set.report.time, ["a", "b"]);
    // Two clocks: neither is taken.
    let text = hours("Date,from,to", |t| format!("{},{:02}:30,{:02}:59", day(t), t % 24, t % 24));
    refused(&y(), &text, &["lines 2 and 3 have the same time"]);
    // A covariate called hour of a series of days stays one.
    let days: String = (1..9).map(|day| format!("2020-01-{day:02},24,{day}\n")).collect();
    assert_eq!(read(&y(), &format!("date,hour,y\n{days}")).covariates, ["hour"]);
}

#[test]
fn weeks_and_the_days_of_excel() {
    let weeks = |time: &dyn Fn(i64) -> String| hours("week", time);
    let set = read(&y(), &weeks(&|week| format!("2020-W{:02}", week + 1)));
    assert_eq!(
        (set.frequency.to_string(), set.time_text(&set.series[0], 53)),
        ("weekly".into(), Some("2021-W01".into()))
    );
    let set = read(&y(), &hours("year,week", |week| format!("2020,{}", week + 1)));
    assert_eq!(
        (set.frequency.to_string(), set.time_text(&set.series[0], 0)),
        ("weekly".into(), Some("2020-W01".into()))
    );
    refused(
        &y(),
        &hours("year,week", |week| format!("2021,{}", week + 30)),
        &["\"53\" is not a time", "a week, from 1"],
    );

    let days = |name: &str| hours(name, |day| (43_861 + day).to_string());
    let set = read(&y(), &days("Date"));
    assert_eq!((set.frequency.to_string().as_str(), set.format), ("daily", TimeFormat::Excel));
    assert!(set.report.taken.to_string().starts_with("time Date: Excel's numbers of days, as 43861;"));
    assert_eq!(set.time_text(&set.series[0], 30).as_deref(), Some("43891"));
    // Without a name that says so they count steps, as before.
    assert_eq!(read(&y(), &days("t")).format, TimeFormat::Step);
    let hourly = hours("t", |hour| (43_861.0 + hour as f64 / 24.0).to_string());
    assert_eq!(read(&y().time(["t"]).time_format("excel"), &hourly).frequency.to_string(), "hourly");
    let quarters = read(&y(), &hours("yr,q", |t| format!("{},{}", 1990 + t / 4, t % 4 + 1)));
    assert_eq!(quarters.frequency.to_string(), "quarterly");
}

#[test]
fn numbers_that_stand_for_missing_values() {
    let rows: String =
        (1..9).map(|day| format!("2020-01-0{day},{},{day}\n", if day % 4 == 0 { -999 } else { day })).collect();
    let text = format!("date,y,x\n{rows}");
    let set = read(&y(), &text);
    let said: Vec<String> = set.report.stand_ins.iter().map(ToString::to_string).collect();
    let says = "column \"y\" has -999 2 times, and otherwise 1 to 7: if it stands for a missing value, say \
                --missing-value=-999";
    assert_eq!(said, [says]);
    let set = read(&y().missing([-999.0]), &text);
    assert_eq!((set.report.stand_ins.len(), set.report.missing_targets, set.series[0].centre()), (0, 2, 0.0));
    assert_eq!(known(&set.series[0].target)[2..5], [Some(3.0), None, Some(5.0)]);
    // A column far from 0 is centred without them.
    let far = text.replace(",-999", ",-999.0").replace("-01-0", "-01-1");
    assert_eq!(known(&read(&y().missing([-999.0]), &far).series[0].target)[3], None);
}

const TSF: &str = "# M1\n@relation M1\n@attribute series_name string\n@attribute start_timestamp date\n\
                   @frequency quarterly\n@horizon 8\n@missing true\n@equallength false\n@data\n\
                   T1:1972-01-01 00-00-00:3,4,?,6\nT2:1980-05-15 12-00-00:16000001,16000002,16000003\n";

#[test]
fn the_monash_archives_series() {
    let read = |text: &str, reader: &Reader| reader.parse("a.tsf", text.as_bytes()).map_err(|error| error.to_string());
    let set = read(TSF, &Reader::new("")).unwrap();
    assert_eq!(
        (set.frequency.to_string().as_str(), set.target.as_str(), set.report.horizon),
        ("quarterly", "value", Some(8))
    );
    assert_eq!(
        set.series.iter().map(|series| (&*series.id, series.steps())).collect::<Vec<_>>(),
        [("T1", 4), ("T2", 3)]
    );
    assert_eq!(known(&set.series[0].target), [Some(3.0), Some(4.0), None, Some(6.0)]);
    // Of each series its own middle; a start within a quarter is that quarter.
    assert_eq!((set.series[1].centre(), &set.series[1].target[..]), (16_000_002.0, &[-1.0, 0.0, 1.0][..]));
    assert_eq!(times(&set, &set.series[1])[..2], ["1980Q2", "1980Q3"]);
    assert_eq!((set.report.rows, set.report.missing_targets, set.report.gaps), (7, 1, 0));
    let said = "time start_timestamp: year and quarter, as 1972Q1; id series_name; target value: 6 numbers";
    assert_eq!(set.report.taken.to_string(), said);
    // As a model reads its kind again.
    let again = Reader::new("value").time(["start_timestamp"]).id("series_name").covariates(Vec::<String>::new());
    // NaN is not equal to itself.
    assert_eq!(format!("{:?}", read(TSF, &again).unwrap()), format!("{set:?}"));
    let no_start = TSF.replace("@attribute start_timestamp date\n", "").replace(":1972-01-01 00-00-00", "");
    let no_start = no_start.replace(":1980-05-15 12-00-00", "");
    let counted = read(&no_start, &Reader::new("")).unwrap();
    assert_eq!(times(&counted, &counted.series[1]), ["0", "1", "2", "3", "4"]);
    for (from, to, says) in [
        ("T2:", "T1:", "line 11: expected each series once, found \"T1\" again"),
        ("T2:1980", "1980", "line 11: expected 2 attributes and the values, between colons, found 2 parts"),
        ("1980-05-15", "1980-15-15", "line 11, attribute start_timestamp: expected a start, as 1972-01-01 00-00-00"),
        ("?,6", "x,6", "line 10, value 3: expected a finite number, or ? where it is missing, found \"x\""),
        ("quarterly", "often", "line 5, @frequency: expected yearly"),
        ("@horizon 8", "@horizon 0", "line 6, @horizon: expected a number above 0"),
        ("@frequency quarterly\n", "", "expected @frequency before the data"),
        ("@data\n", "", "line 9: expected one of @relation"),
        ("date\n", "time\n", "expected a name and string, numeric or date"),
        ("@relation M1", "@classLabel true a", "a file of sequences (.ts or .arff), which train classify reads"),
    ] {
        assert_says(&read(&TSF.replace(from, to), &Reader::new("")).unwrap_err(), &["cannot read a.tsf: ", says]);
    }
    assert_says(&read(TSF, &Reader::new("x")).unwrap_err(), &["no column \"x\" for the target"]);
    assert_says(&read(TSF, &Reader::new("").id("x")).unwrap_err(), &["no column \"x\" for the id"]);
}

#[test]
fn ids_of_several_columns() {
    let rows: String =
        ["n,1", "n,2", "s,1"].map(|id| (1..4).map(|t| format!("{id},{t},{t}\n")).collect::<String>()).concat();
    let text = format!("region,shop,t,y\n{rows}");
    let set = read(&y().id("region, shop"), &text);
    assert_eq!(set.series.iter().map(|series| &*series.id).collect::<Vec<_>>(), ["n/1", "n/2", "s/1"]);
    assert_eq!(set.report.taken.to_string(), "time t: steps, as 1; id region, shop; target y: 9 numbers");
    assert_eq!(read(&y().ids(["region", "shop"]), &text), set);
    refused(&y().id("region,stop"), &text, &["no column \"stop\" for the id"]);
}

const SHOPS: &str = "shop,region,size,t,y,promo,temp\n";

/// Two shops of eight steps, and two steps more of which only the promotion is known.
fn shops() -> String {
    let row = |shop: &str, of: &str, t: usize| {
        let (y, temp) = if t < 8 { (t.to_string(), "5".to_owned() + &t.to_string()) } else { Default::default() };
        format!("{shop},{of},{t},{y},{},{temp}\n", t % 2)
    };
    let shop = |(shop, of): (&str, &str)| (0..10).map(|t| row(shop, of, t)).collect::<String>();
    SHOPS.to_owned() + &[("a", "north,3"), ("b", "south,"), ("c", "north,5")].map(shop).concat()
}

#[test]
fn what_is_the_same_in_all_rows_of_a_series_is_static() {
    use elman_datasets::series::StaticValue::{Number, Text};
    let set = read(&y().id("shop").known(["promo"]), &shops());
    assert_eq!(
        (&set.statics[..], &set.covariates[..]),
        (&["region".into(), "size".into()][..], &["promo".into(), "temp".into()][..])
    );
    assert_eq!(set.series[0].statics, [Text("north".into()), Number(3.0)]);
    assert!(
        matches!(&set.series[1].statics[..], [Text(south), Number(missing)] if south == "south" && missing.is_nan())
    );
    let said = "covariates: promo, temp; known ahead: promo; static: region, size";
    assert!(set.report.taken.to_string().ends_with(said), "{}", set.report.taken);
    // Named: others are covariates or not read.
    let named = read(&y().id("shop").statics(["region"]), &shops());
    assert_eq!(
        (&named.statics[..], &named.covariates[..]),
        (&["region".into()][..], &["size".into(), "promo".into(), "temp".into()][..])
    );
    let ids = read(&y().id("shop").statics(["shop"]), &shops());
    assert_eq!(ids.series[2].statics, [Text("c".into())]);
    // Where covariates are named, nothing is found.
    assert!(read(&y().id("shop").covariates(["temp"]), &shops()).statics.is_empty());
    refused(
        &y().id("shop").statics(["promo"]),
        &shops(),
        &["line 3, column \"promo\": \"1\" is another value than \"0\"", "series \"a\""],
    );
    refused(&y().id("shop").statics(["none"]), &shops(), &["no column \"none\" for the static"]);
    // Names of many are no kinds.
    let many: String = (0..60).flat_map(|s| (0..3).map(move |t| format!("{s},name {s},{t},{t}\n"))).collect();
    let set = read(&y().id("s"), &format!("s,name,t,y\n{many}"));
    assert_eq!((set.statics.len(), &set.report.ignored[..]), (0, &["name".to_owned()][..]));
    assert!(set.report.taken.to_string().ends_with("not read: name, 60 different texts, more than 50"));
}

#[test]
fn rows_behind_the_last_target_are_known_ahead() {
    let set = read(&y().id("shop").known(["promo"]), &shops());
    assert_eq!((set.known.clone(), set.report.ahead, set.report.missing_targets), (vec![0], 6, 0));
    let series = &set.series[1];
    assert_eq!((series.steps(), series.covariates.len()), (8, 16));
    assert_eq!(known(&series.ahead), [Some(0.0), None, Some(1.0), None]);
    // Without a covariate that is known ahead they are steps whose target is missing, as before.
    let set = read(&y().id("shop"), &shops());
    assert_eq!((set.series[0].steps(), set.report.missing_targets, set.series[0].ahead.len()), (10, 6, 0));
    // Known ones are covariates, named or not.
    let named = read(&y().id("shop").covariates(["temp"]).known(["promo"]), &shops());
    assert_eq!((&named.covariates[..], &named.known[..]), (&["temp".to_owned(), "promo".to_owned()][..], &[1][..]));
    refused(&y().id("shop").known(["none"]), &shops(), &["no column \"none\" for the known"]);
    refused(&y().id("shop").known(["region"]), &shops(), &["\"north\" is not a number"]);
}

#[test]
fn several_targets_are_a_series_each() {
    let rows: String = (0..5)
        .map(|t| {
            let late = if t < 2 { String::new() } else { (1_600_000_000_i64 + t).to_string() };
            format!("2020-01-0{},{t},{late},{}\n", t + 1, 7 * t)
        })
        .collect();
    let text = format!("date,a,b,x\n{rows}");
    let set = read(&Reader::new("a, b"), &text);
    assert_eq!(
        (set.target.as_str(), &set.covariates[..], &set.report.ids[..]),
        ("a, b", &["x".to_owned()][..], &["series".to_owned()][..])
    );
    let [a, b] = &set.series[..] else { panic!("{set:?}") };
    assert_eq!((a.id.as_str(), a.steps(), b.id.as_str(), b.steps()), ("a", 5, "b", 3));
    // The second begins where it is known, far from 0.
    assert_eq!((times(&set, b)[0].as_str(), b.centre() + f64::from(b.target[0])), ("2020-01-03", 1_600_000_002.0));
    assert_eq!(b.covariates, [14.0, 21.0, 28.0]);
    assert_eq!(
        set.report.taken.to_string(),
        "time date: date, as 2020-01-01; targets, a series each: a, b; covariates: x"
    );
    let shops = text.replace("date,a", "shop,date,a").replace("2020", "s,2020");
    let set = read(&Reader::new("a,b").id("shop"), &shops);
    assert_eq!(set.series.iter().map(|series| &*series.id).collect::<Vec<_>>(), ["s/a", "s/b"]);
    assert_eq!(set.report.ids, ["shop", "series"]);
    // A column that is called so is one.
    let one = read(&Reader::new("a,b"), "t;\"a,b\"\n1;1\n2;2\n3;3\n");
    assert_eq!((one.series.len(), one.target.as_str()), (1, "a,b"));
    refused(&Reader::new("a,c"), &text, &["no column \"c\" for the target"]);

    // Read jointly, each has both before the other covariates, in its own steps, and its name.
    let joint = Reader::new("a,b").jointly(true);
    for reader in [joint.clone(), joint.clone().covariates(["b", "x", "a"])] {
        let set = read(&reader, &text);
        assert_eq!(
            (set.joint, &set.covariates[..], &set.statics[..]),
            (2, &["a", "b", "x"].map(str::to_owned)[..], &["series".to_owned()][..])
        );
        for (series, name, first) in
            [(&set.series[0], "a", [0.0, f64::NAN, 0.0]), (&set.series[1], "b", [2.0, 1_600_000_002.0, 14.0])]
        {
            assert_eq!(series.statics, [StaticValue::Text(name.to_owned())]);
            for (covariate, expected) in first.into_iter().enumerate() {
                let found = series.covariate_centre(covariate) + f64::from(series.covariates[covariate]);
                assert!(found == expected || found.is_nan() && expected.is_nan(), "{name}, {covariate}: {found}");
            }
        }
        assert!(
            set.report
                .taken
                .to_string()
                .contains("targets, a series each, which reads the others: a, b; covariates: x")
        );
    }
    assert_eq!(read(&joint.clone().id("shop"), &shops).series[1].statics, [StaticValue::Text("b".to_owned())]);
    refused(&Reader::new("a").jointly(true), &text, &["one target is read, \"a\"", "--target a,b,c"]);
    let tsf = "@frequency yearly\n@data\n1,2,3,4\n"
        .replace("@data", "@attribute series_name string\n@data")
        .replace("1,2", "T1:1,2");
    refused(&Reader::new("").jointly(true), &tsf, &["one target is read", "--jointly"]);
    refused(&Reader::new("a,b"), &text.replace("2020-01-02", "2020-01-01"), &["lines 2 and 3 have the same time"]);
}

#[test]
fn attributes_of_the_monash_archive_are_static() {
    let text = TSF
        .replace("@frequency", "@attribute kind string\n@attribute size numeric\n@frequency")
        .replace("T1:1972-01-01 00-00-00:", "T1:1972-01-01 00-00-00:macro:3:")
        .replace("T2:1980-05-15 12-00-00:", "T2:1980-05-15 12-00-00:micro:?:");
    let set = Reader::new("").parse("a.tsf", text.as_bytes()).unwrap();
    assert_eq!((&set.statics[..], set.series[1].statics.len()), (&["kind".to_owned(), "size".to_owned()][..], 2));
    // What all have is nothing.
    let same = Reader::new("").parse("a.tsf", text.replace("micro", "macro").as_bytes()).unwrap();
    assert_eq!(same.statics, ["size"]);
    let both = Reader::new("").ids(["kind", "series_name"]).parse("a.tsf", text.as_bytes()).unwrap();
    assert_eq!((both.series[0].id.as_str(), &both.statics[..]), ("macro/T1", &["size".to_owned()][..]));
}
