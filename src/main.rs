//! The binary: everything is in the library, so that tests reach it.
#[cfg(feature = "client")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    groundcrew::commands::main()
}
