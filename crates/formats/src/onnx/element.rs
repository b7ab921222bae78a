//! The types of a tensor's elements.

/// The type of a tensor's elements, of those that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// `float`, 32 bits.
    Float,
    /// `float16`
    Float16,
    /// `bfloat16`
    BFloat16,
    /// `double`, 64 bits.
    Double,
    /// `int64`
    Int64,
    /// `int32`
    Int32,
    /// `int16`
    Int16,
    /// `int8`
    Int8,
    /// `uint16`
    UInt16,
    /// `uint8`
    UInt8,
    /// `bool`
    Bool,
}

impl Element {
    /// By the number in a file; none for those that are not read.
    pub fn of_code(code: i32) -> Option<Self> {
        Some(match code {
            1 => Self::Float,
            2 => Self::UInt8,
            3 => Self::Int8,
            4 => Self::UInt16,
            5 => Self::Int16,
            6 => Self::Int32,
            7 => Self::Int64,
            9 => Self::Bool,
            10 => Self::Float16,
            11 => Self::Double,
            16 => Self::BFloat16,
            _ => return None,
        })
    }

    /// The number in a file.
    pub fn code(self) -> i32 {
        match self {
            Self::Float => 1,
            Self::UInt8 => 2,
            Self::Int8 => 3,
            Self::UInt16 => 4,
            Self::Int16 => 5,
            Self::Int32 => 6,
            Self::Int64 => 7,
            Self::Bool => 9,
            Self::Float16 => 10,
            Self::Double => 11,
            Self::BFloat16 => 16,
        }
    }

    /// Bytes of one in raw data.
    pub fn width(self) -> usize {
        match self {
            Self::UInt8 | Self::Int8 | Self::Bool => 1,
            Self::UInt16 | Self::Int16 | Self::Float16 | Self::BFloat16 => 2,
            Self::Int32 | Self::Float => 4,
            Self::Int64 | Self::Double => 8,
        }
    }

    /// Whether they are floats of at most 32 bits.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float | Self::Float16 | Self::BFloat16)
    }

    /// ONNX's name for any number in a file, read or not.
    pub fn name_of(code: i32) -> &'static str {
        const NAMES: [&str; 29] = [
            "undefined",
            "float",
            "uint8",
            "int8",
            "uint16",
            "int16",
            "int32",
            "int64",
            "string",
            "bool",
            "float16",
            "double",
            "uint32",
            "uint64",
            "complex64",
            "complex128",
            "bfloat16",
            "float8e4m3fn",
            "float8e4m3fnuz",
            "float8e5m2",
            "float8e5m2fnuz",
            "uint4",
            "int4",
            "float4e2m1",
            "float8e8m0",
            "uint2",
            "int2",
            "float6e2m3",
            "float6e3m2",
        ];
        usize::try_from(code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or("unknown")
    }

    /// ONNX's name.
    pub fn name(self) -> &'static str {
        Self::name_of(self.code())
    }
}
