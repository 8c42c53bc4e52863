//! Arrow's `PyCapsule` interface, by which columns pass between libraries without a copy and without a dependency:
//! <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>.

mod array;
mod c_data;
mod export;
mod lists;
mod strings;

pub(crate) use array::{Chunk, chunks};
pub(crate) use export::{arrow_array, arrow_schema, arrow_stream};
pub(crate) use lists::arrow_lists;
pub(crate) use strings::strings;
