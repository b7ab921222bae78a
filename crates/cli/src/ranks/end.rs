//! How ranks end: together, whatever has gone wrong with one of them.

use std::fs;
use std::time::{Duration, Instant};

use super::mail::Letter;
use super::{Ranks, call, here, tag};

/// How long a rank that fails waits for the others to say how they ended.
const PARTING: Duration = Duration::from_secs(3);
/// How long it sleeps before it asks again.
const NAP: Duration = Duration::from_millis(2);

/// What each error begins with.
const PREFIX: &str = "error: ";

/// How this process is to end.
struct Ending {
    /// Its exit code.
    code: u8,
    /// Whether all ranks have to be ended by force.
    abort: bool,
}

/// Leaves the other ranks: `wrong` is what has gone wrong here, as it is to be said. What there is to say goes to `say`, then
/// the exit code comes back.
pub(crate) fn leave(wrong: Option<String>, code: u8, say: &mut dyn FnMut(&str)) -> u8 {
    let Some(ranks) = here() else {
        wrong.iter().for_each(|text| say(text));
        return code;
    };
    if let Some(scratch) = &ranks.scratch {
        // Whatever is left of it is in the system's temporary folder.
        let _ = fs::remove_dir_all(&scratch.folder);
    }
    let own = Letter { code, wrong, open: false };
    let Ending { code, abort } = if ranks.rank() == 0 { ranks.dismiss(&own, say) } else { ranks.part(own, say) };
    if abort || ranks.world.leave().is_err() {
        ranks.world.abort(code.max(1));
    }
    code
}

impl Ranks {
    /// Rank 0: hears how the others ended, says what is to be said, and lets them go.
    fn dismiss(&self, own: &Letter, say: &mut dyn FnMut(&str)) -> Ending {
        let others = self.ranks() - 1;
        // At once: who ends others by force may end this one too.
        let mut said: Vec<String> = own.wrong.iter().cloned().collect();
        said.iter().for_each(|text| say(text));
        let patience = if own.wrong.is_some() { Some(PARTING) } else { self.patience() };
        let mut letters = self.wait_for_letters(patience, |letters| {
            letters.len() == others || own.wrong.is_none() && letters.iter().any(|(_, letter)| letter.wrong.is_some())
        });
        let mut code = own.code;
        for (rank, letter) in &letters {
            let Some(why) = letter.wrong.as_deref().map(|why| why.trim_start_matches(PREFIX)) else { continue };
            code = code.max(letter.code);
            // What is wrong with all is said once, and what this rank has heard and reported is not said again.
            if !said.iter().any(|said| said.contains(why)) {
                said.push(format!("{PREFIX}{}: {why}", self.named(*rank)));
                say(&said[said.len() - 1]);
            }
        }
        let silent = (1..self.ranks()).find(|rank| letters.iter().all(|(of, _)| of != rank));
        if let Some(rank) = silent.filter(|_| said.is_empty()) {
            said.push(format!("{PREFIX}{} has not ended after all was done", self.named(rank)));
            say(&said[0]);
            code = code.max(1);
        }
        let letter = Letter { code, wrong: (!said.is_empty()).then(|| said.join("; ")), open: false };
        // All of them, also where one does not answer.
        let told: Vec<bool> = (1..self.ranks()).map(|rank| self.tell(&letter, rank)).collect();
        let told = !told.contains(&false);
        if silent.is_some() && told {
            // Those that were in the middle of something hear of it there.
            letters = self.wait_for_letters(Some(PARTING), |letters| letters.len() == others);
        }
        let open = self.world.under_way() > 0 || letters.iter().any(|(_, letter)| letter.open);
        Ending { code, abort: !told || letters.len() < others || open }
    }

    /// Another rank: tells rank 0 how it ended and waits until it may go.
    fn part(&self, own: Letter, say: &mut dyn FnMut(&str)) -> Ending {
        // The letter of rank 0 is awaited, or has come.
        let awaited = usize::from(self.letters().is_ok_and(|letters| letters.is_empty()));
        let own = Letter { open: self.world.under_way() > awaited, ..own };
        let told = self.tell(&own, 0);
        let patience = if own.wrong.is_some() { Some(PARTING * 2) } else { self.patience() };
        let letters = self.wait_for_letters(patience, |letters| !letters.is_empty());
        if let Some((_, letter)) = letters.first().filter(|_| told) {
            if own.open {
                // Rank 0 knows, and ends all once it has said why.
                std::thread::sleep(PARTING);
            }
            return Ending { code: own.code.max(letter.code), abort: own.open };
        }
        let why = own.wrong.unwrap_or_else(|| format!("{} has not ended", self.named(0)));
        say(&format!("{PREFIX}{}: {}", self.named(self.rank()), why.trim_start_matches(PREFIX)));
        Ending { code: own.code.max(1), abort: true }
    }

    /// Sends a letter; whether it arrived.
    fn tell(&self, letter: &Letter, to: usize) -> bool {
        let Ok(mut pending) = self.world.send(letter.to_bytes(), to, tag::FAREWELL).map_err(call) else { return false };
        let since = Instant::now();
        while since.elapsed() < PARTING {
            match pending.is_done() {
                Ok(true) => return true,
                Ok(false) => std::thread::sleep(NAP),
                Err(_) => return false,
            }
        }
        false
    }

    fn wait_for_letters(
        &self,
        patience: Option<Duration>,
        enough: impl Fn(&[(usize, Letter)]) -> bool,
    ) -> Vec<(usize, Letter)> {
        let since = Instant::now();
        loop {
            let letters = self.letters().unwrap_or_default();
            if enough(&letters) || patience.is_some_and(|most| since.elapsed() > most) {
                return letters;
            }
            std::thread::sleep(NAP);
        }
    }
}
