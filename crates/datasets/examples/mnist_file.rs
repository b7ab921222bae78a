//! One of MNIST's four files as it was published, unzipped, on standard output: for programs that want the data as it was.
//!
//!     cargo run --release -p elman-datasets --example mnist_file -- train-images-idx3-ubyte > train-images-idx3-ubyte

use std::error::Error;
use std::io::Write;

use elman_datasets::mnist;

fn main() -> Result<(), Box<dyn Error>> {
    let files = mnist::files()?;
    let names = files.each_ref().map(|(name, _)| *name);
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let Some((_, file)) = files.iter().find(|(name, _)| *name == wanted) else {
        return Err(format!("no file {wanted:?}; expected one of: {}", names.join(", ")).into());
    };
    std::io::stdout().write_all(file)?;
    Ok(())
}
