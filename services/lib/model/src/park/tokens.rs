/// Gives an enum its tokens in the definition file: what is read and what is printed are one list.
macro_rules! tokens {
    ($name:ident { $($variant:ident $token:literal,)+ }) => {
        impl $name {
            /// Every value with its token in the definition file.
            pub const TOKENS: &[(&str, $name)] = &[$(($token, $name::$variant),)+];

            /// The token in the definition file.
            pub fn token(self) -> &'static str {
                match self {
                    $($name::$variant => $token,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.token())
            }
        }
    };
}

pub(super) use tokens;
