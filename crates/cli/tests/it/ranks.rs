//! Several processes under MPI train to the bytes of one, whatever the library, the job and their number. Where `ELMAN_MPIRUN`
//! names no launcher, these tests say so and do nothing; `.ci/mpi` names all that it finds.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::jobs::{JOBS, assert_same, place};
use crate::support::*;

/// A launcher of MPI, and the flags that it needs here: more processes than processors, also as root.
struct Launcher {
    name: String,
    flags: &'static [&'static str],
}

/// What `ELMAN_MPIRUN` names, as `openmpi=mpirun.openmpi:mpich=/opt/b/bin/mpirun`. None is looked for: tests that anybody runs do
/// not depend on how well a cluster's launcher does on this machine.
fn launchers() -> Vec<Launcher> {
    let named = std::env::var("ELMAN_MPIRUN").unwrap_or_default();
    let named = named.split(':').filter_map(|part| part.split_once('='));
    let flags = |kind: &str| match kind {
        "openmpi" => &["--allow-run-as-root", "--oversubscribe"][..],
        _ => &[],
    };
    let launchers = named.map(|(kind, name)| Launcher { name: name.to_owned(), flags: flags(kind) });
    let found: Vec<Launcher> = launchers.filter(Launcher::is_there).collect();
    if found.is_empty() {
        eprintln!("skipped: ELMAN_MPIRUN names no launcher, as openmpi=mpirun.openmpi; .ci/mpi does");
    }
    found
}

impl Launcher {
    fn is_there(&self) -> bool {
        Command::new(&self.name).arg("--version").output().is_ok_and(|output| output.status.success())
    }

    /// So many ranks of the binary with the words of `line`, about to run.
    fn command(&self, place: &Place, ranks: usize, line: &str) -> Command {
        let elman = place.command(line);
        let mut command = Command::new(&self.name);
        command.args(self.flags).args(["-n", &ranks.to_string()]).arg(elman.get_program()).args(elman.get_args());
        command.current_dir(elman.get_current_dir().unwrap()).stdin(Stdio::null());
        command.env("RUST_BACKTRACE", "0").env_remove("ELMAN_ISA");
        // A sandbox may have less shared memory than Open MPI would like; its warnings are not ours.
        command.env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
        command
    }

    fn elman(&self, place: &Place, ranks: usize, line: &str) -> Outcome {
        Outcome::of(&mut self.command(place, ranks, line))
    }
}

/// The lines of standard error that are ours.
fn errors(outcome: &Outcome) -> Vec<&str> {
    outcome.stderr.lines().filter(|line| line.starts_with("error: ")).collect()
}

#[test]
fn every_job_gives_the_bytes_of_one_process() {
    for launcher in launchers() {
        let place = place();
        for (index, (name, line)) in JOBS.into_iter().enumerate() {
            let line = format!("{line} --quiet");
            let whole = place.elman(&format!("{line} --out whole/{index}/run"));
            let said = whole.succeeded().join("\n");
            // Each job with two of the numbers, and each number with several jobs.
            for ranks in [[2, 7], [3, 4]][index % 2] {
                let what = format!("{name}, {ranks} ranks by {}", launcher.name);
                let run = format!("ranks-{ranks}/{index}/run");
                let outcome = launcher.elman(&place, ranks, &format!("{line} --out {run}"));
                assert_eq!(outcome.succeeded().join("\n"), said, "{what}");
                assert_same(&place, &format!("whole/{index}/run"), &run, &what);
            }
        }
    }
}

#[test]
fn one_rank_and_ranks_with_threads_give_the_bytes_of_one_process() {
    for launcher in launchers() {
        let place = place();
        let line = "train mnist --data set --hidden-size 20 --batch-size 130 --num-epoch 2 --cell lstm --quiet";
        place.elman(&format!("{line} --threads 1 --out one")).succeeded();
        for (ranks, threads) in [(1, 2), (2, 3), (4, 2)] {
            let run = format!("run-{ranks}-{threads}");
            launcher.elman(&place, ranks, &format!("{line} --threads {threads} --out {run}")).succeeded();
            let model = |run: &str| place.bytes(&format!("{run}/model.safetensors"));
            assert!(model("one") == model(&run), "{ranks} ranks × {threads} threads by {}", launcher.name);
        }
        let outcome = launcher.elman(&place, 2, &format!("{line} --threads 3 --out said").replace(" --quiet", ""));
        outcome.succeeded();
        // One that has finished needs nothing, and nobody waits for anything.
        let again = launcher.elman(&place, 3, "resume said --rank-timeout 20");
        again.succeeded();
        assert!(again.stderr.contains("there is nothing to resume"), "{}", again.stderr);
        assert!(outcome.stderr.contains("2 ranks × 3 threads on 1 machine ("), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.matches("run: said").count(), 1, "{}", outcome.stderr);
    }
}

#[test]
fn several_runs_and_trials_give_the_bytes_of_one_process() {
    for launcher in launchers() {
        let place = place();
        let lines = [
            "train classify --data walks.csv --hidden-size 6 --num-epoch 4 --batch-size 6 --threads 1 --folds 3",
            "train mnist --data set --hidden-size 6 --num-epoch 2 --batch-size 60 --threads 1 --repeat 2",
            "tune mnist --data set --hidden-size 6 --num-epoch 3 --batch-size 60 --threads 1 --trials 4",
        ];
        for (index, line) in lines.into_iter().enumerate() {
            let (whole, run) = (format!("whole-{index}"), format!("ranks-{index}"));
            let said = place.elman(&format!("{line} --quiet --out {whole}"));
            let outcome = launcher.elman(&place, 3, &format!("{line} --quiet --out {run}"));
            let lines = |outcome: &Outcome, run: &str| outcome.succeeded().join("\n").replace(run, "RUN");
            assert_eq!(lines(&outcome, &run), lines(&said, &whole), "{line}");
            let models = |folder: &str| -> Vec<(String, Vec<u8>)> {
                let parts = place.names(folder).into_iter().map(|part| format!("{folder}/{part}/model.safetensors"));
                let models = parts.filter(|path| place.path(path).exists());
                models.map(|path| (path[folder.len()..].to_owned(), place.bytes(&path))).collect()
            };
            assert!(!models(&whole).is_empty() && models(&whole) == models(&run), "{line} by {}", launcher.name);
        }
        let outcome = launcher.elman(&place, 2, "tune mnist --data set --minutes 1 --out never");
        assert_eq!(outcome.code, Some(2));
        assert!(errors(&outcome)[0].contains("--minutes") && errors(&outcome).len() == 1, "{}", outcome.stderr);
        assert!(!place.path("never").exists());
    }
}

/// Until a file is there, or the test fails.
fn wait_for(place: &Place, run: &str, child: &mut Child, begins: &str) {
    let since = Instant::now();
    loop {
        let there = std::fs::read_dir(place.path(run)).into_iter().flatten().filter_map(Result::ok);
        let mut names = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
        if names.any(|name| name.starts_with(begins) && name.ends_with(".safetensors")) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before there was a {begins} in {run}");
        assert!(since.elapsed() < Duration::from_secs(100), "no {begins} in {run}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes of a run's ranks: those of the binary whose command line names its folder.
fn processes_of(run: &str) -> Vec<i32> {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
        if words[0] == env!("CARGO_BIN_EXE_elman").as_bytes() && words.contains(&run.as_bytes()) {
            processes.push(id);
        }
    }
    processes.sort_unstable();
    processes
}

fn signal(process: i32, signal: &str) {
    Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
}

/// Ends, or is ended; what it said, and whether all ranks of a run ended by themselves.
///
/// Open MPI 4's `mpirun` sometimes waits for ever where a rank is killed in its first moments, with no rank left: that is not
/// ours, and is said.
fn ended(mut child: Child, run: &str) -> (Outcome, bool) {
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > Duration::from_secs(90) {
            let left = processes_of(run);
            child.kill().unwrap();
            left.iter().for_each(|&process| signal(process, "-KILL"));
            if left.is_empty() {
                eprintln!("the launcher did not end after its ranks had: {run}");
            }
            return (Outcome::from(child.wait_with_output().unwrap()), left.is_empty());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    (Outcome::from(child.wait_with_output().unwrap()), true)
}

fn spawn(mut command: Command) -> Child {
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The arrays of a checkpoint, without the seconds in its header.
fn arrays(place: &Place, path: &str) -> Vec<u8> {
    let bytes = place.bytes(path);
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

const LONG: &str = "train mnist --data set --hidden-size 16 --batch-size 200 --num-epoch 4000 --threads 1 --quiet \
                    --checkpoint-steps 1 --keep-checkpoints 4000";

#[test]
fn checkpoints_of_ranks_are_those_of_one_process() {
    for launcher in launchers() {
        let place = place();
        let mut alone = spawn(place.command(&format!("{LONG} --out alone")));
        wait_for(&place, "alone", &mut alone, "checkpoint-9.");
        alone.kill().unwrap();
        alone.wait().unwrap();
        let mut ranks = spawn(launcher.command(&place, 3, &format!("{LONG} --out ranks")));
        wait_for(&place, "ranks", &mut ranks, "checkpoint-9.");
        // Any rank: the others end too, in words.
        signal(*processes_of("ranks").last().unwrap(), "-KILL");
        let (outcome, by_itself) = ended(ranks, "ranks");
        assert!(by_itself, "{}: the others wait for ever", launcher.name);
        assert_ne!(outcome.code, Some(0));
        for step in [1, 5, 9] {
            let [alone, ranks] =
                ["alone", "ranks"].map(|run| arrays(&place, &format!("{run}/checkpoint-{step}.safetensors")));
            assert!(alone == ranks, "{}: checkpoint {step}", launcher.name);
        }
    }
}

#[test]
fn a_killed_run_goes_on_with_any_number_of_ranks() {
    let line = "train mnist --data set --hidden-size 12 --batch-size 100 --num-epoch 60 --threads 1 --quiet \
                --checkpoint-steps 1 --dropout 0.1 --layers 2";
    for launcher in launchers() {
        let place = place();
        place.elman(&format!("{line} --out whole/run")).succeeded();
        let mut child = spawn(launcher.command(&place, 2, &format!("{line} --out killed/run")));
        wait_for(&place, "killed/run", &mut child, "checkpoint-");
        signal(processes_of("killed/run")[0], "-KILL");
        let (_, by_itself) = ended(child, "killed/run");
        assert!(by_itself, "{}: the other waits for ever", launcher.name);
        // Three ranks go on, are killed too, and one process ends it.
        let mut child = spawn(launcher.command(&place, 3, "resume killed/run --quiet"));
        std::thread::sleep(Duration::from_millis(1500));
        if child.try_wait().unwrap().is_none() {
            processes_of("killed/run").last().into_iter().for_each(|&process| signal(process, "-KILL"));
        }
        assert!(ended(child, "killed/run").1, "{}", launcher.name);
        place.elman("resume killed/run --quiet").succeeded();
        assert_same(&place, "whole/run", "killed/run", &launcher.name);
    }
}

/// `ELMAN_KILLS=50 cargo test -p elman-cli --test it -- --ignored kills_of_ranks --nocapture`; `ELMAN_KILLS_SEED` chooses
/// other jobs, ranks and moments.
#[test]
#[ignore = "takes minutes"]
fn kills_of_ranks_change_no_byte() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (kills, mut state) = (number("ELMAN_KILLS", 50), number("ELMAN_KILLS_SEED", 1));
    // From 0 to below `end`: Knuth's MMIX; its high bits are the good ones.
    let mut below = move |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let launchers = launchers();
    let place = place();
    let (mut done, mut runs, mut begun) = (0, 0, 0);
    while done < kills && !launchers.is_empty() {
        let (name, line) = JOBS[below(JOBS.len() as u64) as usize];
        let line = format!("{line} --checkpoint-steps 2 --quiet");
        let since = Instant::now();
        place.elman(&format!("{line} --out whole/run")).succeeded();
        // A launcher needs some time, too.
        let time = since.elapsed().as_millis() as u64 + 600;
        let mut said = name.to_owned();
        for killed in 0.. {
            let launcher = &launchers[below(launchers.len() as u64) as usize];
            let config = place.path("killed/run/config.toml");
            let resumes = config.metadata().is_ok_and(|file| file.len() > 0);
            if !resumes {
                let _ = std::fs::remove_dir_all(place.path("killed"));
            }
            let next =
                if resumes { "resume killed/run --quiet".to_owned() } else { format!("{line} --out killed/run") };
            let ranks = 2 + below(3) as usize;
            said += &format!(", {ranks} ranks by {}", launcher.name);
            let child = spawn(launcher.command(&place, ranks, &next));
            if killed == 3 || done == kills {
                Outcome::from(child.wait_with_output().unwrap()).succeeded();
                break;
            }
            std::thread::sleep(Duration::from_millis(below(time)));
            let ranks = processes_of("killed/run");
            if let Some(&process) = ranks.get(below(ranks.len().max(1) as u64) as usize) {
                signal(process, "-KILL");
                (done, begun) = (done + 1, begun + u64::from(resumes));
                said += " (killed)";
            }
            let (outcome, by_itself) = ended(child, "killed/run");
            assert!(by_itself, "{said}: the others wait for ever");
            if outcome.code == Some(0) {
                break;
            }
            if let Some(error) = outcome.stderr.lines().find(|line| line.starts_with("error: ")) {
                said += &format!(" [{error}]");
            }
        }
        assert_same(&place, "whole/run", "killed/run", &said);
        runs += 1;
        eprintln!("{done} kills: {said}: no difference");
        ["whole", "killed"].iter().for_each(|folder| std::fs::remove_dir_all(place.path(folder)).unwrap());
    }
    eprintln!("{runs} runs, {done} kills, {begun} of them of runs that went on; no difference");
}

#[test]
fn a_stuck_rank_is_given_up_in_words() {
    for launcher in launchers() {
        let place = place();
        let mut child = spawn(launcher.command(&place, 3, &format!("{LONG} --rank-timeout 2 --out stuck")));
        wait_for(&place, "stuck", &mut child, "checkpoint-3.");
        let stopped = processes_of("stuck")[1];
        signal(stopped, "-STOP");
        let (outcome, by_itself) = ended(child, "stuck");
        signal(stopped, "-KILL");
        assert!(by_itself, "{}: {}", launcher.name, outcome.stderr);
        assert_ne!(outcome.code, Some(0));
        let text = outcome.stderr;
        assert!(text.contains("error: ") && text.contains("nothing has come from rank"), "{text}");
        assert!(text.contains("for 2 s") && text.contains("--rank-timeout"), "{text}");
    }
}

#[test]
fn what_is_wrong_with_all_is_said_once() {
    for launcher in launchers() {
        let place = place();
        std::fs::create_dir(place.path("t")).unwrap();
        let elman = |line: &str| Outcome::of(launcher.command(&place, 3, line).env("TMPDIR", place.path("t")));
        for (line, code, words) in [
            ("train mnist --data nowhere --out run", 1, "nowhere"),
            ("train mnist --data set --hidden-size 0 --out run", 2, "--hidden-size"),
            ("train mnist --data set --batch-size 9999 --out run", 2, "--batch-size"),
            ("resume nowhere", 1, "nowhere holds no run"),
            ("eval run", 2, "several train"),
        ] {
            let outcome = elman(line);
            assert_eq!(outcome.code, Some(code), "{line}: {}", outcome.stderr);
            let errors = errors(&outcome);
            assert!(errors.len() == 1 && errors[0].contains(words), "{line}: {}", outcome.stderr);
            assert!(!place.path("run").exists(), "{line}");
        }
        let outcome = elman("train mnist --no-such-flag");
        assert_eq!(outcome.stderr.matches("--no-such-flag").count(), 1, "{}", outcome.stderr);
        // No rank leaves its folder behind.
        let left: Vec<String> = place.names("t").into_iter().filter(|name| name.contains("elman-rank-")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A script in the binary's place: it does something else on rank 1.
fn disguise(place: &Place, on_rank_1: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let path = place.path("disguised");
    let elman = env!("CARGO_BIN_EXE_elman");
    let text = format!(
        "#!/bin/sh\nrank=${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}\nelman={elman}\nif [ \"$rank\" = 1 ]; then\n{on_rank_1}\nfi\n\
         exec $elman \"$@\"\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The same with the script in the place of the binary.
fn disguised(launcher: &Launcher, place: &Place, on_rank_1: &str, line: &str) -> Outcome {
    let script = disguise(place, on_rank_1);
    let mut plain = launcher.command(place, 3, line);
    let mut command = Command::new(plain.get_program());
    let is_elman = |arg: &&std::ffi::OsStr| *arg == env!("CARGO_BIN_EXE_elman");
    command.args(plain.get_args().map(|arg| if is_elman(&arg) { script.as_os_str() } else { arg }));
    command.current_dir(place.path("")).stdin(Stdio::null());
    command.env("RUST_BACKTRACE", "0").env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
    plain.stdin(Stdio::null());
    let (outcome, by_itself) = ended(spawn(command), "--out");
    assert!(by_itself, "{}: {}", launcher.name, outcome.stderr);
    outcome
}

#[test]
fn ranks_that_differ_are_refused_and_named() {
    for launcher in launchers() {
        let place = place();
        let copy = place.path("copy");
        std::fs::copy(env!("CARGO_BIN_EXE_elman"), &copy).unwrap();
        let mut bytes = std::fs::read(&copy).unwrap();
        bytes.push(0);
        std::fs::write(&copy, bytes).unwrap();
        place.write_set("other", SIDE, SIDE);
        let mut labels = place.bytes("other/train-labels-idx1-ubyte");
        *labels.last_mut().unwrap() = (labels.last().unwrap() + 1) % CLASSES as u8;
        place.write("other/train-labels-idx1-ubyte", &labels);
        let line = "train mnist --data set --hidden-size 8 --num-epoch 2 --threads 1";
        for (on_rank_1, words) in [
            (format!("elman={}", copy.display()), ["another elman than rank 0", "with the checksum"]),
            ("exec $elman \"$@\" --seed 7".to_owned(), ["another setting than rank 0", "seed = 7, not seed = 111"]),
            (
                "ELMAN_ISA=portable; export ELMAN_ISA".to_owned(),
                ["another arithmetic than rank 0", "portable, not fused"],
            ),
            (
                "exec $elman \"$@\" --data other"
                    .replace("\"$@\"", "train mnist --hidden-size 8 --num-epoch 2 --threads 1"),
                ["another data than rank 0", "with the checksum"],
            ),
        ] {
            let run = format!("run-{}", place.names("").len());
            let outcome = disguised(&launcher, &place, &on_rank_1, &format!("{line} --out {run}"));
            assert_eq!(outcome.code, Some(1), "{on_rank_1}: {}", outcome.stderr);
            let errors = errors(&outcome);
            assert!(errors.len() == 1 && errors[0].contains("rank 1 on "), "{on_rank_1}: {}", outcome.stderr);
            for word in words {
                assert!(errors[0].contains(word), "{on_rank_1}: no {word:?} in {}", outcome.stderr);
            }
        }
        // What is wrong with one rank alone is said with its number and machine.
        let outcome =
            disguised(&launcher, &place, "exec $elman train mnist --data nowhere", &format!("{line} --out alone"));
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        let errors = errors(&outcome);
        assert!(
            errors.iter().any(|error| error.contains("rank 1 on ") && error.contains("nowhere")),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let place = place();
    let as_rank = |library: Option<&str>| {
        let mut command = place.command("train mnist --data set --out run");
        command.env("PMI_RANK", "0").env("PMI_SIZE", "2");
        library.into_iter().for_each(|library| {
            command.env("ELMAN_MPI", library);
        });
        Outcome::of(&mut command)
    };
    as_rank(Some("/no/such/libmpi.so")).refused(1, &["/no/such/libmpi.so", "ELMAN_MPI=PATH", "ELMAN_MPI=none"]);
    as_rank(Some("libc.so.6")).refused(1, &["libc.so.6 is no MPI library", "MPI_Get_library_version"]);
    let alone = as_rank(Some("none"));
    alone.succeeded();
    assert!(place.path("run/model.safetensors").exists());
}
