// Written by generate.py.

macro_rules! wide {
    ($(#[$attribute:meta])*) => {
        $(#[$attribute])*
        pub struct Wide {
            pub int_0: i64,
            pub int_1: i64,
            pub int_2: i64,
            pub int_3: i64,
            pub int_4: i64,
            pub int_5: i64,
            pub int_6: i64,
            pub int_7: i64,
            pub count_0: u32,
            pub count_1: u32,
            pub count_2: u32,
            pub count_3: u32,
            pub count_4: u32,
            pub count_5: u32,
            pub rate_0: f64,
            pub rate_1: f64,
            pub rate_2: f64,
            pub rate_3: f64,
            pub rate_4: f64,
            pub rate_5: f64,
            pub text_0: String,
            pub text_1: String,
            pub text_2: String,
            pub text_3: String,
            pub text_4: String,
            pub text_5: String,
            pub text_6: String,
            pub text_7: String,
            pub text_8: String,
            pub text_9: String,
            pub maybe_0: Option<i64>,
            pub maybe_1: Option<i64>,
            pub maybe_2: Option<i64>,
            pub maybe_3: Option<i64>,
            pub note_0: Option<String>,
            pub note_1: Option<String>,
            pub note_2: Option<String>,
            pub note_3: Option<String>,
            pub flag_0: bool,
            pub flag_1: bool,
        }
    };
}
