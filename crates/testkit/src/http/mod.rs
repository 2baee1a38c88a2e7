//! HTTP/1.x down to the byte: requests as they are written, answers as they arrive.

mod answer;
mod connection;
mod request;

pub use answer::{Answer, ReadError};
pub use connection::{Connection, Outcome};
pub use request::Request;
