//! Whether a command printed what its page shows.

/// What stands for any text within a line, and alone in a line for any lines.
pub(crate) const ANYTHING: &str = "…";

/// Numbers, sizes, names of instruction sets and the width of columns differ from machine to machine, and from a run to a
/// shortened one. Lines that are then alike and stand together count as one: a shortened run has fewer epochs.
pub(crate) fn masked(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim().lines() {
        let mut out = String::new();
        let mut before = ' ';
        let mut chars = line.trim_end().chars().peekable();
        while let Some(c) = chars.next() {
            let starts_number = c.is_ascii_digit()
                || (matches!(c, '-' | '−')
                    && matches!(before, ' ' | '[' | ':')
                    && chars.peek().is_some_and(char::is_ascii_digit));
            if starts_number {
                while chars.next_if(|&c| c.is_ascii_digit() || matches!(c, '.' | ',')).is_some() {}
                // A point or comma at the end is the sentence's; so is it on the other side.
                out.push('#');
            } else if c == '·' {
                out.push('#');
            } else if !(c == ' ' && before == ' ') {
                out.push(c);
            }
            before = c;
        }
        for (name, mask) in
            [("avx#", "ISA"), ("portable", "ISA"), ("neon", "ISA"), ("# bytes", "#B"), ("# kB", "#B"), ("# MB", "#B")]
        {
            out = out.replace(name, mask);
        }
        // Also those with others left out between them.
        if out != ANYTHING
            && lines.last().is_some_and(|last| last == ANYTHING)
            && lines.iter().nth_back(1) == Some(&out)
        {
            lines.pop();
        }
        if lines.last() != Some(&out) {
            lines.push(out);
        }
    }
    lines
}

/// Whether a printed line is the shown one, [`ANYTHING`] standing for any text.
fn line_matches(shown: &str, printed: &str) -> bool {
    let parts: Vec<&str> = shown.split(ANYTHING).collect();
    let [first, .., last] = parts[..] else { return shown == printed };
    let Some(mut rest) = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    parts[1..parts.len() - 1].iter().all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Whether printed lines are the shown ones, a line of [`ANYTHING`] standing for any number of lines.
pub(crate) fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [first, rest @ ..] if first == ANYTHING => (0..=printed.len()).any(|at| matches(rest, &printed[at..])),
        [first, rest @ ..] => {
            printed.first().is_some_and(|line| line_matches(first, line)) && matches(rest, &printed[1..])
        }
    }
}

#[test]
fn output_is_compared_up_to_its_numbers() {
    let same = |shown: &str, printed: &str| matches(&masked(shown), &masked(printed));
    assert!(same("Epoch: 1, Loss: 0.2\nEpoch: 2, Loss: 0.1\nTest: 1.5", "Epoch: 1, Loss: 2.25\nTest: 17"));
    assert!(same("a\n…\nz", "a\nb\nc\nz") && same("…", "a\nb") && same("error: x (…); y", "error: x (a b); y"));
    assert!(same("  -0.5  12 kB, avx512", "   3.5 1.5 MB, portable"));
    assert!(same("Epoch: 1\n…\nEpoch: 9\nTest: 1", "Epoch: 1\nTest: 2"));
    assert!(!same("Epoch: 1", "Epoche: 1") && !same("a\n…", "b\na") && !same("a", "a\nb") && !same("x …", "y 1"));
}
