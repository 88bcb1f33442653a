//! What is said when the sandbox's database panics, which it does over a page that makes no sense.

use crate::failure::{Exit, begin_anew};

/// From now on a panic of the database is told as what it means, and ends the program; another one is told as usual.
pub fn explain(program: &str) {
    let program = program.to_owned();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| place.file().contains("redb-")) {
            return usual(panic);
        }
        let found = panic.payload();
        let found = found.downcast_ref::<String>().map(String::as_str).or_else(|| found.downcast_ref::<&str>().copied());
        let found = found.unwrap_or("a page that cannot be read");
        eprintln!("Error: the sandbox's store is damaged: {found}; {}", begin_anew(&program));
        std::process::exit(Exit::Failed as i32);
    }));
}
