//! TensorFlow's checkpoints: what TensorFlow wrote is read, and every way a table can be wrong or hostile is refused.

use std::path::{Path, PathBuf};

use crate::support::assert_says;
use elman_formats::numpy::Values;
use elman_formats::tensorflow::{self, Checkpoint, Fault};
use elman_formats::{FileKind, sniff};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/checkpoints").join(name)
}

fn files(name: &str) -> (Vec<u8>, Vec<u8>) {
    let read = |ending| std::fs::read(golden(&format!("{name}{ending}"))).unwrap();
    (read(".index"), read(".data-00000-of-00001"))
}

#[test]
fn variables_are_read_with_their_types() {
    let file = tensorflow::read(&golden("graph.ckpt-7")).unwrap();
    let kernel = &file.variables["rnn/lstm_cell/kernel"];
    assert_eq!(kernel.shape, [12, 28]);
    assert!(matches!(&kernel.values, Values::F32(data) if data.len() == 12 * 28 && data[0] != 0.0));
    assert_eq!(file.variables["global_step"].values, Values::I64(vec![0]));
    assert_eq!(file.variables.len(), 15);
    assert!(file.left_out.is_empty());
    assert_eq!(sniff(&golden("graph.ckpt-7.index")).unwrap(), FileKind::TensorflowTable);
}

#[test]
fn files_that_are_not_there_or_of_the_first_format_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = files("graph.ckpt-7");
    std::fs::write(folder.path().join("alone.index"), &index).unwrap();
    let error = tensorflow::read(&folder.path().join("alone")).unwrap_err();
    assert_says(&error, &["alone.data-00000-of-00001", "which belong together"]);
    let error = tensorflow::read(&golden("first_format.ckpt")).unwrap_err();
    assert_says(&error, &["first_format.ckpt", "save it again"]);
    assert_eq!(sniff(&golden("first_format.ckpt")).unwrap(), FileKind::TensorflowTable);
    let error = tensorflow::read(&folder.path().join("none")).unwrap_err();
    assert_says(&error, &["none.index"]);
}

/// Every byte of the table and of the variables that is read is under a checksum, but for the footer.
#[test]
fn a_changed_byte_is_refused_or_changes_nothing() {
    for name in ["graph.ckpt-7", "objects"] {
        let (index, data) = files(name);
        let whole = tensorflow::read_bytes(&index, std::slice::from_ref(&data)).unwrap();
        let mut passed = 0;
        for at in 0..index.len() {
            for bit in [1, 0x80] {
                let mut changed = index.clone();
                changed[at] ^= bit;
                if let Ok(file) = tensorflow::read_bytes(&changed, std::slice::from_ref(&data)) {
                    assert_eq!(file, whole, "{name}: byte {at} of the table");
                    passed += 1;
                }
            }
        }
        // Each of two bits: the footer, and the index of other things, which is empty and not read.
        assert!(passed <= 2 * (48 + 13), "{name}: {passed}");
        // Texts are passed over, and so are their bytes.
        let mut refused = 0;
        for at in (0..data.len()).step_by(7) {
            let mut changed = data.clone();
            changed[at] ^= 4;
            match tensorflow::read_bytes(&index, &[changed]) {
                Ok(file) => assert_eq!(file, whole),
                Err((variable, fault)) => {
                    assert!(variable.is_some() && matches!(fault, Fault::Checksum { .. }), "{fault}");
                    refused += 1;
                }
            }
        }
        assert!(refused > data.len() / 14, "{refused}");
        for end in (0..index.len()).step_by(5) {
            assert!(tensorflow::read_bytes(&index[..end], std::slice::from_ref(&data)).is_err(), "cut at {end}");
        }
        for end in [0, 1, data.len() / 2, data.len() - 1] {
            let cut = tensorflow::read_bytes(&index, &[data[..end].to_vec()]);
            assert!(cut.is_err() || cut.unwrap() == whole, "variables cut at {end}");
        }
    }
}

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

fn masked(bytes: &[u8]) -> [u8; 4] {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return bytes;
        }
    }
}

/// A block of entries that share nothing, with its trailer.
fn block(entries: &[(&[u8], &[u8])], packing: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in entries {
        bytes.extend(
            [vec![0], varint(key.len() as u64), varint(value.len() as u64), key.to_vec(), value.to_vec()].concat(),
        );
    }
    bytes.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    trailed(bytes, packing)
}

fn trailed(mut bytes: Vec<u8>, packing: u8) -> Vec<u8> {
    bytes.push(packing);
    let sum = masked(&bytes);
    bytes.extend(sum);
    bytes
}

/// A table of these blocks, which lie one behind the other.
fn table(blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut places = Vec::new();
    for block in blocks {
        places.push([varint(file.len() as u64), varint(block.len() as u64 - 5)].concat());
        file.extend(block);
    }
    indexed(file, &places)
}

/// A table of the blocks in a file that lie in these places.
fn indexed(mut file: Vec<u8>, places: &[Vec<u8>]) -> Vec<u8> {
    let keys: Vec<Vec<u8>> = (0..places.len()).map(|at| vec![b'~', at as u8]).collect();
    let entries: Vec<(&[u8], &[u8])> = keys.iter().zip(places).map(|(key, place)| (&key[..], &place[..])).collect();
    let index = block(&entries, 0);
    let mut footer = [vec![0, 0], varint(file.len() as u64), varint(index.len() as u64 - 5)].concat();
    footer.resize(40, 0);
    file.extend(index);
    file.extend(footer);
    file.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    file
}

/// One shard, little-endian.
const HEADER: &[u8] = &[0x08, 1];

/// A variable of two floats: type 1, shape [2], 8 bytes from an offset.
fn entry(offset: u8, data: &[u8]) -> Vec<u8> {
    let mut message = vec![0x08, 1, 0x12, 4, 0x12, 2, 0x08, 2, 0x20, offset, 0x28, 8, 0x35];
    message.extend(masked(data));
    message
}

const DATA: [u8; 8] = [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40];

fn read(blocks: &[Vec<u8>]) -> Result<Checkpoint, (Option<String>, Fault)> {
    tensorflow::read_bytes(&table(blocks), &[DATA.to_vec()])
}

fn refused(blocks: &[Vec<u8>], says: &str) {
    let (_, fault) = read(blocks).expect_err(says);
    assert_says(&fault, &[says]);
}

#[test]
fn tables_made_here_are_read() {
    let good = entry(0, &DATA);
    let file = read(&[block(&[(b"", HEADER), (b"w", &good)], 0)]).unwrap();
    assert_eq!(file.variables["w"].values, Values::F32(vec![1.0, 2.0]));
    let file = read(&[block(&[(b"", HEADER)], 0), block(&[(b"w", &good)], 0)]).unwrap();
    assert_eq!(file.variables["w"].shape, [2]);
}

#[test]
fn tables_that_lie_are_refused() {
    let good = entry(0, &DATA);
    let of = |value: &[u8]| [block(&[(b"", HEADER), (b"w", value)], 0)];
    refused(&of(&entry(4, &DATA)), "8 bytes from byte 4");
    refused(&of(&entry(0, &[0; 8])), "the checksum of its bytes differs");
    refused(&of(&[0xff]), "its entry in the table is damaged");
    let mut sliced = good.clone();
    sliced.extend([0x3a, 0]);
    refused(&of(&sliced), "it is kept in slices");
    let mut long = good.clone();
    long[7] = 3;
    refused(&of(&long), "these do not fit each other");
    refused(&[block(&[(b"w", &good)], 0)], "no header of a checkpoint");
    refused(&[block(&[(b"", &[0x08, 0]), (b"w", &good)], 0)], "in 0 files");
    refused(&[block(&[(b"", &[0x08, 2]), (b"w", &good)], 0)], "its variables are in 2 files; found 1");
    refused(&[block(&[(b"", &[0x08, 1, 0x10, 1])], 0)], "big-endian");
    refused(&[block(&[(b"", HEADER), (b"w", &good)], 1)], "packed by snappy");
    refused(&[block(&[(b"", HEADER), (b"w", &good)], 9)], "packed by method 9");
    refused(&[block(&[(b"", HEADER), (b"w", &good), (b"w", &good)], 0)], "keys in their order, each once");
    refused(&[block(&[(b"", HEADER), (b"w", &good)], 0), block(&[(b"a", &good)], 0)], "blocks in the order");
    refused(&[block(&[(b"", HEADER), (b"\xff", &good)], 0)], "not UTF-8");
    refused(&[block(&[(b"", HEADER), (&[b'a'; 2000], &good)], 0)], "1024 bytes in a name");
    // Two names for the same bytes could take any memory.
    refused(&[block(&[(b"", HEADER), (b"v", &good), (b"w", &good)], 0)], "more than the 8 bytes of their files");
    // A key that shares more than there is; restarts that are not there; an entry that ends behind its block.
    refused(&[trailed([&[1, 1, 0, b'a'][..], &[0, 0, 0, 0, 1, 0, 0, 0]].concat(), 0)], "a key that shares");
    refused(&[trailed(vec![9, 0, 0, 0], 0)], "where its entries end");
    refused(&[trailed([&[0, 200, 0][..], &[0, 0, 0, 0, 1, 0, 0, 0]].concat(), 0)], "damaged at byte");
    let mut beyond = table(&[block(&[(b"", HEADER)], 0)]);
    let footer = beyond.len() - 48;
    beyond[footer + 2] = 0xff;
    beyond[footer + 3] = 0x7f;
    assert_says(&tensorflow::read_bytes(&beyond, &[]).unwrap_err().1, &["blocks that lie in the file"]);
    assert_says(&tensorflow::read_bytes(b"short", &[]).unwrap_err().1, &["does not end as a table"]);
}

/// Each time that the index names a block its checksum is computed: without this, a few bytes of index cost the time of a
/// file read anew.
#[test]
fn a_block_is_named_once() {
    let place = |offset: usize, block: &[u8]| [varint(offset as u64), varint(block.len() as u64 - 5)].concat();
    let [first, empty] = [block(&[(b"", HEADER)], 0), block(&[], 0)];
    let second = block(&[(b"w", &entry(0, &DATA))], 0);
    let read = |file: &[Vec<u8>], places: &[Vec<u8>]| {
        tensorflow::read_bytes(&indexed(file.concat(), places), &[DATA.to_vec()])
    };
    let (one, two) = (first.len(), first.len() + empty.len());
    let file = [first.clone(), empty.clone(), second.clone()];
    let in_order = [place(0, &first), place(one, &empty), place(two, &second)];
    assert_eq!(read(&file, &in_order).unwrap().variables.len(), 1);
    // Without entries, which no order of keys refuses; before another; inside another.
    let mut twice = in_order.to_vec();
    twice.insert(1, place(one, &empty));
    let around = block(&[(b"", &first)], 0);
    for (file, places) in [
        (file.to_vec(), twice),
        (vec![empty.clone(), first.clone()], vec![place(empty.len(), &first), place(0, &empty)]),
        (vec![around.clone()], vec![place(0, &around), place(3, &first)]),
        (vec![first.clone()], vec![place(0, &first), place(0, &first)]),
    ] {
        let (_, fault) = read(&file, &places).unwrap_err();
        assert_says(&fault, &["expected blocks one behind the other, none of them twice"]);
    }
}
