//! What is shown of an object, in meaning: cells, rows, pages. No colour, width or clock here.

pub mod age;
