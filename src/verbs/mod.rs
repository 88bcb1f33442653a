//! What is done to every kind alike: list, describe, delete, choose, apply.

pub mod apply;
pub mod fetch;
pub mod list;
pub mod missing;
pub mod rights;
