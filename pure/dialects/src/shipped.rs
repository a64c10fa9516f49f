macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../dialects/", $name, ".toml")))),*]
    };
}

/// The dialect files that come with the switch: name and text.
pub(crate) const SHIPPED: &[(&str, &str)] = shipped![
    "iso87-ascii",
    "iso87-binary",
    "iso87-ebcdic",
    "iso93-ascii",
    "iso93-binary",
    "pos-tpdu",
    "atm-access",
    "card-center",
];
