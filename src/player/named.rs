//! Enums whose values have names on the command line and in reports.

/// A name that no value has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{name}`: expected {expected}")]
pub struct UnknownName {
    /// The kind of value, such as `ABR rule`.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// Every name, separated by commas.
    pub expected: String,
}

/// `all`, `name`, `FromStr` and `Display` of the enum `$kind`, called `$what` in errors.
macro_rules! named {
    ($kind:ident, $what:literal: $($value:ident $(($payload:expr))? = $name:literal $(| $alias:literal)?),+ $(,)?) => {
        impl $kind {
            const NAMES: &[(Self, &str, &[&str])] =
                &[$((Self::$value $(($payload))?, $name, &[$($alias)?])),+];

            /// Every value, in order.
            pub fn all() -> impl Iterator<Item = Self> {
                Self::NAMES.iter().map(|(value, ..)| *value)
            }

            /// The value's name.
            pub fn name(self) -> &'static str {
                let kind = std::mem::discriminant(&self);
                let same = |(value, ..): &&(Self, &str, &[&str])| std::mem::discriminant(value) == kind;
                Self::NAMES.iter().find(same).map_or("", |(_, name, _)| name)
            }
        }

        impl std::str::FromStr for $kind {
            type Err = $crate::player::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let mut all = Self::NAMES.iter();
                let found = all.find(|(_, known, alias)| *known == name || alias.contains(&name));
                found.map(|(value, ..)| *value).ok_or_else(|| $crate::player::UnknownName {
                    what: $what,
                    name: name.to_owned(),
                    expected: [$($name),+].join(", "),
                })
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    use crate::player::{abr::Abr, throughput::Estimator, utility::Utility};

    #[test]
    fn names_round_trip() {
        Abr::all().for_each(|rule| assert_eq!(rule.to_string().parse(), Ok(rule)));
        Estimator::all().for_each(|kind| assert_eq!(kind.to_string().parse(), Ok(kind)));
        Utility::all().for_each(|kind| assert_eq!(kind.to_string().parse(), Ok(kind)));
        assert_eq!("bola".parse(), Ok(Abr::BolaE));
        assert!("median".parse::<Estimator>().is_err() && "vmaf".parse::<Utility>().is_err());
        let error = "best".parse::<Abr>().unwrap_err().to_string();
        assert!(
            error.starts_with("unknown ABR rule `best`: expected throughput, bba0"),
            "{error}"
        );
    }
}
