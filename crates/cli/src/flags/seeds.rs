//! The seeds that a job is repeated with.

use std::str::FromStr;

use elman::Error;

/// Most runs that are asked for at once.
pub(crate) const RUNS_MAX: usize = 1000;

/// So many seeds that follow each other, or these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seeds {
    Count(usize),
    These(Vec<u64>),
}

impl Seeds {
    /// The seeds; counted, they begin with the job's own.
    ///
    /// # Errors
    /// If there is none, there are too many, or one comes twice.
    pub(crate) fn from(&self, first: u64) -> Result<Vec<u64>, Error> {
        let seeds = match self {
            Seeds::Count(count) if *count > RUNS_MAX => Vec::new(),
            Seeds::Count(count) => (0..*count as u64).map(|place| first.wrapping_add(place)).collect(),
            Seeds::These(seeds) => seeds.clone(),
        };
        let twice = seeds.iter().enumerate().find(|(place, seed)| seeds[..*place].contains(seed));
        if let Some((_, seed)) = twice {
            return Err(Error::setting("repeat", format!("with the seed {seed} twice"), "seeds that differ"));
        }
        match (1..=RUNS_MAX).contains(&seeds.len()) {
            true => Ok(seeds),
            false => Err(Error::setting("repeat", self.describe(), format!("1 to {RUNS_MAX} seeds"))),
        }
    }

    fn describe(&self) -> String {
        match self {
            Seeds::Count(count) => count.to_string(),
            Seeds::These(seeds) => format!("{} seeds", seeds.len()),
        }
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| "expected how many seeds, as 5, or the seeds themselves, as 1,2,3 or 7,".to_owned();
        if let Ok(count) = text.trim().parse() {
            return Ok(Seeds::Count(count));
        }
        let seeds = text.split(',').map(str::trim).filter(|seed| !seed.is_empty());
        seeds.map(|seed| seed.parse().map_err(wrong)).collect::<Result<Vec<u64>, _>>().map(Seeds::These)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_counted_or_named() {
        let of = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.from(111));
        assert_eq!(of("3").unwrap().unwrap(), [111, 112, 113]);
        assert_eq!(of("5, 1,9").unwrap().unwrap(), [5, 1, 9]);
        assert_eq!(of("7,").unwrap().unwrap(), [7]);
        for (text, why) in
            [("0", "repeat is 0"), ("1001", "repeat is 1001"), (",", "0 seeds"), ("4,5,4", "the seed 4 twice")]
        {
            let message = of(text).unwrap().unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
        assert!(of("a").unwrap_err().contains("as 1,2,3") && of("1,-2").is_err() && of("1.5").is_err());
    }
}
