//! Amounts with their units.

/// 12345678 as 12,345,678.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as `1.5 MB`, in powers of ten.
pub(crate) fn bytes(count: usize) -> String {
    let count = count as f64;
    match count {
        ..1e3 => format!("{count} bytes"),
        ..1e6 => format!("{:.1} kB", count / 1e3),
        ..1e9 => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.1} GB", count / 1e9),
    }
}

/// `12.3 s`
pub(crate) fn seconds(time: f64) -> String {
    format!("{time:.1} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1234567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 1500, 25_000_000].map(bytes), ["999 bytes", "1.5 kB", "25.0 MB"]);
    }
}
