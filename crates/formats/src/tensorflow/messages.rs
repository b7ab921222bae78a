//! The messages, with the numbers of `tensor_bundle.proto` and `types.proto`.

use prost::Message;

/// The value of the empty key.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    /// Files of variables.
    #[prost(int32, tag = "1")]
    pub(super) num_shards: i32,
    /// 0 is little.
    #[prost(int32, tag = "2")]
    pub(super) endianness: i32,
}

/// The value of a variable's name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
    /// The file that it is in.
    #[prost(int32, tag = "3")]
    pub(super) shard_id: i32,
    /// In bytes.
    #[prost(int64, tag = "4")]
    pub(super) offset: i64,
    /// In bytes.
    #[prost(int64, tag = "5")]
    pub(super) size: i64,
    /// Masked.
    #[prost(fixed32, tag = "6")]
    pub(super) crc32c: u32,
    /// The parts of a variable that is kept in several, each a message.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub(super) slices: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dim>,
    #[prost(bool, tag = "3")]
    pub(super) unknown_rank: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// The types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F16,
    Bf16,
    F32,
    F64,
    I32,
    I64,
}

impl Kind {
    pub(super) fn of(dtype: i32) -> Option<Self> {
        Some(match dtype {
            1 => Kind::F32,
            2 => Kind::F64,
            3 => Kind::I32,
            9 => Kind::I64,
            14 => Kind::Bf16,
            19 => Kind::F16,
            _ => return None,
        })
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Kind::F16 | Kind::Bf16 => 2,
            Kind::F32 | Kind::I32 => 4,
            Kind::F64 | Kind::I64 => 8,
        }
    }
}

/// A type in words.
pub(super) fn type_name(dtype: i32) -> String {
    match dtype {
        4 => "uint8".into(),
        5 => "int16".into(),
        6 => "int8".into(),
        7 => "text".into(),
        8 => "complex64".into(),
        10 => "truth values".into(),
        11..=13 => "quantized integers".into(),
        other => format!("number {other} of TensorFlow's types"),
    }
}
