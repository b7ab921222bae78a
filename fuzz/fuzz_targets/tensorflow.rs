//! Any bytes as the table of a TensorFlow checkpoint, as they are and with the checksums of its blocks put right;
//! and what is read as a model of ours.

#![no_main]

use elman_exchange::{Hints, tensorflow};
use elman_formats::tensorflow::read_bytes;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let data = [vec![0x3c; 4096]];
    take(bytes, &data);
    // A block of the input's bytes, an index of that block, and a footer: what a fuzzer cannot keep right.
    let mut file = trailed(bytes.to_vec());
    let place = [varint(0), varint(bytes.len() as u64)].concat();
    let mut entry = vec![0, 1, place.len() as u8, b'~'];
    entry.extend(place);
    entry.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    let index = (file.len() as u64, entry.len() as u64);
    file.extend(trailed(entry));
    let mut footer = [vec![0, 0], varint(index.0), varint(index.1)].concat();
    footer.resize(40, 0);
    file.extend(footer);
    file.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    take(&file, &data);
});

fn take(index: &[u8], data: &[Vec<u8>]) {
    let Ok(checkpoint) = read_bytes(index, data) else { return };
    let _ = match tensorflow::has_objects(&checkpoint) {
        true => tensorflow::import_objects(&checkpoint, &Hints::default()),
        false => tensorflow::import(&checkpoint.variables, &Hints::default()),
    };
}

fn trailed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(0);
    let sum = CRC.checksum(&bytes).rotate_right(15).wrapping_add(0xa282_ead8);
    bytes.extend(sum.to_le_bytes());
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
