//! Any array of bytes is read back the same, and a damaged file is refused or is exactly what its header says.

use crate::make::gz;
use elman_datasets::{Error, idx, images};
use proptest::prelude::*;

/// Dimensions, and as many bytes as they say.
fn any_array() -> impl Strategy<Value = (Vec<u32>, Vec<u8>)> {
    prop::collection::vec(0..5_u32, 1..5).prop_flat_map(|dims| {
        let size = dims.iter().product::<u32>() as usize;
        (Just(dims), prop::collection::vec(any::<u8>(), size))
    })
}

/// A file with some bytes changed, and cut or gone on with.
fn damaged(mut file: Vec<u8>, changes: &[(prop::sample::Index, u8)], end: i8) -> Vec<u8> {
    for (at, byte) in changes {
        // Mostly in the header, where a byte means something.
        let at = at.index(file.len().min(20));
        file[at] = *byte;
    }
    file.resize(file.len().saturating_add_signed(end.into()), 7);
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_array_is_read_back_the_same((dims, data) in any_array()) {
        let file = crate::make::idx(&dims, &data);
        for bytes in [&file, &gz(&file)] {
            let read = idx::parse(bytes).unwrap();
            prop_assert_eq!(&read.data, &data);
            prop_assert!(read.dims.iter().copied().eq(dims.iter().map(|&dim| dim as usize)));
        }
        let images = images::parse_images("given", &file);
        prop_assert_eq!(images.is_ok(), dims.len() == 3 && !data.is_empty());
    }

    #[test]
    fn a_damaged_file_is_refused_or_what_it_says(
        (dims, data) in any_array(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0..6_u8, any::<u8>()]), 0..4),
        end in prop_oneof![3 => Just(0_i8), 1 => -9..9_i8],
        (at, bit) in (any::<prop::sample::Index>(), 0..8_u32),
    ) {
        let file = damaged(crate::make::idx(&dims, &data), &changes, end);
        let read = idx::parse(&file);
        match &read {
            Ok(read) => {
                let dims: Vec<u32> = read.dims.iter().map(|&dim| dim as u32).collect();
                prop_assert_eq!(&crate::make::idx(&dims, &read.data), &file);
            }
            Err(Error::File { origin, .. }) => prop_assert_eq!(origin, "the given bytes"),
            Err(other) => prop_assert!(false, "{other}"),
        }
        let zipped = gz(&file);
        prop_assert_eq!(idx::parse(&zipped).ok(), read.as_ref().ok().cloned());
        // A checksum covers what is inside: all but the ten bytes before it, which say nothing of it.
        let mut spoiled = zipped;
        let at = 10 + at.index(spoiled.len() - 10);
        spoiled[at] ^= 1_u8 << bit;
        if let Ok(spoiled) = idx::parse(&spoiled) {
            prop_assert_eq!(Some(spoiled), read.ok());
        }
    }
}
