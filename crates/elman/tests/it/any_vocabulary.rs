//! Any text comes back from its tokens, and a vocabulary that a model's file damages is refused in words, or sound.

use std::sync::Arc;

use std::collections::BTreeSet;

use elman::text::{Sampler, Vocabulary};
use elman::{Gru, Head, Init, Model, Network, Purpose, Random, Stack};
use proptest::prelude::*;
use serde_json::{Value, json};

fn model(tokens: usize) -> Model {
    let stack = Stack::new(Gru::new(2, 2)).embedding(tokens);
    let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    Model::new(&network, Head::every_step(tokens), Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap()
}

/// What a value of a job is replaced by.
fn odd() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Null,
        json!(true),
        json!(1),
        json!(""),
        json!("a"),
        json!("text"),
        json!("byte"),
        json!("character"),
        json!([]),
        json!({}),
        json!("ba"),
        json!("aab"),
        json!("\u{0}\u{10ffff}"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_comes_back(text in "(?s).{0,60}", other in "(?s).{0,10}") {
        let distinct: BTreeSet<char> = text.chars().collect();
        let bytes = Vocabulary::Bytes.encode(&text).unwrap();
        prop_assert_eq!(Vocabulary::Bytes.decode(&bytes), text.as_bytes());
        let vocabulary = match Vocabulary::characters(&text) {
            Ok(vocabulary) => vocabulary,
            Err(error) => {
                prop_assert!(distinct.len() < 2 && error.to_string().contains("distinct characters"), "{error}");
                return Ok(());
            }
        };
        prop_assert_eq!(vocabulary.len(), distinct.len());
        let tokens = vocabulary.encode_bytes(text.as_bytes()).unwrap();
        prop_assert!(tokens.iter().all(|&token| usize::from(token) < vocabulary.len()));
        prop_assert_eq!(vocabulary.decode(&tokens), text.as_bytes());
        // Another text has tokens exactly where all of its characters are known.
        let known = other.chars().all(|character| distinct.contains(&character));
        prop_assert_eq!(vocabulary.encode(&other).is_ok(), known);
        prop_assert!(usize::from(vocabulary.start()) < vocabulary.len());

        let mut model = model(vocabulary.len());
        vocabulary.keep_in(&mut model);
        prop_assert_eq!(Vocabulary::of(&model).unwrap(), vocabulary);
    }

    #[test]
    fn a_damaged_vocabulary_is_refused_or_sound(
        tokens in prop::sample::select(vec![2_usize, 3, 256]),
        changes in prop::collection::vec((prop::sample::select(vec!["job", "unit", "characters", "more"]), odd()), 1..3),
        dropped in prop::option::of(prop::sample::select(vec!["job", "unit", "characters"])),
    ) {
        let mut model = model(tokens);
        Vocabulary::characters("ab").unwrap().keep_in(&mut model);
        let job = model.job.as_mut().unwrap().as_object_mut().unwrap();
        for (name, value) in changes {
            job.insert(name.to_owned(), value);
        }
        dropped.map(|name| job.remove(name));
        match Vocabulary::of(&model) {
            Ok(vocabulary) => {
                prop_assert_eq!(vocabulary.len(), tokens);
                let all: Vec<u16> = (0..tokens as u16).collect();
                prop_assert_eq!(vocabulary.encode_bytes(&vocabulary.decode(&all)).unwrap(), all);
                prop_assert!(Sampler::new(&Arc::new(model), 1, 1).is_ok());
            }
            Err(error) => prop_assert!(error.to_string().contains("text") || error.to_string().contains("expected"), "{error}"),
        }
    }
}
