//! Links the program to stand at a fixed address on Linux, as Go's linker does with tkn: the sixty thousand addresses in its
//! tables are then right in the file, and starting it neither computes nor copies them (a third of the time and the memory of
//! a short command). Stack, heap and libraries go on being placed at random.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
