//! Starts the program: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(exit) = rtkn::cli::complete_if_asked() {
        return ExitCode::from(exit as u8);
    }
    // One thread is enough: the work is waiting for the server. Steps of the sandbox are processes of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let exit = match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(rtkn::cli::run(std::env::args_os().collect()));
            // A prompt or a plugin may still hold a helper thread; nobody waits for it.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            eprintln!("Error: cannot start: {error}");
            rtkn::failure::Exit::Failed
        }
    };
    ExitCode::from(exit as u8)
}
