//! Declares the permissions that `perms` asks for: `permissions!` takes names, not a number of them.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    let mut declared = String::from("auth::permissions! {\n");
    for app in 0..7 {
        write!(declared, "app{app} {{ absent: \"Nobody\"; ").unwrap();
        for i in (app..200).step_by(7) {
            write!(declared, "change_model{i}: \"{i}\"; ").unwrap();
        }
        declared.push_str("}\n");
    }
    declared.push('}');
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("permissions.rs"), declared).unwrap();
    println!("cargo::rerun-if-changed=build.rs");
}
