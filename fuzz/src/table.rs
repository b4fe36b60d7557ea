//! Lists of differences that are allowed, and how they are shown.

/// Declares the rules from one table: name, file of the example, section, who does what.
macro_rules! rules {
    ($($name:ident, $file:literal, $section:literal, $what:literal, $ours:literal, $theirs:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule {
            $($name,)*
        }

        impl Rule {
            pub const ALL: &[Rule] = &[$(Rule::$name),*];

            /// The name of the example in the folder of seeds.
            pub fn file(self) -> &'static str {
                match self {
                    $(Rule::$name => $file,)*
                }
            }

            /// What, streamsum, hyper, section: the cells of its row.
            fn row(self) -> [&'static str; 4] {
                match self {
                    $(Rule::$name => [$what, $ours, $theirs, $section],)*
                }
            }
        }
    };
}

/// All rules in Markdown: each with what, streamsum, hyper, section, and with its example.
pub(crate) fn table(
    target: &str,
    rows: impl Iterator<Item = ([&'static str; 4], &'static str)>,
) -> String {
    let mut table = format!(
        "# Where hyper reads otherwise\n\n\
         The fuzz target `{target}` gives the same bytes to hyper 1.12 and to streamsum. These are all the differences that it allows; each file is an example, in `fuzz/seeds/{target}/`. A test keeps this table as the rules in `fuzz/src/{target}/rules.rs` have it: `STREAMSUM_WRITE_TABLE=1` makes it write the table anew.\n\n\
         | What | streamsum | hyper | Section | Example |\n|---|---|---|---|---|\n",
    );
    for ([what, ours, theirs, section], file) in rows {
        table += &format!("| {what} | {ours} | {theirs} | {section} | `{file}` |\n");
    }
    table
}
