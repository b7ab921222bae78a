//! Times by a pattern: what is written beside ISO's forms, `Jan-1-1995`, `1991 Jul`, `1991M07`, `31/12/2020 13:00`.

use std::fmt;

use super::time::{Civil, Time};

/// Parts of a pattern at most.
const TOKENS_MAX: usize = 16;

/// The names of months; their first three letters are their short forms.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A form of times, as parts of a date between marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    tokens: [Token; TOKENS_MAX],
    len: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Mark(char),
    /// Of four digits.
    Year,
    /// Of two digits: 69 is 1969, 68 is 2068.
    ShortYear,
    Quarter,
    /// `padded`: of two digits, a 0 before those below 10.
    Month {
        padded: bool,
    },
    Name {
        long: bool,
        upper: bool,
    },
    Day {
        padded: bool,
    },
    Hour {
        padded: bool,
    },
    Minute,
    Second,
    /// AM or PM: hours go from 1 to 12.
    Half {
        upper: bool,
    },
}

/// A piece of a time: digits, letters, or a mark.
enum Run<'a> {
    Digits(&'a str),
    Word(&'a str),
    Mark(char),
}

impl Pattern {
    /// The patterns that a text may be of: two where day and month can be told by their order alone.
    pub(crate) fn recognise(text: &str) -> impl Iterator<Item = (Time, Pattern)> {
        let found = candidates(text).unwrap_or_default();
        found.into_iter().flatten().filter_map(move |pattern| Some((pattern.parse(text)?, pattern)))
    }

    /// A pattern as it is written: `DD/MM/YYYY`, or `%d/%m/%Y`.
    pub(crate) fn of(written: &str) -> Option<Pattern> {
        const TOKENS: [(&str, Token); 31] = [
            ("%Y", Token::Year),
            ("%y", Token::ShortYear),
            ("%m", Token::Month { padded: true }),
            ("%b", Token::Name { long: false, upper: false }),
            ("%B", Token::Name { long: true, upper: false }),
            ("%d", Token::Day { padded: true }),
            ("%H", Token::Hour { padded: true }),
            ("%I", Token::Hour { padded: true }),
            ("%p", Token::Half { upper: true }),
            ("%M", Token::Minute),
            ("%S", Token::Second),
            ("YYYY", Token::Year),
            ("yyyy", Token::Year),
            ("YY", Token::ShortYear),
            ("yy", Token::ShortYear),
            ("Month", Token::Name { long: true, upper: false }),
            ("Mon", Token::Name { long: false, upper: false }),
            ("MON", Token::Name { long: false, upper: true }),
            ("AM", Token::Half { upper: true }),
            ("am", Token::Half { upper: false }),
            ("MM", Token::Month { padded: true }),
            ("M", Token::Month { padded: false }),
            ("DD", Token::Day { padded: true }),
            ("dd", Token::Day { padded: true }),
            ("D", Token::Day { padded: false }),
            ("hh", Token::Hour { padded: true }),
            ("HH", Token::Hour { padded: true }),
            ("h", Token::Hour { padded: false }),
            ("mm", Token::Minute),
            ("ss", Token::Second),
            ("q", Token::Quarter),
        ];
        let (mut rest, mut tokens) = (written, Vec::new());
        while let Some(first) = rest.chars().next() {
            // A letter in quotes stands for itself.
            if first == '\'' {
                let (quoted, after) = rest[1..].split_once('\'')?;
                tokens.extend(quoted.chars().map(Token::Mark));
                rest = after;
                continue;
            }
            let known = TOKENS.iter().find(|(name, _)| rest.starts_with(name));
            let (token, length) = known.map_or((Token::Mark(first), first.len_utf8()), |(name, of)| (*of, name.len()));
            tokens.push(token);
            rest = &rest[length..];
        }
        let has = |wanted: fn(&Token) -> bool| tokens.iter().filter(|token| wanted(token)).count();
        let year = has(|token| matches!(token, Token::Year | Token::ShortYear));
        let month = has(|token| matches!(token, Token::Month { .. } | Token::Name { .. } | Token::Quarter));
        let (day, hour) = (has(|token| matches!(token, Token::Day { .. })), has(|of| matches!(of, Token::Hour { .. })));
        let (minute, second) = (has(|of| *of == Token::Minute), has(|of| *of == Token::Second));
        let half = has(|of| matches!(of, Token::Half { .. }));
        // Hours of 12 without their half, or of 24 with one, would be read as others.
        let halves = !written.contains('%')
            || (written.contains("%I"), written.contains("%H")) == (half == 1, half == 0 && hour == 1);
        let nested = year == 1
            && month <= 1
            && day <= month
            && hour <= day
            && minute <= hour
            && second <= minute
            && half <= hour
            && halves;
        let letters =
            tokens.iter().any(|token| matches!(token, Token::Mark(c) if c.is_alphabetic() && !"TQMZ".contains(*c)));
        if nested && !letters { Self::new(&tokens) } else { None }
    }

    fn new(tokens: &[Token]) -> Option<Pattern> {
        let mut all = [Token::Mark(' '); TOKENS_MAX];
        all.get_mut(..tokens.len())?.copy_from_slice(tokens);
        Some(Pattern { tokens: all, len: tokens.len() as u8 })
    }

    fn tokens(&self) -> &[Token] {
        &self.tokens[..usize::from(self.len)]
    }

    /// The time of a text of this pattern. Days, months and hours may have one digit or two.
    pub(crate) fn parse(&self, text: &str) -> Option<Time> {
        let (mut rest, mut civil, mut half) = (text, Civil::date(1, 1, 1), None);
        for (index, token) in self.tokens().iter().enumerate() {
            // Digits that follow each other without a mark have their full number.
            let next = self.tokens().get(index + 1);
            let fixed = next.is_some_and(|next| !matches!(next, Token::Mark(_) | Token::Name { .. }));
            let mut number = |most: usize| {
                let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                let enough = digits > 0 && (digits == most || (!fixed && most < 4));
                let (digits, after) = rest.split_at_checked(digits).filter(|_| enough)?;
                rest = after;
                digits.parse::<u16>().ok()
            };
            match token {
                Token::Mark(mark) => rest = rest.strip_prefix(*mark)?,
                Token::Year => civil.year = i64::from(number(4)?),
                Token::ShortYear => {
                    let year = i64::from(number(2)?);
                    civil.year = if year < 69 { 2000 + year } else { 1900 + year };
                }
                Token::Quarter => {
                    civil.month = number(1).filter(|quarter| (1..=4).contains(quarter))? as u8 * 3 - 2;
                }
                Token::Month { .. } => civil.month = number(2)? as u8,
                Token::Day { .. } => civil.day = number(2)? as u8,
                Token::Hour { .. } => civil.hour = number(2)? as u8,
                Token::Minute => civil.minute = number(2)? as u8,
                Token::Second => civil.second = number(2)? as u8,
                Token::Half { .. } => {
                    let (word, after) = rest.split_at_checked(2)?;
                    half = Some(is_afternoon(word)?);
                    rest = after;
                }
                Token::Name { .. } => {
                    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
                    let (name, after) = rest.split_at(letters);
                    civil.month = month(name)?;
                    rest = after;
                }
            }
        }
        if let Some(afternoon) = half {
            if !(1..=12).contains(&civil.hour) {
                return None;
            }
            civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
        }
        if rest.is_empty() { civil.time() } else { None }
    }

    /// A time in this pattern.
    pub(crate) fn write(&self, time: Time) -> String {
        let Civil { year, month, day, hour, minute, second, .. } = time.civil();
        let halves = self.tokens().iter().any(|token| matches!(token, Token::Half { .. }));
        let shown = if halves { (hour + 11) % 12 + 1 } else { hour };
        let two = |number: u8, padded: bool| if padded { format!("{number:02}") } else { number.to_string() };
        let token = |token: &Token| match *token {
            Token::Mark(mark) => mark.to_string(),
            Token::Year => format!("{year:04}"),
            Token::ShortYear => format!("{:02}", year % 100),
            Token::Quarter => ((month - 1) / 3 + 1).to_string(),
            Token::Month { padded } => two(month, padded),
            Token::Day { padded } => two(day, padded),
            Token::Hour { padded } => two(shown, padded),
            Token::Minute => two(minute, true),
            Token::Second => two(second, true),
            Token::Half { upper } => {
                let half = if hour < 12 { "AM" } else { "PM" };
                if upper { half.to_owned() } else { half.to_lowercase() }
            }
            Token::Name { long, upper } => {
                let name = MONTHS[usize::from(month - 1)];
                let name = if long { name } else { &name[..3] };
                if upper { name.to_uppercase() } else { name.to_owned() }
            }
        };
        self.tokens().iter().map(token).collect()
    }

    /// The pattern of both, if they differ in nothing but zeros before a number and the length of names.
    pub(crate) fn merge(&self, other: &Pattern) -> Option<Pattern> {
        if self.len != other.len {
            return None;
        }
        let mut merged = *self;
        for (a, b) in merged.tokens.iter_mut().zip(&other.tokens) {
            *a = match (*a, *b) {
                (Token::Month { padded }, Token::Month { padded: other }) => Token::Month { padded: padded && other },
                (Token::Day { padded }, Token::Day { padded: other }) => Token::Day { padded: padded && other },
                (Token::Hour { padded }, Token::Hour { padded: other }) => Token::Hour { padded: padded && other },
                (Token::Name { long, upper }, Token::Name { long: other, .. }) => {
                    Token::Name { long: long || other, upper }
                }
                (a, b) if a == b => a,
                _ => return None,
            };
        }
        Some(merged)
    }

    /// What it says of a time, in words.
    pub(crate) fn words(&self) -> &'static str {
        let has = |wanted: fn(&Token) -> bool| self.tokens().iter().any(wanted);
        if has(|token| matches!(token, Token::Hour { .. })) {
            "date and clock"
        } else if has(|token| matches!(token, Token::Day { .. })) {
            "date"
        } else if has(|token| matches!(token, Token::Quarter)) {
            "year and quarter"
        } else {
            "year and month"
        }
    }
}

impl fmt::Display for Pattern {
    /// As `Pattern::of` reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in self.tokens() {
            match token {
                Token::Mark(mark) if mark.is_alphabetic() => write!(f, "'{mark}'")?,
                Token::Mark(mark) => write!(f, "{mark}")?,
                token => f.write_str(match token {
                    Token::Year => "YYYY",
                    Token::ShortYear => "YY",
                    Token::Quarter => "q",
                    Token::Month { padded: true } => "MM",
                    Token::Month { .. } => "M",
                    Token::Name { long: true, .. } => "Month",
                    Token::Name { upper: true, .. } => "MON",
                    Token::Name { .. } => "Mon",
                    Token::Day { padded: true } => "DD",
                    Token::Day { .. } => "D",
                    Token::Hour { padded: true } => "hh",
                    Token::Hour { .. } => "h",
                    Token::Minute => "mm",
                    Token::Second => "ss",
                    Token::Half { upper: true } => "AM",
                    Token::Half { .. } => "am",
                    Token::Mark(_) => "",
                })?,
            }
        }
        Ok(())
    }
}

/// The number of a month by its name or the first three letters of it; `Sept` too.
fn month(name: &str) -> Option<u8> {
    let same = |of: &&str| {
        of.eq_ignore_ascii_case(name)
            || of[..3].eq_ignore_ascii_case(name)
            || (name.eq_ignore_ascii_case("sept") && of.starts_with("Sept"))
    };
    MONTHS.iter().position(same).map(|index| index as u8 + 1)
}

/// Whether a word is PM and not AM.
fn is_afternoon(word: &str) -> Option<bool> {
    let is = |half: &str| word.eq_ignore_ascii_case(half);
    (is("AM") || is("PM")).then(|| is("PM"))
}

/// Patterns by what their pieces look like, whatever the numbers say.
fn candidates(text: &str) -> Option<[Option<Pattern>; 2]> {
    let runs = runs(text)?;
    let is_clock = |run: &Run| matches!(run, Run::Mark(':'));
    let (date, clock) = match runs.iter().position(is_clock) {
        // The hour, and what parts it from the date.
        Some(colon) => runs.split_at_checked(colon.checked_sub(2)?)?,
        None => (&runs[..], &[][..]),
    };
    let clock = match clock {
        [] => Vec::new(),
        [between, hour, Run::Mark(':'), Run::Digits(minute), rest @ ..] if minute.len() == 2 => {
            let (Run::Mark(' ') | Run::Word("T"), Run::Digits(hour)) = (between, hour) else { return None };
            let between = if matches!(between, Run::Word(_)) { 'T' } else { ' ' };
            let mut tokens =
                vec![Token::Mark(between), Token::Hour { padded: hour.len() == 2 }, Token::Mark(':'), Token::Minute];
            let rest = match rest {
                [Run::Mark(':'), Run::Digits(second), rest @ ..] if second.len() == 2 => {
                    tokens.extend([Token::Mark(':'), Token::Second]);
                    rest
                }
                rest => rest,
            };
            let (blank, half) = match rest {
                [] => (None, None),
                [Run::Word(half)] => (None, Some(half)),
                [Run::Mark(' '), Run::Word(half)] => (Some(Token::Mark(' ')), Some(half)),
                _ => return None,
            };
            if let Some(half) = half {
                is_afternoon(half)?;
                tokens.extend(blank);
                tokens.push(Token::Half { upper: half.bytes().all(|byte| byte.is_ascii_uppercase()) });
            }
            tokens
        }
        _ => return None,
    };
    let dates = dates(date)?;
    Some(dates.map(|date| {
        let tokens = [date?, clock.clone()].concat();
        let day = tokens.iter().any(|token| matches!(token, Token::Day { .. }));
        if clock.is_empty() || day { Pattern::new(&tokens) } else { None }
    }))
}

fn runs(text: &str) -> Option<Vec<Run<'_>>> {
    let (mut rest, mut runs) = (text, Vec::new());
    while let Some(first) = rest.chars().next() {
        let end = |same: fn(&char) -> bool| rest.find(|c: char| !same(&c)).unwrap_or(rest.len());
        let length = match first {
            c if c.is_ascii_digit() => end(char::is_ascii_digit),
            c if c.is_ascii_alphabetic() => end(char::is_ascii_alphabetic),
            '-' | '/' | '.' | ',' | ' ' | ':' => 1,
            _ => return None,
        };
        let (run, after) = rest.split_at(length);
        runs.push(match first {
            c if c.is_ascii_digit() => Run::Digits(run),
            c if c.is_ascii_alphabetic() => Run::Word(run),
            mark => Run::Mark(mark),
        });
        if runs.len() > TOKENS_MAX {
            return None;
        }
        rest = after;
    }
    Some(runs)
}

fn dates(runs: &[Run]) -> Option<[Option<Vec<Token>>; 2]> {
    let short = |digits: &str| (1..=2).contains(&digits.len());
    let day = |digits: &str| Token::Day { padded: digits.len() == 2 };
    let month_of = |digits: &str| Token::Month { padded: digits.len() == 2 };
    let fields: Vec<&Run> = runs.iter().filter(|run| !matches!(run, Run::Mark(_))).collect();
    let marks = || runs.iter().filter_map(|run| if let Run::Mark(mark) = run { Some(*mark) } else { None });
    // The tokens of the fields, in the places of the fields.
    let between = |tokens: &[Token]| {
        let mut tokens = tokens.iter();
        let token =
            |run: &Run| if let Run::Mark(mark) = run { Some(Token::Mark(*mark)) } else { tokens.next().copied() };
        runs.iter().map(token).collect::<Option<Vec<Token>>>()
    };
    let one = |tokens: &[Token]| Some([between(tokens), None]);
    let named = |word: &str| {
        let long = word.len() > 3 && !word.eq_ignore_ascii_case("sept");
        month(word).map(|_| Token::Name { long, upper: word.bytes().all(|b| b.is_ascii_uppercase()) })
    };
    // Years and whole numbers with a mark alone between them are dates; with a point they are numbers.
    let same_marks = |allowed: &[char]| {
        let mut marks = marks();
        let first = marks.next();
        first.is_some_and(|first| allowed.contains(&first) && marks.all(|mark| mark == first))
    };
    let clean = runs.len() < 2 * fields.len();
    match fields[..] {
        [Run::Word(name), Run::Digits(year)] if year.len() == 4 && named(name).is_some() => {
            one(&[named(name)?, Token::Year])
        }
        [Run::Digits(year), Run::Word(name)] if year.len() == 4 && named(name).is_some() => {
            one(&[Token::Year, named(name)?])
        }
        [Run::Word(name), Run::Digits(of_month), Run::Digits(year)] if short(of_month) && year.len() == 4 => {
            match *name {
                "Q" | "q" if of_month.len() == 1 => {
                    one(&[Token::Mark(name.chars().next()?), Token::Quarter, Token::Year])
                }
                name => one(&[named(name)?, day(of_month), Token::Year]),
            }
        }
        [Run::Digits(of_month), Run::Word(name), Run::Digits(year)] if short(of_month) && year.len() == 4 => {
            one(&[day(of_month), named(name)?, Token::Year])
        }
        [Run::Digits(year), Run::Word(name), Run::Digits(rest)] if year.len() == 4 && short(rest) => match *name {
            "M" | "m" => one(&[Token::Year, Token::Mark(name.chars().next()?), month_of(rest)]),
            name => one(&[Token::Year, named(name)?, day(rest)]),
        },
        [Run::Digits(a), Run::Digits(b), Run::Digits(c)] if clean && same_marks(&['/', '-', '.']) => {
            if short(a) && short(b) && c.len() == 4 {
                let [by_day, by_month] = [[day(a), month_of(b), Token::Year], [month_of(a), day(b), Token::Year]];
                return Some([between(&by_day), between(&by_month)]);
            }
            if a.len() == 4 && short(b) && short(c) {
                return one(&[Token::Year, month_of(b), day(c)]);
            }
            None
        }
        [Run::Digits(a), Run::Digits(b)] if clean && same_marks(&['/', '-']) => match (a.len(), b.len()) {
            (1 | 2, 4) => one(&[month_of(a), Token::Year]),
            (4, 1 | 2) => one(&[Token::Year, month_of(b)]),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_beside_iso_are_recognised_and_written_as_they_were() {
        let forms = [
            ("1991 Jul", "YYYY Mon", (1991, 7, 1)),
            ("July 1991", "Month YYYY", (1991, 7, 1)),
            ("JUL-1991", "MON-YYYY", (1991, 7, 1)),
            ("Jan-1-1995", "Mon-D-YYYY", (1995, 1, 1)),
            ("Jan 12, 1995", "Mon DD, YYYY", (1995, 1, 12)),
            ("31-Dec-2020", "DD-Mon-YYYY", (2020, 12, 31)),
            ("1991M07", "YYYY'M'MM", (1991, 7, 1)),
            ("Q3 1991", "'Q'q YYYY", (1991, 7, 1)),
            ("31/12/2020", "DD/MM/YYYY", (2020, 12, 31)),
            ("12/31/2020", "MM/DD/YYYY", (2020, 12, 31)),
            ("31.1.2020", "DD.M.YYYY", (2020, 1, 31)),
            ("7/1991", "M/YYYY", (1991, 7, 1)),
            ("2009/5/3", "YYYY/M/D", (2009, 5, 3)),
            ("2009-5", "YYYY-M", (2009, 5, 1)),
        ];
        for (text, shown, (year, month, day)) in forms {
            let found: Vec<_> = Pattern::recognise(text).collect();
            let [(time, pattern)] = found[..] else { panic!("{text}: {found:?}") };
            assert_eq!(time.civil(), Civil::date(year, month, day), "{text}");
            assert_eq!((pattern.write(time).as_str(), pattern.to_string().as_str()), (text, shown));
            assert_eq!(Pattern::of(shown).and_then(|of| of.parse(text)), Some(time), "{shown}");
        }
        let (time, pattern) = Pattern::recognise("31/12/2020 9:05:30").next().unwrap();
        assert_eq!(
            (time.civil().hour, time.civil().second, pattern.write(time).as_str()),
            (9, 30, "31/12/2020 9:05:30")
        );
    }

    #[test]
    fn hours_of_twelve() {
        for (text, shown, hour) in [
            ("31/12/2020 12:00 AM", "DD/MM/YYYY hh:mm AM", 0),
            ("31/12/2020 12:30PM", "DD/MM/YYYY hh:mmAM", 12),
            ("2020-12-31 1:05:09 pm", "YYYY-MM-DD h:mm:ss am", 13),
            ("Dec 31, 2020 11:59 PM", "Mon DD, YYYY hh:mm AM", 23),
        ] {
            let (time, pattern) = Pattern::recognise(text).next().unwrap_or_else(|| panic!("{text}"));
            assert_eq!((pattern.to_string().as_str(), time.civil().hour), (shown, hour));
            assert_eq!(pattern.write(time), text);
            assert_eq!(Pattern::of(shown).and_then(|of| of.parse(text)), Some(time), "{shown}");
        }
        let read = |pattern: &str, text: &str| Pattern::of(pattern)?.parse(text).map(|time| time.civil().hour);
        assert_eq!(read("%d/%m/%Y %I:%M %p", "1/2/2020 12:00 am"), Some(0));
        // Half of what a clock says is not guessed.
        assert_eq!(read("%d/%m/%Y %I:%M", "1/2/2020 12:00"), None);
        assert_eq!(read("%d/%m/%Y %H:%M %p", "1/2/2020 12:00 PM"), None);
    }

    #[test]
    fn day_and_month_may_be_either() {
        let found: Vec<String> = Pattern::recognise("01/02/2020").map(|(_, pattern)| pattern.to_string()).collect();
        assert_eq!(found, ["DD/MM/YYYY", "MM/DD/YYYY"]);
    }

    #[test]
    fn what_is_no_pattern() {
        let wrong = [
            "12.2020",
            "2020.12",
            "1.5",
            "12/13",
            "1/2/20",
            "32/13/2020",
            "Foo 2020",
            "Jan",
            "Jan 95",
            "13:00",
            "1-2-3-2020",
            "12//2020",
            "2020 Jul 12:00",
            "5 2020",
            "",
            "é",
            "31/12/2020 24:00",
            "31/12/2020 13:00 PM",
            "31/12/2020 1:00 XM",
            "31/12/2020 0:00 AM",
            "M07",
        ];
        for text in wrong {
            assert_eq!(Pattern::recognise(text).count(), 0, "{text}");
        }
    }

    #[test]
    fn patterns_that_are_written() {
        let read = |pattern: &str, text: &str| Pattern::of(pattern)?.parse(text).map(Time::civil);
        assert_eq!(read("%d/%m/%Y", "1/2/2020"), Some(Civil::date(2020, 2, 1)));
        assert_eq!(read("MM/DD/YY", "01/02/70"), Some(Civil::date(1970, 1, 2)));
        assert_eq!(read("DDMMYYYY", "01022020"), Some(Civil::date(2020, 2, 1)));
        for wrong in ["", "DD/MM", "MM", "YYYY-DD", "hh:mm", "words", "YYYY YYYY", "'YYYY"] {
            assert_eq!(Pattern::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn zeros_before_a_number_may_be_left_out() {
        let of = |text| Pattern::recognise(text).next().unwrap().1;
        assert_eq!(of("Jan-10-1995").merge(&of("May-1-1995")).unwrap().to_string(), "Mon-D-YYYY");
        assert_eq!(of("Jan-10-1995").merge(&of("10-Jan-1995")), None);
    }
}
