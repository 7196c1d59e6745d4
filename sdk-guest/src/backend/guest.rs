//! The host's functions in WebAssembly: the imports of `fallow:task`.

/// Bindings made from `wit/`: one world for each export, so that a component has just those that it exports.
#[allow(unsafe_code, missing_docs, clippy::all, reason = "generated: the canonical ABI is pointers and lengths")]
pub mod bindings {
    /// `run` and what every export may call.
    pub mod run {
        wit_bindgen::generate!({
            path: "wit",
            world: "task",
            generate_all,
            pub_export_macro: true,
            export_macro_name: "export_run",
            default_bindings_module: "fallow::__private::bindings::run",
        });
    }

    /// `split` and the emitter.
    pub mod split {
        wit_bindgen::generate!({
            path: "wit",
            inline: "package fallow:sdk; world only-split { import fallow:task/emit@1.0.0; export fallow:task/split@1.0.0; }",
            generate_all,
            pub_export_macro: true,
            export_macro_name: "export_split",
            default_bindings_module: "fallow::__private::bindings::split",
        });
    }

    /// `merge` and the parts.
    pub mod merge {
        wit_bindgen::generate!({
            path: "wit",
            inline: "package fallow:sdk; world only-merge { import fallow:task/parts@1.0.0; export fallow:task/merge@1.0.0; }",
            generate_all,
            pub_export_macro: true,
            export_macro_name: "export_merge",
            default_bindings_module: "fallow::__private::bindings::merge",
        });
    }
}

pub use bindings::merge::fallow::task::parts::part;
pub use bindings::run::fallow::task::host::{checkpoint, log, progress, random, restore, shared_len, shared_read};
pub use bindings::split::fallow::task::emit::unit;
