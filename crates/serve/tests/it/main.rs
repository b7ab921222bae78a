//! The server as its clients meet it: over connections of a free port.

mod answers;
mod client;
mod inference;
mod limits;
mod openapi;
mod rubbish;
mod safety;
mod sessions;
mod sockets;
mod states;
mod support;
