//! Any text as the configuration of each job. What is read is written and read again the same.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    for job in elman_cli::jobs() {
        match elman_cli::read_config(job, text) {
            Ok(settings) => assert_eq!(elman_cli::read_config(job, &settings).unwrap(), settings),
            Err(error) => assert!(!format!("{error:#}").is_empty()),
        }
    }
});
